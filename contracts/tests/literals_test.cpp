// The literal names of the contract, written out: whoever changes one breaks devices in the field.
#include <algorithm>
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "harmony/contracts/canonical_json.hpp"
#include "harmony/contracts/commands.hpp"
#include "harmony/contracts/device_permissions.hpp"
#include "harmony/contracts/fleet_api.hpp"
#include "harmony/contracts/heartbeat.hpp"
#include "harmony/contracts/kv.hpp"
#include "harmony/contracts/resource_definitions.hpp"
#include "samples.hpp"

using namespace harmony::contracts;
using testing::deployment;
using testing::device;

TEST_CASE("buckets and keys have their literal names") {
    CHECK(kDesiredStateBucket == "desired-state");
    CHECK(kDeviceInfoBucket == "device-info");
    CHECK(kDeviceStateBucket == "device-state");
    CHECK(kDeviceHeartbeatBucket == "device-heartbeat");
    CHECK(desired_state_key(device("d-1"), deployment("web")) == "d-1.web");
    CHECK(desired_index_key(device("d-1")) == "d-1._index");
    CHECK(device_info_key(device("d-1")) == "info.d-1");
    CHECK(device_state_key(device("d-1"), deployment("web")) == "state.d-1.web");
    CHECK(heartbeat_key(device("d-1")) == "heartbeat.d-1");
    CHECK(kKvOperationHeader == "KV-Operation");
}

TEST_CASE("key-value subjects have their literal form") {
    CHECK(kv_stream("desired-state") == "KV_desired-state");
    CHECK(kv_subject("desired-state", "d-1.web") == "$KV.desired-state.d-1.web");
    CHECK(kv_direct_get_subject("desired-state", "d-1.web") ==
          "$JS.API.DIRECT.GET.KV_desired-state.$KV.desired-state.d-1.web");
}

TEST_CASE("buckets keep one value, allow direct gets, and heartbeats fade from memory") {
    const auto settings = bucket_settings(3, std::chrono::seconds{10});
    for (std::size_t i = 0; i < settings.size(); ++i) {
        CHECK(settings[i].name == kBuckets[i]);
        CHECK(settings[i].history == 1);
        CHECK(settings[i].allow_direct);
        CHECK(settings[i].replicas == 3);
        CHECK(settings[i].max_value_bytes > 0);
        const bool heartbeat = settings[i].name == "device-heartbeat";
        CHECK((settings[i].storage == BucketStorage::Memory) == heartbeat);
        CHECK(settings[i].ttl == std::chrono::seconds{heartbeat ? 30 : 0});
    }
    CHECK(kHeartbeatInterval == std::chrono::seconds{30});
    CHECK(kHeartbeatStaleAfter == std::chrono::seconds{90});
}

TEST_CASE("commands have their literal subjects, headers and limits") {
    CHECK(command_subject(device("d-1"), CommandVerb::Ping) == "device-commands.d-1.ping");
    CHECK(command_subject(device("d-1"), CommandVerb::Logs) == "device-commands.d-1.logs");
    CHECK(command_subject(device("d-1"), CommandVerb::Exec) == "device-commands.d-1.exec");
    CHECK(command_subscription(device("d-1")) == "device-commands.d-1.>");
    CHECK(kRequestIdHeader == "X-Harmony-Request-Id");
    CHECK(kDeadlineHeader == "X-Harmony-Deadline");
    CHECK(kOperatorSubHeader == "X-Harmony-Operator-Sub");
    CHECK(kPingDeadline == std::chrono::seconds{5});
    CHECK(kExecAgentDeadline == std::chrono::seconds{25});
    CHECK(kExecDeadline == std::chrono::seconds{30});
    CHECK(kLogsDefaultLines == 200);
    CHECK(kLogsMaxLines == 10'000);
    CHECK(kExecMaxStreamBytes == 262'144);
    CHECK(kFollowRenewInterval == std::chrono::seconds{5});
    CHECK(kFollowLease == 3 * kFollowRenewInterval);
    CHECK(kMaxFollows == 8);
    CHECK(kFollowBufferBytes == 1'048'576);
}

TEST_CASE("the fleet API has its literal subjects") {
    CHECK(fleet_api_subject(FleetApiMethod::DeploymentsApply) == "fleet-api.v1.deployments.apply");
    CHECK(fleet_api_subject(FleetApiMethod::DeploymentsGet) == "fleet-api.v1.deployments.get");
    CHECK(fleet_api_subject(FleetApiMethod::DeploymentsList) == "fleet-api.v1.deployments.list");
    CHECK(fleet_api_subject(FleetApiMethod::DeploymentsDelete) == "fleet-api.v1.deployments.delete");
    CHECK(fleet_api_subject(FleetApiMethod::DevicesList) == "fleet-api.v1.devices.list");
    CHECK(fleet_api_subject(FleetApiMethod::DevicesGet) == "fleet-api.v1.devices.get");
    CHECK(fleet_api_subject(FleetApiMethod::DevicesDelete) == "fleet-api.v1.devices.delete");
    CHECK(fleet_api_subject(FleetApiMethod::Status) == "fleet-api.v1.status");
    CHECK(kFleetApiSubscription == "fleet-api.v1.>");
}

TEST_CASE("resources and container labels have their literal names") {
    CHECK(kApiVersion == "fleet.nationtech.io/v1alpha1");
    CHECK(kFinalizer == "fleet.nationtech.io/finalizer");
    CHECK(kDeploymentShortName == "fleetdep");
    CHECK(kDeviceShortName == "fleetdev");
    CHECK(kDefinitionVersionAnnotation == "fleet.nationtech.io/definition-version");
    CHECK(deployment_definition().at("metadata").at("name") == "deployments.fleet.nationtech.io");
    CHECK(device_definition().at("metadata").at("name") == "devices.fleet.nationtech.io");
    CHECK(kManagedByLabel == "io.nationtech.harmony/managed-by");
    CHECK(kDeviceLabel == "io.nationtech.harmony/device");
    CHECK(kDeploymentLabel == "io.nationtech.harmony/deployment");
    CHECK(kServiceLabel == "io.nationtech.harmony/service");
    CHECK(kSpecHashLabel == "io.nationtech.harmony/spec-hash");
    CHECK(kInitLabel == "io.nationtech.harmony/init");
}

TEST_CASE("a device may use exactly its own subjects") {
    const auto permissions = device_permissions(device("d-1"));
    CHECK(permissions.publish ==
          std::vector<std::string>{"$KV.device-info.info.d-1", "$KV.device-state.state.d-1.*",
                                   "$KV.device-heartbeat.heartbeat.d-1",
                                   "$JS.API.DIRECT.GET.KV_desired-state.$KV.desired-state.d-1.>"});
    CHECK(permissions.subscribe == std::vector<std::string>{"$KV.desired-state.d-1.>",
                                                            "device-commands.d-1.>", "_INBOX_device-d-1.>"});
    CHECK(permissions.inbox_prefix == "_INBOX_device-d-1");
    CHECK(permissions.responses == ResponsePermission{1000, std::chrono::seconds{120}});
    CHECK(device_user(device("d-1")) == "device-d-1");
}

TEST_CASE("a simulator may use what a device may, of every device, and nothing else") {
    const auto permissions = simulator_permissions();
    CHECK(permissions.publish ==
          std::vector<std::string>{"$KV.device-info.info.*", "$KV.device-state.state.*.*",
                                   "$KV.device-heartbeat.heartbeat.*",
                                   "$JS.API.DIRECT.GET.KV_desired-state.$KV.desired-state.*.>"});
    CHECK(permissions.subscribe ==
          std::vector<std::string>{"$KV.desired-state.*.>", "device-commands.*.>", "_INBOX_simulator.>"});
    CHECK(permissions.inbox_prefix == "_INBOX_simulator");
    CHECK(permissions.responses == device_permissions(device("d-1")).responses);
    CHECK(kSimulatorUser == "simulator");
}

TEST_CASE("the operator may use its buckets' streams and no other") {
    const auto permissions = operator_permissions();
    std::vector<std::string> expected;
    for (const std::string bucket : {"desired-state", "device-info", "device-state", "device-heartbeat"}) {
        for (const std::string verb : {"STREAM.INFO", "STREAM.CREATE", "STREAM.UPDATE"})
            expected.push_back("$JS.API." + verb + ".KV_" + bucket);
        for (const std::string verb : {"DIRECT.GET", "CONSUMER.CREATE", "CONSUMER.DELETE"})
            expected.push_back("$JS.API." + verb + ".KV_" + bucket + ".>");
        expected.push_back("$JS.FC.KV_" + bucket + ".>");
        expected.push_back("$KV." + bucket + ".>");
    }
    auto publish = permissions.publish;
    std::sort(publish.begin(), publish.end());
    std::sort(expected.begin(), expected.end());
    CHECK(publish == expected);
    CHECK(permissions.subscribe == std::vector<std::string>{"fleet-api.v1.>", "_INBOX_operator.>"});
    CHECK(permissions.inbox_prefix == "_INBOX_operator");
}

TEST_CASE("hashes are the same on every machine") {
    CHECK(value_hash("") == "cbf29ce484222325");
    CHECK(value_hash("a") == "af63dc4c8601ec8c");
    CHECK(value_hash("foobar") == "85944171f73967e8");
    CHECK(desired_digest({}) == "cbf29ce484222325");
    CHECK(desired_digest({{deployment("web"), "00112233445566ff"}}) == value_hash("web=00112233445566ff\n"));
}
