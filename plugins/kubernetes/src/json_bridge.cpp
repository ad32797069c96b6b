#include "json_bridge.hpp"

namespace harmony::cluster {

nlohmann::json to_client(const plugin::Json& value) {
    if (value.is_object()) {
        nlohmann::json object = nlohmann::json::object();
        for (const auto& [name, member] : value.members())
            object[name] = to_client(member);
        return object;
    }
    if (value.is_array()) {
        nlohmann::json array = nlohmann::json::array();
        for (const auto& item : value.items())
            array.push_back(to_client(item));
        return array;
    }
    if (const auto* text = value.if_string()) return *text;
    if (const auto* number = value.if_integer()) return *number;
    if (const auto* number = value.if_double()) return *number;
    if (const auto* truth = value.if_bool()) return *truth;
    return nullptr;
}

plugin::Json to_sdk(const nlohmann::json& value) {
    if (value.is_object()) {
        plugin::Json object = plugin::Json::object();
        for (const auto& [name, member] : value.items())
            object[name] = to_sdk(member);
        return object;
    }
    if (value.is_array()) {
        plugin::Json array = plugin::Json::array();
        for (const auto& item : value)
            array.push_back(to_sdk(item));
        return array;
    }
    if (value.is_string()) return value.get<std::string>();
    if (value.is_boolean()) return value.get<bool>();
    if (value.is_number_unsigned()) return value.get<std::uint64_t>();
    if (value.is_number_integer()) return value.get<std::int64_t>();
    if (value.is_number_float()) return value.get<double>();
    return {};
}

}  // namespace harmony::cluster
