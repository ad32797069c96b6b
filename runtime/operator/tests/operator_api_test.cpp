// The fleet API and the desired state that follows from it, with the real binary and a real broker.
#include <catch2/catch.hpp>

#include "harmony/contracts/heartbeat.hpp"
#include "harmony/contracts/kv.hpp"
#include "operator_process.hpp"

using namespace harmony::op::testing;
using harmony::ErrorKind;
namespace contracts = harmony::contracts;

namespace {

std::map<std::string, std::string> one_device(const std::string& device, const std::string& name,
                                              const std::string& image) {
    contracts::DesiredIndex index;
    index.deployments = {deployment_name(name)};
    return {{device + "." + name, score(image).encode()}, {device + "._index", index.encode()}};
}

}  // namespace

TEST_CASE("a Deployment lives: applied, matched by labels, changed, reported, deleted") {
    Stack stack;
    stack.register_device("a", {{"site", "x"}});
    stack.apply(deployment("web", selector({{"site", "x"}}), "img:1"));
    REQUIRE(eventually([&] { return stack.desired() == one_device("a", "web", "img:1"); }));

    stack.put(contracts::kDeviceStateBucket, "state.a.web",
              state("web", contracts::Phase::Running, score("img:1"), contracts::Timestamp::now()).encode());
    REQUIRE(eventually([&] {
        const auto found = stack.api.deployment("web");
        return found && found->status && found->status->aggregate.succeeded == 1;
    }));
    const auto device = stack.api.device("a");
    REQUIRE(device);
    REQUIRE(device->deployments.size() == 1);
    CHECK(device->deployments[0].phase == contracts::Phase::Running);

    stack.apply(deployment("web", selector({{"site", "x"}}), "img:2"));
    REQUIRE(eventually([&] { return stack.desired() == one_device("a", "web", "img:2"); }));
    stack.register_device("a", {{"site", "y"}});
    REQUIRE(eventually([&] { return stack.desired().count("a.web") == 0; }));
    CHECK(stack.desired().at("a._index") == contracts::DesiredIndex{}.encode());
    stack.register_device("a", {{"site", "x"}});
    REQUIRE(eventually([&] { return stack.desired() == one_device("a", "web", "img:2"); }));

    const auto deleted = stack.api.delete_deployment("web");
    REQUIRE(deleted);
    CHECK(deleted->pending);
    REQUIRE(eventually([&] {
        const auto found = stack.api.deployment("web");
        return !found && found.error().kind() == ErrorKind::NotFound;
    }));
    CHECK(stack.desired().count("a.web") == 0);
    CHECK(stack.process->terminate() == 0);
}

TEST_CASE("the API names what is wrong and pages what is long") {
    Stack stack;
    const auto raw = [&](const std::string& subject, const std::string& payload) {
        harmony::runtime::nats::Message request;
        request.subject = subject;
        request.payload = payload;
        const auto answer = stack.connection->request(request, std::chrono::seconds(5));
        REQUIRE(answer);
        const auto error = contracts::find_remote_error(answer->payload);
        REQUIRE(error);
        REQUIRE(*error);
        return **error;
    };
    CHECK(raw("fleet-api.v1.deployments.apply", "{").kind == contracts::RemoteErrorKind::BadRequest);
    CHECK(raw("fleet-api.v1.nothing.here", "{}").kind == contracts::RemoteErrorKind::NotFound);
    CHECK(raw("fleet-api.v1.devices.get", R"({"name":"Not.Valid"})").message.find("name") !=
          std::string::npos);
    const auto bad =
        raw("fleet-api.v1.deployments.apply",
            R"({"deployment":{"apiVersion":"fleet.nationtech.io/v1alpha1","kind":"Deployment",)"
            R"("metadata":{"name":"web"},"spec":{"targetSelector":{},"score":{"type":"PodmanV0",)"
            R"("data":{"services":[{"name":"web","image":""}]}}}}})");
    CHECK(bad.kind == contracts::RemoteErrorKind::BadRequest);
    CHECK(bad.message.find("spec.score.data.services[0].image") != std::string::npos);
    CHECK(stack.api.delete_deployment("ghost").error().kind() == ErrorKind::NotFound);
    CHECK(stack.api.delete_device("ghost").error().kind() == ErrorKind::NotFound);

    for (const char* name : {"a", "b", "c"}) {
        stack.apply(deployment(name, selector({}), "img:1"));
        stack.register_device(name, {});
    }
    contracts::ListRequest page;
    page.limit = 2;
    const auto first = stack.api.deployments(page);
    REQUIRE(first);
    REQUIRE(first->items.size() == 2);
    REQUIRE(first->continue_token);
    page.continue_token = first->continue_token;
    const auto second = stack.api.deployments(page);
    REQUIRE(second);
    REQUIRE(second->items.size() == 1);
    CHECK(second->items[0].metadata.name == "c");
    CHECK_FALSE(second->continue_token);
    REQUIRE(eventually([&] { return stack.api.all_devices().value().size() == 3; }));

    const auto again = stack.api.apply(deployment("a", selector({}), "img:1"));
    REQUIRE(again);
    CHECK(again->change == contracts::ApplyChange::Unchanged);
    CHECK(again->deployment.metadata.generation == 1);
}

TEST_CASE("a device is online by its heartbeat, and deleted it leaves no key") {
    Stack stack;
    stack.register_device("a", {});
    stack.apply(deployment("web", selector({}), "img:1"));
    contracts::Heartbeat heartbeat;
    heartbeat.agent_version = "0.1.0";
    heartbeat.at = contracts::Timestamp::now().seconds();
    heartbeat.desired_digest = contracts::desired_digest({{deployment_name("web"), score("img:1").hash()}});
    stack.put(contracts::kDeviceHeartbeatBucket, "heartbeat.a", heartbeat.encode());
    REQUIRE(eventually([&] {
        const auto device = stack.api.device("a");
        return device && device->device.status && device->device.status->online;
    }));
    REQUIRE(eventually([&] { return stack.desired().size() == 2; }));
    REQUIRE(stack.api.delete_device("a"));
    CHECK(stack.desired().empty());
    harmony::runtime::nats::KeyValue infos(*stack.connection, std::string(contracts::kDeviceInfoBucket));
    CHECK(infos.keys().value().empty());
    CHECK(stack.api.all_devices().value().empty());
    CHECK(stack.api.delete_device("a").error().kind() == ErrorKind::NotFound);
}
