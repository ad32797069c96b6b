// What a device says about itself: bucket device-info, key info.<device>. Rewritten only when it changes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harmony/contracts/labels.hpp"
#include "harmony/contracts/names.hpp"
#include "harmony/contracts/timestamps.hpp"
#include "harmony/result.hpp"

namespace harmony::contracts {

inline constexpr std::size_t kMaxDeviceInfoBytes = 64 * 1024;
inline constexpr std::size_t kMaxAddresses = 64;
inline constexpr std::size_t kMaxInventoryTextBytes = 256;  // each text field
inline constexpr std::size_t kMaxAgentVersionBytes = 64;

struct Inventory {
    std::string hostname;
    std::string architecture;      // as `uname -m` says it
    std::string operating_system;  // for people: "Debian GNU/Linux 12 (bookworm)"
    std::string kernel;
    std::int64_t cpu_cores = 0;
    std::int64_t memory_bytes = 0;
    std::int64_t disk_bytes = 0;
    std::string runtime;          // "podman"; empty when the device runs no containers
    std::string runtime_version;  // empty when unknown
    std::vector<std::string> addresses;

    bool operator==(const Inventory&) const = default;
};

struct DeviceInfo {
    DeviceId device_id;
    Labels labels;
    std::optional<Inventory> inventory;
    std::string agent_version;
    Timestamp updated_at;

    [[nodiscard]] static Result<DeviceInfo> decode(std::string_view json);
    [[nodiscard]] std::string encode() const;

    // Equal but for updated_at: nothing to publish.
    [[nodiscard]] bool same_content(const DeviceInfo& other) const;

    bool operator==(const DeviceInfo&) const = default;
};

}  // namespace harmony::contracts
