#include "device_names.hpp"

namespace harmony::fleet_agent {

std::string workload_name(const std::string& device) {
    return kWorkloadPrefix + device;
}

contracts::DeviceId device_id(const std::string& text) {
    return contracts::DeviceId::parse(text).value_or(contracts::DeviceId());
}

std::string log_level_name(LogLevel level) {
    for (const auto& [value, name] : enum_names(LogLevel{})) {
        if (value == level) return std::string(name);
    }
    return "info";
}

}  // namespace harmony::fleet_agent
