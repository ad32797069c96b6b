#include "harmony/contracts/device_permissions.hpp"

#include "harmony/contracts/commands.hpp"
#include "harmony/contracts/fleet_api.hpp"
#include "harmony/contracts/kv.hpp"

namespace harmony::contracts {

namespace {

// Logs may answer with several messages; an exec is over before this.
constexpr ResponsePermission kDeviceResponses{1000, std::chrono::seconds{120}};
constexpr ResponsePermission kOperatorResponses{1, std::chrono::seconds{60}};

// What a client needs to create, read, watch and write one bucket, and nothing of another stream.
void allow_bucket(std::string_view bucket, std::vector<std::string>& publish) {
    const auto stream = kv_stream(bucket);
    for (const std::string_view verb : {"STREAM.INFO.", "STREAM.CREATE.", "STREAM.UPDATE.", "STREAM.MSG.GET.",
                                        "STREAM.PURGE.", "DIRECT.GET.", "CONSUMER.CREATE."}) {
        publish.push_back("$JS.API." + std::string(verb) + stream);
    }
    for (const std::string_view verb :
         {"DIRECT.GET.", "CONSUMER.CREATE.", "CONSUMER.INFO.", "CONSUMER.DELETE."}) {
        publish.push_back("$JS.API." + std::string(verb) + stream + ".>");
    }
    publish.push_back("$JS.ACK." + stream + ".>");
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
    result.publish = {"$JS.API.INFO", "$JS.API.STREAM.NAMES", std::string(kCommandSubjectPrefix) + ".*.*"};
    for (const auto bucket : kBuckets)
        allow_bucket(bucket, result.publish);
    result.subscribe = {std::string(kFleetApiSubscription), result.inbox_prefix + ".>"};
    for (const auto bucket : kBuckets)
        result.subscribe.push_back(kv_subject(bucket, ">"));
    result.responses = kOperatorResponses;
    return result;
}

}  // namespace harmony::contracts
