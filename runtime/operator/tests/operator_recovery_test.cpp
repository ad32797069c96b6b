// What the operator survives: lost data, lost connections, its own sudden death, nonsense, and a twin.
#include <signal.h>

#include <catch2/catch.hpp>

#include "harmony/contracts/heartbeat.hpp"
#include "harmony/contracts/kv.hpp"
#include "operator_process.hpp"

using namespace harmony::op::testing;
namespace contracts = harmony::contracts;
namespace nats = harmony::runtime::nats;

namespace {

// `devices` devices that all match `deployments` Deployments.
std::map<std::string, std::string> expected(int devices, int deployments) {
    std::map<std::string, std::string> result;
    contracts::DesiredIndex index;
    for (int number = 0; number < deployments; ++number)
        index.deployments.push_back(deployment_name("app" + std::to_string(number)));
    for (int device = 0; device < devices; ++device) {
        const std::string id = "d" + std::to_string(device);
        result[id + "._index"] = index.encode();
        for (const auto& name : index.deployments)
            result[id + "." + name.str()] = score("img:1").encode();
    }
    return result;
}

void fill(Stack& stack, int devices, int deployments) {
    for (int device = 0; device < devices; ++device)
        stack.register_device("d" + std::to_string(device), {});
    for (int number = 0; number < deployments; ++number) {
        stack.apply(deployment("app" + std::to_string(number), selector({}), "img:1"));
    }
}

}  // namespace

TEST_CASE("after the broker has lost everything the buckets are written again, also by a fresh process") {
    Stack stack;
    fill(stack, 3, 2);
    REQUIRE(eventually([&] { return stack.desired() == expected(3, 2); }));
    const bool restart_operator = GENERATE(false, true);
    if (restart_operator) stack.process->kill();
    stack.server.kill();
    stack.server.wipe_storage();
    stack.server.start();
    if (restart_operator) stack.process = std::make_unique<OperatorProcess>(stack.home);
    REQUIRE(eventually([&] { return stack.desired() == expected(3, 2); }));
    CHECK(stack.api.all_deployments().value().size() == 2);
}

TEST_CASE("a bucket that is deleted or purged under a connected operator is made and filled again") {
    Stack stack;
    fill(stack, 3, 2);
    REQUIRE(eventually([&] { return stack.desired() == expected(3, 2); }));
    const auto remove = [&](std::string_view bucket) {
        REQUIRE(nats::delete_bucket(*stack.connection, bucket, std::chrono::seconds(10)));
    };
    SECTION("desired-state alone") {
        remove(contracts::kDesiredStateBucket);
    }
    SECTION("every bucket") {
        for (const std::string_view bucket : contracts::kBuckets)
            remove(bucket);
    }
    SECTION("purged") {
        nats::Message request;
        request.subject = "$JS.API.STREAM.PURGE.KV_" + std::string(contracts::kDesiredStateBucket);
        REQUIRE(stack.connection->request(request, std::chrono::seconds(10)));
    }
    REQUIRE(stack.desired() != expected(3, 2));
    REQUIRE(eventually([&] { return stack.desired() == expected(3, 2); }));
    CHECK(stack.api.all_devices().value().size() == 3);
    // It did all that without a new connection, and serves what comes next.
    CHECK(stack.home.log().find("connected to NATS again") == std::string::npos);
    stack.apply(deployment("app2", selector({}), "img:1"));
    REQUIRE(eventually([&] { return stack.desired() == expected(3, 3); }));
}

TEST_CASE("reports whose bucket was deleted are asked for, and count again when they come") {
    Stack stack;
    stack.register_device("d0", {});
    stack.apply(deployment("app0", selector({}), "img:1"));
    REQUIRE(eventually([&] { return stack.desired() == expected(1, 1); }));
    nats::KeyValue states(*stack.connection, std::string(contracts::kDeviceStateBucket));
    const auto report = [&] {
        return states
            .put("state.d0.app0",
                 state("app0", contracts::Phase::Running, score("img:1"), contracts::Timestamp::now())
                     .encode())
            .has_value();
    };
    const auto succeeded = [&] {
        const auto found = stack.api.deployment("app0");
        return found && found->status ? found->status->aggregate.succeeded : -1;
    };
    REQUIRE(report());
    REQUIRE(eventually([&] { return succeeded() == 1; }));
    for (const std::string_view bucket : {contracts::kDeviceStateBucket, contracts::kDeviceHeartbeatBucket})
        REQUIRE(nats::delete_bucket(*stack.connection, bucket, std::chrono::seconds(10)));
    REQUIRE(eventually([&] { return succeeded() == 0; }));

    nats::KeyValue desired(*stack.connection, std::string(contracts::kDesiredStateBucket));
    const auto index = desired.get("d0._index").value()->revision;
    nats::KeyValue heartbeats(*stack.connection, std::string(contracts::kDeviceHeartbeatBucket));
    REQUIRE(eventually([&] {
        contracts::Heartbeat heartbeat;
        heartbeat.agent_version = "0.1.0";
        heartbeat.at = contracts::Timestamp::now().seconds();
        heartbeat.desired_digest =
            contracts::desired_digest({{deployment_name("app0"), score("img:1").hash()}});
        (void)heartbeats.put("heartbeat.d0", heartbeat.encode());
        return desired.get("d0._index").value()->revision > index;
    }));
    CHECK(stack.desired() == expected(1, 1));
    REQUIRE(report());
    CHECK(eventually([&] { return succeeded() == 1; }));
}

TEST_CASE("killed under load and started again it converges, and removes what belongs to nothing") {
    Stack stack;
    for (int device = 0; device < 40; ++device)
        stack.register_device("d" + std::to_string(device), {});
    for (int number = 0; number < 5; ++number) {
        stack.apply(deployment("app" + std::to_string(number), selector({}), "img:1"));
        stack.process->kill();
        stack.process = std::make_unique<OperatorProcess>(stack.home);
        stack.wait_until_ready();
    }
    stack.process->kill();
    stack.put(contracts::kDesiredStateBucket, "ghost.app0", "{}");
    stack.put(contracts::kDesiredStateBucket, "d0.old", "{}");
    stack.put(contracts::kDesiredStateBucket, "d0.app0", "not a score");
    stack.process = std::make_unique<OperatorProcess>(stack.home);
    REQUIRE(eventually([&] { return stack.desired() == expected(40, 5); }));
}

TEST_CASE("two operators on one store answer and write as one") {
    Stack stack;
    OperatorProcess twin(stack.home);
    fill(stack, 5, 3);
    REQUIRE(eventually([&] { return stack.desired() == expected(5, 3); }));
    REQUIRE(stack.api.delete_deployment("app2"));
    REQUIRE(eventually([&] { return stack.desired() == expected(5, 2); }));
    stack.process->kill();
    REQUIRE(eventually([&] { return stack.api.all_deployments().has_value(); }));
    REQUIRE(eventually([&] { return stack.api.all_deployments().value().size() == 2; }));
    stack.apply(deployment("app2", selector({}), "img:1"));
    REQUIRE(eventually([&] { return stack.desired() == expected(5, 3); }));
}

TEST_CASE("nonsense in every bucket is ignored and the rest goes on") {
    Stack stack;
    stack.put(contracts::kDeviceInfoBucket, "info.bad", "{");
    stack.put(contracts::kDeviceInfoBucket, "info.dotted.id", R"({"device_id":"dotted.id"})");
    stack.put(contracts::kDeviceInfoBucket, "info.liar",
              R"({"device_id":"d0","labels":{},"agent_version":"1"})");
    stack.put(contracts::kDeviceStateBucket, "state.d0.app0", "[]");
    stack.put(contracts::kDeviceHeartbeatBucket, "heartbeat.d0", "nonsense");
    stack.put(contracts::kDesiredStateBucket, "No_Key", "left alone");
    fill(stack, 1, 1);
    auto wanted = expected(1, 1);
    wanted["No_Key"] = "left alone";
    REQUIRE(eventually([&] { return stack.desired() == wanted; }));
    CHECK(stack.api.all_devices().value().size() == 1);

    // All of it is told, also after it was read again, and each is logged once.
    stack.server.restart();
    REQUIRE(eventually([&] {
        const auto status = stack.api.status();
        return status && status->ready && status->ignored_count == 6;
    }));
    const auto status = stack.api.status().value();
    const auto tells = [&](std::string_view bucket, std::string_view key) {
        return std::any_of(status.ignored_entries.begin(), status.ignored_entries.end(),
                           [&](const auto& entry) { return entry.bucket == bucket && entry.key == key; });
    };
    CHECK(tells(contracts::kDeviceInfoBucket, "info.dotted.id"));
    CHECK(tells(contracts::kDeviceStateBucket, "state.d0.app0"));
    CHECK(tells(contracts::kDesiredStateBucket, "No_Key"));
    const std::string log = stack.home.log();
    const std::string line = "info.dotted.id";
    const auto first = log.find(line);
    REQUIRE(first != std::string::npos);
    CHECK(log.find(line, log.find('\n', first)) == std::string::npos);
    stack.put(contracts::kDeviceStateBucket, "state.d0.app0",
              state("app0", contracts::Phase::Running, score("img:1"), contracts::Timestamp::now()).encode());
    REQUIRE(eventually([&] { return stack.api.status().value().ignored_count <= 5; }));
}

TEST_CASE("a device with a thousand labels keeps those it had, and its user sees why") {
    Stack stack;
    stack.register_device("a", {{"site", "x"}});
    stack.apply(deployment("web", selector({{"site", "x"}}), "img:1"));
    REQUIRE(eventually([&] { return stack.desired().contains("a.web"); }));
    std::string labels;
    for (int number = 0; number < 1000; ++number)
        labels += (number == 0 ? "\"k" : ",\"k") + std::to_string(number) + "\":\"v\"";
    stack.put(contracts::kDeviceInfoBucket, "info.a",
              R"({"device_id":"a","labels":{)" + labels +
                  R"(},"agent_version":"0.1.0","updated_at":"2025-01-01T00:00:00.000000Z"})");
    const auto conditions = [&] {
        const auto device = stack.api.device("a");
        return device && device->device.status ? device->device.status->conditions
                                               : std::vector<contracts::Condition>{};
    };
    REQUIRE(eventually([&] { return !conditions().empty(); }));
    CHECK(conditions().at(0).type == contracts::kConditionInfoAccepted);
    CHECK(conditions().at(0).status == contracts::ConditionStatus::False);
    CHECK_THAT(conditions().at(0).message, Catch::StartsWith("labels: ") && Catch::Contains("at most 64"));
    CHECK(stack.desired().contains("a.web"));
    stack.register_device("a", {});
    REQUIRE(eventually([&] { return conditions().empty(); }));
    REQUIRE(eventually([&] { return !stack.desired().contains("a.web"); }));
}

TEST_CASE("a first start makes the buckets without complaining that they are not there") {
    Stack stack;
    CHECK(stack.home.log().find("watched anew") == std::string::npos);
}

TEST_CASE("an operator that was too slow for the broker is cut off, connects again and misses nothing") {
    Stack stack("", "max_pending: 1MB\n");
    stack.register_device("d0", {});
    stack.apply(deployment("app0", selector({}), "img:1"));
    REQUIRE(eventually([&] { return stack.desired() == expected(1, 1); }));
    REQUIRE(::kill(stack.process->pid(), SIGSTOP) == 0);
    // What it watches is sent no faster than it reads; what it is asked is not.
    harmony::runtime::nats::Message request;
    request.subject = contracts::kFleetStatus;
    request.payload = std::string(4096, ' ');
    for (int number = 0; number < 20'000; ++number)
        REQUIRE(stack.connection->publish(request));
    REQUIRE(stack.connection->flush(std::chrono::seconds(10)));
    REQUIRE(eventually([&] { return stack.server.log().find("Slow Consumer") != std::string::npos; }));
    for (int number = 1; number < 200; ++number)
        stack.register_device("d" + std::to_string(number), {});
    REQUIRE(::kill(stack.process->pid(), SIGCONT) == 0);
    REQUIRE(eventually([&] { return stack.desired() == expected(200, 1); }));
}

TEST_CASE("a hint that was lost shows in the next heartbeat's digest and is repeated") {
    Stack stack;
    stack.register_device("d0", {});
    stack.apply(deployment("app0", selector({}), "img:1"));
    REQUIRE(eventually([&] { return stack.desired() == expected(1, 1); }));
    harmony::runtime::nats::KeyValue bucket(*stack.connection, std::string(contracts::kDesiredStateBucket));
    const auto revision = [&] { return bucket.get("d0.app0").value()->revision; };
    const auto before = revision();
    REQUIRE(eventually([&] {
        contracts::Heartbeat heartbeat;
        heartbeat.agent_version = "0.1.0";
        heartbeat.at = contracts::Timestamp::now().seconds();
        heartbeat.desired_digest = contracts::desired_digest({});
        stack.put(contracts::kDeviceHeartbeatBucket, "heartbeat.d0", heartbeat.encode());
        return revision() > before;
    }));
    CHECK(stack.desired() == expected(1, 1));
}
