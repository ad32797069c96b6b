// Between the SDK's JSON and the client's.
#pragma once

#include <harmony/plugin/json.hpp>
#include <nlohmann/json.hpp>

namespace harmony::cluster {

[[nodiscard]] nlohmann::json to_client(const plugin::Json& value);
[[nodiscard]] plugin::Json to_sdk(const nlohmann::json& value);

}  // namespace harmony::cluster
