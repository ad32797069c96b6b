// The fleet's resources, group fleet.nationtech.io: Deployment and Device (spec/resources.md).
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "harmony/contracts/desired_state.hpp"
#include "harmony/contracts/device_info.hpp"
#include "harmony/contracts/label_selector.hpp"
#include "harmony/contracts/labels.hpp"
#include "harmony/contracts/names.hpp"
#include "harmony/contracts/timestamps.hpp"
#include "harmony/result.hpp"

namespace harmony::contracts {

inline constexpr std::string_view kApiGroup = "fleet.nationtech.io";
inline constexpr std::string_view kApiVersion = "fleet.nationtech.io/v1alpha1";
inline constexpr std::string_view kDeploymentKind = "Deployment";
inline constexpr std::string_view kDeviceKind = "Device";
inline constexpr std::string_view kDeploymentShortName = "fleetdep";
inline constexpr std::string_view kDeviceShortName = "fleetdev";
inline constexpr std::string_view kFinalizer = "fleet.nationtech.io/finalizer";

inline constexpr std::size_t kMaxResourceBytes = 384 * 1024;
inline constexpr std::size_t kMaxAnnotations = 64;
inline constexpr std::size_t kMaxFinalizers = 16;
inline constexpr std::size_t kMaxConditions = 16;
inline constexpr std::size_t kMaxStatusFailures = 10;

struct ObjectMeta {
    std::string name;                       // a Name; resources check it as a deployment name or a device id
    std::optional<std::string> name_space;  // "namespace"; a Device has none
    std::optional<std::string> uid;
    Labels labels;
    std::map<std::string, std::string> annotations;
    std::int64_t generation = 0;  // counts changes of spec; 0 in a document a user wrote
    std::optional<std::string> resource_version;
    std::optional<Timestamp> creation_timestamp;
    std::optional<Timestamp> deletion_timestamp;  // set while finalizers hold the object back
    std::vector<std::string> finalizers;

    bool operator==(const ObjectMeta&) const = default;
};

enum class ConditionStatus { True, False, Unknown };
[[nodiscard]] std::string_view to_string(ConditionStatus status);

inline constexpr std::string_view kConditionReady = "Ready";
inline constexpr std::string_view kConditionProgressing = "Progressing";
inline constexpr std::string_view kConditionDegraded = "Degraded";
// Of a Device: whether its latest device-info keeps to the contract. False: the one before still holds.
inline constexpr std::string_view kConditionInfoAccepted = "InfoAccepted";

// Reasons of Progressing that programs decide by.
inline constexpr std::string_view kReasonPaused = "Paused";
inline constexpr std::string_view kReasonRolloutHalted = "RolloutHalted";

struct Condition {
    std::string type;
    ConditionStatus status = ConditionStatus::Unknown;
    std::string reason;
    std::string message;
    Timestamp last_transition_time;

    bool operator==(const Condition&) const = default;
};

// A number of devices, or a share of the matched ones: 3 or "25%".
struct CountOrPercent {
    std::int64_t value = 0;
    bool percent = false;  // then 0 to 100

    // Rounded up, so that a share of a small fleet is never nothing.
    [[nodiscard]] std::int64_t of(std::int64_t total) const;

    bool operator==(const CountOrPercent&) const = default;
};

struct AllAtOnce {
    bool operator==(const AllAtOnce&) const = default;
};
struct Rolling {
    CountOrPercent max_unavailable{1, false};  // more than nothing
    std::chrono::seconds min_ready{0};
    CountOrPercent max_failures{0, false};  // the rollout halts when more devices than this have failed

    bool operator==(const Rolling&) const = default;
};
using RolloutStrategy = std::variant<AllAtOnce, Rolling>;

struct DeploymentSpec {
    LabelSelector target_selector;
    Score score;  // a type this contract knows, with data that its type accepts
    RolloutStrategy rollout = AllAtOnce{};
    bool paused = false;

    bool operator==(const DeploymentSpec&) const = default;
};

struct AggregateError {
    std::string device;
    std::string message;
    Timestamp at;

    bool operator==(const AggregateError&) const = default;
};

struct DeploymentAggregate {
    std::int64_t matched_device_count = 0;
    std::int64_t succeeded = 0;  // these three count matched devices only and add up to at most the matched
    std::int64_t failed = 0;
    std::int64_t pending = 0;
    std::optional<AggregateError> last_error;

    bool operator==(const DeploymentAggregate&) const = default;
};

// How far a Rolling deployment is; counts matched devices.
struct RolloutStatus {
    std::int64_t updated = 0;  // are to hold the newest score
    std::int64_t unavailable =
        0;  // don't run what they are to hold, are offline, or not yet for minReadySeconds

    bool operator==(const RolloutStatus&) const = default;
};

struct DeploymentStatus {
    std::int64_t observed_generation = 0;
    DeploymentAggregate aggregate;
    std::optional<RolloutStatus> rollout;  // with strategy Rolling
    // The newest failures, one for each device, newest first; at most kMaxStatusFailures.
    std::vector<AggregateError> failures;
    std::vector<Condition> conditions;

    bool operator==(const DeploymentStatus&) const = default;
};

struct Deployment {
    ObjectMeta metadata;
    DeploymentSpec spec;
    std::optional<DeploymentStatus> status;

    // What a user may have written, from JSON: apiVersion and kind must be there and be right, spec is
    // checked down to the score's data. Messages name the field: `spec.score.data.services[0].image: ...`.
    [[nodiscard]] static Result<Deployment> decode(std::string_view json);
    [[nodiscard]] std::string encode() const;

    // metadata.name as its type; decode has checked it.
    [[nodiscard]] Result<DeploymentName> name() const { return DeploymentName::parse(metadata.name); }

    bool operator==(const Deployment&) const = default;
};

struct DeviceStatus {
    bool online = false;
    std::optional<Timestamp> last_heartbeat;
    std::string agent_version;
    std::vector<Condition> conditions;

    bool operator==(const DeviceStatus&) const = default;
};

// metadata.name is the device's id, metadata.labels are the labels it published.
struct Device {
    ObjectMeta metadata;
    std::optional<Inventory> inventory;  // spec.inventory
    std::optional<DeviceStatus> status;

    [[nodiscard]] static Result<Device> decode(std::string_view json);
    [[nodiscard]] std::string encode() const;

    [[nodiscard]] Result<DeviceId> id() const { return DeviceId::parse(metadata.name); }

    bool operator==(const Device&) const = default;
};

}  // namespace harmony::contracts
