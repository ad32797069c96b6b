#include "harmony/contracts/kv.hpp"

#include "harmony/contracts/deployment_state.hpp"
#include "harmony/contracts/desired_state.hpp"
#include "harmony/contracts/device_info.hpp"
#include "harmony/contracts/heartbeat.hpp"
#include "json_field.hpp"

namespace harmony::contracts {

namespace {

constexpr std::string_view kInfoPrefix = "info.";
constexpr std::string_view kStatePrefix = "state.";
constexpr std::string_view kHeartbeatPrefix = "heartbeat.";

tl::unexpected<Error> not_a_key(std::string_view bucket, std::string_view key, std::string_view form) {
    return fail(ErrorKind::InvalidInput, "a key of bucket " + std::string(bucket) + ": found " +
                                             in_quotes(key) + ", expected " + std::string(form));
}

struct TwoTokens {
    std::string_view first;
    std::string_view second;
};

std::optional<TwoTokens> split_at_dot(std::string_view text) {
    const auto dot = text.find('.');
    if (dot == std::string_view::npos) return std::nullopt;
    return TwoTokens{text.substr(0, dot), text.substr(dot + 1)};
}

Result<DeviceId> parse_prefixed_device(std::string_view bucket, std::string_view prefix,
                                       std::string_view key) {
    if (key.starts_with(prefix)) {
        if (auto device = DeviceId::parse(key.substr(prefix.size()))) return device;
    }
    return not_a_key(bucket, key, std::string(prefix) + "<device>");
}

}  // namespace

std::array<BucketSettings, 4> bucket_settings(int replicas, std::chrono::seconds heartbeat_interval) {
    std::array<BucketSettings, 4> result;
    const std::array<std::size_t, 4> value_bytes{kMaxDesiredStateBytes, kMaxDeviceInfoBytes,
                                                 kMaxDeploymentStateBytes, 4 * kHeartbeatBytesLimit};
    for (std::size_t i = 0; i < kBuckets.size(); ++i) {
        result[i].name = kBuckets[i];
        result[i].replicas = replicas;
        result[i].max_value_bytes = static_cast<std::int64_t>(value_bytes[i]);
    }
    result[3].storage = BucketStorage::Memory;
    result[3].ttl = kStaleAfterIntervals * heartbeat_interval;
    return result;
}

std::string desired_state_key(const DeviceId& device, const DeploymentName& deployment) {
    return device.str() + "." + deployment.str();
}
std::string desired_index_key(const DeviceId& device) {
    return device.str() + "." + std::string(kIndexToken);
}
std::string device_info_key(const DeviceId& device) {
    return std::string(kInfoPrefix) + device.str();
}
std::string device_state_key(const DeviceId& device, const DeploymentName& deployment) {
    return std::string(kStatePrefix) + device.str() + "." + deployment.str();
}
std::string heartbeat_key(const DeviceId& device) {
    return std::string(kHeartbeatPrefix) + device.str();
}
std::string desired_state_filter(const DeviceId& device) {
    return device.str() + ".>";
}
std::string device_state_filter(const DeviceId& device) {
    return std::string(kStatePrefix) + device.str() + ".*";
}

Result<DesiredStateKey> parse_desired_state_key(std::string_view key) {
    if (const auto tokens = split_at_dot(key)) {
        auto device = DeviceId::parse(tokens->first);
        if (device && tokens->second == kIndexToken) return DesiredStateKey{*std::move(device), std::nullopt};
        auto deployment = DeploymentName::parse(tokens->second);
        if (device && deployment) return DesiredStateKey{*std::move(device), *std::move(deployment)};
    }
    return not_a_key(kDesiredStateBucket, key, "<device>.<deployment> or <device>._index");
}

Result<DeviceId> parse_device_info_key(std::string_view key) {
    return parse_prefixed_device(kDeviceInfoBucket, kInfoPrefix, key);
}

Result<DeviceStateKey> parse_device_state_key(std::string_view key) {
    if (key.starts_with(kStatePrefix)) {
        if (const auto tokens = split_at_dot(key.substr(kStatePrefix.size()))) {
            auto device = DeviceId::parse(tokens->first);
            auto deployment = DeploymentName::parse(tokens->second);
            if (device && deployment) return DeviceStateKey{*std::move(device), *std::move(deployment)};
        }
    }
    return not_a_key(kDeviceStateBucket, key, "state.<device>.<deployment>");
}

Result<DeviceId> parse_heartbeat_key(std::string_view key) {
    return parse_prefixed_device(kDeviceHeartbeatBucket, kHeartbeatPrefix, key);
}

std::string kv_stream(std::string_view bucket) {
    return "KV_" + std::string(bucket);
}

std::string kv_subject(std::string_view bucket, std::string_view key) {
    return "$KV." + std::string(bucket) + "." + std::string(key);
}

std::string kv_direct_get_subject(std::string_view bucket, std::string_view key) {
    return "$JS.API.DIRECT.GET." + kv_stream(bucket) + "." + kv_subject(bucket, key);
}

Result<std::string> kv_key_of_subject(std::string_view bucket, std::string_view subject) {
    const auto prefix = kv_subject(bucket, "");
    if (subject.starts_with(prefix) && subject.size() > prefix.size()) {
        return std::string(subject.substr(prefix.size()));
    }
    return fail(ErrorKind::InvalidInput,
                "subject: found " + in_quotes(subject) + ", expected " + prefix + "<key>");
}

}  // namespace harmony::contracts
