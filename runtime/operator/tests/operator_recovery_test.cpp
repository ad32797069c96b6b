// What the operator survives: lost data, lost connections, its own sudden death, nonsense, and a twin.
#include <catch2/catch.hpp>

#include "harmony/contracts/kv.hpp"
#include "operator_process.hpp"

using namespace harmony::op::testing;
namespace contracts = harmony::contracts;

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
}
