// The NATS JetStream key-value buckets: their names, settings, keys and subjects (spec/kv.md).
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "harmony/contracts/names.hpp"
#include "harmony/result.hpp"

namespace harmony::contracts {

inline constexpr std::string_view kDesiredStateBucket = "desired-state";
inline constexpr std::string_view kDeviceInfoBucket = "device-info";
inline constexpr std::string_view kDeviceStateBucket = "device-state";
inline constexpr std::string_view kDeviceHeartbeatBucket = "device-heartbeat";
inline constexpr std::array<std::string_view, 4> kBuckets{kDesiredStateBucket, kDeviceInfoBucket,
                                                          kDeviceStateBucket, kDeviceHeartbeatBucket};

// The last token of the key that lists a device's deployments. Not a valid deployment name, so never one.
inline constexpr std::string_view kIndexToken = "_index";

// A KV delete is an empty message with this header and one of these values.
inline constexpr std::string_view kKvOperationHeader = "KV-Operation";
inline constexpr std::string_view kKvOperationDelete = "DEL";
inline constexpr std::string_view kKvOperationPurge = "PURGE";

inline constexpr std::chrono::seconds kHeartbeatInterval{30};
inline constexpr double kHeartbeatJitter = 0.1;  // share of the interval, either side
inline constexpr int kStaleAfterIntervals =
    3;  // a device is offline after, and the bucket's TTL is, this many
inline constexpr std::chrono::seconds kHeartbeatStaleAfter = kStaleAfterIntervals * kHeartbeatInterval;

enum class BucketStorage { File, Memory };

struct BucketSettings {
    std::string name;
    BucketStorage storage = BucketStorage::File;
    int history = 1;
    std::chrono::seconds ttl{0};  // 0: values stay until deleted
    bool allow_direct = true;
    int replicas = 1;
    std::int64_t max_value_bytes = 0;

    bool operator==(const BucketSettings&) const = default;
};

// The four buckets, in the order of kBuckets.
[[nodiscard]] std::array<BucketSettings, 4> bucket_settings(
    int replicas = 1, std::chrono::seconds heartbeat_interval = kHeartbeatInterval);

// Keys, as a KV client passes them (the bucket's name is not part of a key).
[[nodiscard]] std::string desired_state_key(const DeviceId& device, const DeploymentName& deployment);
[[nodiscard]] std::string desired_index_key(const DeviceId& device);
[[nodiscard]] std::string device_info_key(const DeviceId& device);
[[nodiscard]] std::string device_state_key(const DeviceId& device, const DeploymentName& deployment);
[[nodiscard]] std::string heartbeat_key(const DeviceId& device);
// "<device>.>": every desired-state key of a device.
[[nodiscard]] std::string desired_state_filter(const DeviceId& device);
// "state.<device>.*": every device-state key of a device.
[[nodiscard]] std::string device_state_filter(const DeviceId& device);

struct DesiredStateKey {
    DeviceId device;
    std::optional<DeploymentName> deployment;  // none: the device's index

    bool operator==(const DesiredStateKey&) const = default;
};
struct DeviceStateKey {
    DeviceId device;
    DeploymentName deployment;

    bool operator==(const DeviceStateKey&) const = default;
};

// InvalidInput for a key that no builder above produces.
[[nodiscard]] Result<DesiredStateKey> parse_desired_state_key(std::string_view key);
[[nodiscard]] Result<DeviceId> parse_device_info_key(std::string_view key);
[[nodiscard]] Result<DeviceStateKey> parse_device_state_key(std::string_view key);
[[nodiscard]] Result<DeviceId> parse_heartbeat_key(std::string_view key);

// "KV_<bucket>": the stream behind a bucket.
[[nodiscard]] std::string kv_stream(std::string_view bucket);
// "$KV.<bucket>.<key>": what a put publishes on and a plain subscription receives. The key may be a filter.
[[nodiscard]] std::string kv_subject(std::string_view bucket, std::string_view key);
// "$JS.API.DIRECT.GET.KV_<bucket>.$KV.<bucket>.<key>": asks for a key's last value, without a consumer.
[[nodiscard]] std::string kv_direct_get_subject(std::string_view bucket, std::string_view key);
// The key in a subject made by kv_subject; InvalidInput for another bucket's subject.
[[nodiscard]] Result<std::string> kv_key_of_subject(std::string_view bucket, std::string_view subject);

}  // namespace harmony::contracts
