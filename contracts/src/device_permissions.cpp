#include "harmony/contracts/device_permissions.hpp"

#include "harmony/contracts/commands.hpp"
#include "harmony/contracts/fleet_api.hpp"
#include "harmony/contracts/kv.hpp"

namespace harmony::contracts {

namespace {

// Logs may answer with several messages; an exec is over before this.
constexpr ResponsePermission kDeviceResponses{1000, std::chrono::seconds{120}};
constexpr ResponsePermission kOperatorResponses{1, std::chrono::seconds{60}};

// What a client needs to make, follow and write one bucket, and nothing of another stream. It follows with a
// consumer that acknowledges nothing and is removed; $JS.FC answers the server's flow control.
void allow_bucket(std::string_view bucket, std::vector<std::string>& publish) {
    const auto stream = kv_stream(bucket);
    for (const char* verb : {"STREAM.INFO.", "STREAM.CREATE.", "STREAM.UPDATE."})
        publish.push_back("$JS.API." + std::string(verb) + stream);
    for (const char* verb : {"DIRECT.GET.", "CONSUMER.CREATE.", "CONSUMER.DELETE."})
        publish.push_back("$JS.API." + std::string(verb) + stream + ".>");
    publish.push_back("$JS.FC." + stream + ".>");
    publish.push_back(kv_subject(bucket, ">"));
}

}  // namespace

std::string device_user(const DeviceId& device) {
    return std::string(kDeviceUserPrefix) + device.str();
}

std::string device_inbox_prefix(const DeviceId& device) {
    return std::string(kDeviceInboxPrefix) + device.str();
}

SubjectPermissions device_permissions(const DeviceId& device) {
    SubjectPermissions result;
    result.inbox_prefix = device_inbox_prefix(device);
    result.publish = {
        kv_subject(kDeviceInfoBucket, device_info_key(device)),
        kv_subject(kDeviceStateBucket, device_state_filter(device)),
        kv_subject(kDeviceHeartbeatBucket, heartbeat_key(device)),
        kv_direct_get_subject(kDesiredStateBucket, desired_state_filter(device)),
    };
    result.subscribe = {
        kv_subject(kDesiredStateBucket, desired_state_filter(device)),
        command_subscription(device),
        result.inbox_prefix + ".>",
    };
    result.responses = kDeviceResponses;
    return result;
}

SubjectPermissions operator_permissions() {
    SubjectPermissions result;
    result.inbox_prefix = kOperatorInboxPrefix;
    for (const auto bucket : kBuckets)
        allow_bucket(bucket, result.publish);
    result.subscribe.emplace_back(kFleetApiSubscription);
    result.subscribe.push_back(result.inbox_prefix + ".>");
    result.responses = kOperatorResponses;
    return result;
}

}  // namespace harmony::contracts
