#include "harmony/contracts/device_permissions.hpp"

#include "harmony/contracts/commands.hpp"
#include "harmony/contracts/fleet_api.hpp"
#include "harmony/contracts/kv.hpp"

namespace harmony::contracts {

namespace {

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

SubjectPermissions simulator_permissions() {
    // Derived from a device's own list, so that the two cannot part.
    static const DeviceId device = *DeviceId::parse("any");
    const auto for_every_device = [](std::vector<std::string> subjects) {
        for (std::string& subject : subjects) {
            const auto token = subject.find("." + device.str() + ".");
            const auto at = token != std::string::npos ? token + 1 : subject.size() - device.str().size();
            subject.replace(at, device.str().size(), "*");
        }
        return subjects;
    };
    SubjectPermissions result = device_permissions(device);
    result.subscribe.pop_back();  // the inbox, which is the simulator's own
    result.publish = for_every_device(std::move(result.publish));
    result.subscribe = for_every_device(std::move(result.subscribe));
    result.inbox_prefix = kSimulatorInboxPrefix;
    result.subscribe.push_back(result.inbox_prefix + ".>");
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
