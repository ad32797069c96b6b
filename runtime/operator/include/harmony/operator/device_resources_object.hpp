// A Device between what the fleet knows and what a cluster holds. Pure.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "harmony/contracts/device_info.hpp"
#include "harmony/contracts/resources.hpp"
#include "harmony/kubernetes/resource.hpp"

namespace harmony::op {

[[nodiscard]] runtime::kubernetes::ResourceType device_resource_type();
// The field managers of a stack: of the object, and of its status.
[[nodiscard]] std::string device_object_manager(const std::string& stack);
[[nodiscard]] std::string device_status_manager(const std::string& stack);

// What a Device's metadata and spec are to be.
struct DeviceObject {
    std::string body;        // canonical JSON, to be applied
    std::uint64_t hash = 0;  // of labels and inventory
    std::string dropped;     // which labels could not be taken over, and why; empty: all were
};
[[nodiscard]] DeviceObject make_device_object(const contracts::DeviceInfo& info, const std::string& stack);
// The body of the status, to be applied to the subresource.
[[nodiscard]] nlohmann::json make_device_status(const contracts::DeviceId& device,
                                                const contracts::DeviceStatus& status);

// A Device as far as we look at it.
struct ObservedDevice {
    std::string uid;
    std::uint64_t version = 0;  // the resource version; 0 where it is no number
    std::string stack;          // of the label; empty: nobody's
    std::uint64_t hash = 0;  // as DeviceObject::hash: of the labels that we have applied, and the inventory
    contracts::DeviceStatus status;
    bool deleting = false;
};
// Nothing for a name that is no device id. What somebody has written in another shape reads as absent.
[[nodiscard]] std::optional<ObservedDevice> observe_device(const nlohmann::json& object,
                                                           const std::string& stack);

// Takes over since when each condition is what it is, where `before` says the same.
void keep_transition_times(std::vector<contracts::Condition>& conditions,
                           const std::vector<contracts::Condition>& before);
// Equal but for the heartbeat and for times of transition: nothing that must be written now.
[[nodiscard]] bool same_status(const contracts::DeviceStatus& left, const contracts::DeviceStatus& right);

}  // namespace harmony::op
