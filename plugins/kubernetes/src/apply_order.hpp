// The order in which objects need each other.
#pragma once

#include <nlohmann/json.hpp>
#include <string_view>
#include <vector>

namespace harmony::cluster {

using nlohmann::json;

// Smaller goes first: namespaces, definitions, what others refer to, services, workloads, all else.
[[nodiscard]] int apply_rank(std::string_view kind);
// Indices of the objects in the order of apply; among equals the given order.
[[nodiscard]] std::vector<std::size_t> apply_order(const std::vector<json>& objects);

}  // namespace harmony::cluster
