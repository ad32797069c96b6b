#include "resource_store_behaviour.hpp"

#include <array>
#include <catch2/catch.hpp>

#include "fleet_builders.hpp"

namespace harmony::op::testing {

namespace {

void survives_being_opened_again(const OpenStore& open) {
    auto document = stored_deployment("web");
    document.active->score = score("img:0");
    {
        const auto store = open();
        CHECK_FALSE(store->deployment(deployment_name("web")).value());
        put_deployment(*store, document);
        put_device(*store, device_info("a", {{"site", "x"}}), at(7));
    }
    const auto store = open();
    CHECK(store->deployment(deployment_name("web")).value() == document);
    const auto device = store->device(device_id("a")).value();
    REQUIRE(device);
    CHECK(device->registered_at == at(7));
    CHECK(device->info.labels == contracts::Labels{{"site", "x"}});
}

void failed_transaction_leaves_nothing(const OpenStore& open) {
    const auto store = open();
    put_deployment(*store, stored_deployment("before"));
    const auto revision = store->revision().value();
    const auto done = store->transaction([&]() -> Result<void> {
        REQUIRE(store->next_revision());
        REQUIRE(store->put_deployment(stored_deployment("web")));
        REQUIRE(store->put_device(device_info("a", {}), at(1)));
        REQUIRE(store->remove_deployment(deployment_name("before")));
        CHECK(store->deployment(deployment_name("web")).value());
        return fail(ErrorKind::Conflict, "changed my mind");
    });
    REQUIRE_FALSE(done);
    CHECK(done.error().kind() == ErrorKind::Conflict);
    CHECK_FALSE(store->deployment(deployment_name("web")).value());
    CHECK_FALSE(store->device(device_id("a")).value());
    CHECK(store->deployment(deployment_name("before")).value());
    CHECK(store->revision().value() == revision);
}

void revisions_only_grow(const OpenStore& open) {
    const auto first = open();
    const auto second = open();
    std::int64_t last = first->revision().value();
    for (ResourceStore* store : {first.get(), second.get(), first.get()}) {
        REQUIRE(store->transaction([&]() -> Result<void> {
            const auto next = store->next_revision();
            REQUIRE(next);
            CHECK(*next > last);
            last = *next;
            return {};
        }));
    }
    CHECK(first->revision().value() == last);
    CHECK(second->revision().value() == last);
}

void pages_and_conditions(const OpenStore& open) {
    const auto store = open();
    for (const char* name : {"c", "a", "b"})
        put_deployment(*store, stored_deployment(name));
    contracts::Condition ready;
    ready.type = "Ready";
    ready.status = contracts::ConditionStatus::True;
    ready.reason = "AllDevicesRunning";
    ready.last_transition_time = at(5);
    REQUIRE(store->transaction([&] { return store->put_conditions(deployment_name("b"), {ready}); }));
    put_deployment(*store, stored_deployment("b"));
    const auto page = store->deployments("a", 1).value();
    REQUIRE(page.size() == 1);
    CHECK(page.front().deployment.metadata.name == "b");
    CHECK(page.front().conditions == std::vector{ready});
    CHECK(store->deployments("", 10).value().size() == 3);
    CHECK(store->deployments("c", 10).value().empty());

    REQUIRE(store->transaction([&] { return store->remove_deployment(deployment_name("b")); }));
    put_deployment(*store, stored_deployment("b"));
    CHECK(store->deployment(deployment_name("b")).value()->conditions.empty());
}

void rollouts_and_holdings(const OpenStore& open) {
    const auto web = deployment_name("web");
    const std::vector devices{device_id("a"), device_id("b")};
    const auto holdings = [&](ResourceStore& store, std::int64_t since) {
        std::vector<Holding> found;
        REQUIRE(store.each_holding_since(web, since, [&](const Holding& held) { found.push_back(held); }));
        return found;
    };
    const RolloutRecord rolling{3, 1, ~ScoreHash{5}, {score("img:1"), score("img:2")}};
    {
        const auto store = open();
        CHECK_FALSE(store->rollout(web).value());
        auto document = stored_deployment("web");
        document.rollout = rolling;
        put_deployment(*store, document);
        REQUIRE(store->transaction([&] { return store->put_holdings(web, 3, devices, ~ScoreHash{7}); }));
        REQUIRE(store->transaction([&] { return store->put_holdings(web, 4, {devices.data(), 1}, 9); }));
    }
    const auto store = open();
    CHECK(store->rollout(web).value() == rolling);
    CHECK(store->deployment(web).value()->rollout == rolling);
    CHECK(holdings(*store, -1).size() == 2);
    CHECK(holdings(*store, 3) == std::vector{Holding{device_id("a"), 9}});
    CHECK(store->held_scores(web).value().size() == 2);
    const auto versions = store->deployment_versions().value();
    REQUIRE(versions.size() == 1);
    CHECK(versions[0].resource_version == "3");
    CHECK(versions[0].rollout_version == 3);

    // The same epoch keeps them, another drops them, and so does the end of the Deployment.
    auto stepped = rolling;
    ++stepped.version;
    REQUIRE(store->transaction([&] { return store->put_rollout(web, stepped); }));
    CHECK(holdings(*store, -1).size() == 2);
    REQUIRE(store->transaction([&] { return store->put_rollout(web, finished(stepped)); }));
    CHECK(store->rollout(web).value() == RolloutRecord{5, 2, 0, {}});
    CHECK(holdings(*store, -1).empty());
    REQUIRE(store->transaction([&] { return store->put_holdings(web, 6, devices, 9); }));
    REQUIRE(store->transaction([&] { return store->remove_deployment(web); }));
    CHECK_FALSE(store->rollout(web).value());
    put_deployment(*store, stored_deployment("web"));
    CHECK(holdings(*store, -1).empty());
    CHECK(store->rollout(web).value() == RolloutRecord{});
}

void devices_and_their_revisions(const OpenStore& open) {
    const auto store = open();
    put_device(*store, device_info("b", {}), at(1));
    put_device(*store, device_info("a", {}), at(2));
    const auto revision = store->revision().value();
    auto later = device_info("a", {});
    later.updated_at = at(99);
    put_device(*store, later, at(3));
    CHECK(store->revision().value() == revision);

    put_device(*store, device_info("b", {{"site", "y"}}), at(4));
    CHECK(store->revision().value() == revision + 1);
    CHECK(store->device(device_id("b")).value()->registered_at == at(1));
    std::vector<std::string> changed;
    REQUIRE(store->each_device_since(
        revision, [&](const StoredDevice& device) { changed.push_back(device.info.device_id.str()); }));
    CHECK(changed == std::vector<std::string>{"b"});
    changed.clear();
    REQUIRE(store->each_device_since(
        0, [&](const StoredDevice& device) { changed.push_back(device.info.device_id.str()); }));
    CHECK(changed.size() == 2);
    const auto page = store->devices("", 1).value();
    REQUIRE(page.size() == 1);
    CHECK(page.front().info.device_id == device_id("a"));
    CHECK(store->devices("a", 10).value().size() == 1);

    const auto removals = store->device_removals().value();
    REQUIRE(store->transaction([&] { return store->remove_device(device_id("a")); }));
    CHECK(store->device_removals().value() > removals);
    CHECK_FALSE(store->device(device_id("a")).value());
    const auto again = store->transaction([&] { return store->remove_device(device_id("a")); });
    REQUIRE_FALSE(again);
    CHECK(again.error().kind() == ErrorKind::NotFound);
    put_device(*store, device_info("a", {}), at(5));
    CHECK(store->device(device_id("a")).value()->registered_at == at(5));
}

void writes_of_others_are_noticed(const OpenStore& open) {
    const auto first = open();
    const auto second = open();
    CHECK_FALSE(first->changed_by_others().value());
    CHECK_FALSE(second->changed_by_others().value());
    put_deployment(*first, stored_deployment("web"));
    CHECK_FALSE(first->changed_by_others().value());
    CHECK(second->changed_by_others().value());
    CHECK_FALSE(second->changed_by_others().value());
    CHECK(second->deployment(deployment_name("web")).value() == stored_deployment("web"));
    // One's own writes in between hide nothing.
    put_deployment(*second, stored_deployment("db"));
    put_deployment(*first, stored_deployment("cache"));
    put_deployment(*second, stored_deployment("queue"));
    CHECK(second->changed_by_others().value());
    CHECK(first->changed_by_others().value());
}

constexpr std::array kCases{
    StoreCase{"what was stored is there after the store is opened again", survives_being_opened_again},
    StoreCase{"a failed transaction leaves nothing behind", failed_transaction_leaves_nothing},
    StoreCase{"revisions only grow, whoever takes them", revisions_only_grow},
    StoreCase{"pages come in the order of names, and conditions stay with their Deployment",
              pages_and_conditions},
    StoreCase{"a rollout, its older scores and its holdings are kept until they are dropped together",
              rollouts_and_holdings},
    StoreCase{"a device that says the same again is not a new revision, one that went is counted",
              devices_and_their_revisions},
    StoreCase{"another operator's writes are noticed, one's own are not", writes_of_others_are_noticed}};

}  // namespace

std::span<const StoreCase> resource_store_cases() {
    return kCases;
}

StoredDeployment stored_deployment(const std::string& name) {
    StoredDeployment result;
    result.deployment = deployment(name, selector({{"site", "x"}}), "img:1");
    result.deployment.metadata.resource_version = "3";
    result.active = result.deployment.spec;
    return result;
}

contracts::DeviceInfo device_info(const std::string& id, const contracts::Labels& labels) {
    contracts::DeviceInfo result;
    result.device_id = device_id(id);
    result.labels = labels;
    result.agent_version = "0.1.0";
    result.updated_at = at(1);
    return result;
}

void put_deployment(ResourceStore& store, const StoredDeployment& document) {
    const auto done = store.transaction([&] { return store.put_deployment(document); });
    if (!done) FAIL(done.error().text());
}

void put_device(ResourceStore& store, const contracts::DeviceInfo& info, contracts::Timestamp now) {
    const auto done = store.transaction([&] { return store.put_device(info, now); });
    if (!done) FAIL(done.error().text());
}

}  // namespace harmony::op::testing
