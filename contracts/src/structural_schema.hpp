// Parts of a structural schema (apiextensions.k8s.io/v1). Every description is what `kubectl explain` shows.
// Private to contracts.
#pragma once

#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace harmony::contracts::structural {

using Json = nlohmann::json;

enum class Presence { Optional, Required };

struct Member {
    std::string_view name;
    Json schema;
    Presence presence = Presence::Optional;
};

[[nodiscard]] Json object(std::string_view description, const std::vector<Member>& members);
// An object whose keys are free and whose values are all alike.
[[nodiscard]] Json map_of(std::string_view description, Json value, std::size_t max_entries);
[[nodiscard]] Json list_of(std::string_view description, Json item, std::size_t max_items,
                           std::size_t min_items = 0);
// A list in which no two items have the same `key`, and which server-side apply merges by it.
[[nodiscard]] Json list_by(std::string_view key, std::string_view description, Json item,
                           std::size_t max_items, std::size_t min_items = 0);

// Limits are counted in characters by the API server and in bytes by a decoder.
[[nodiscard]] Json text(std::string_view description, std::size_t max_length, std::size_t min_length = 0);
[[nodiscard]] Json text_like(std::string_view description, std::string_view pattern, std::size_t max_length);
[[nodiscard]] Json one_of(std::string_view description, const std::vector<std::string_view>& values);
[[nodiscard]] Json time(std::string_view description);
[[nodiscard]] Json boolean(std::string_view description);
[[nodiscard]] Json whole_number(std::string_view description, std::int64_t min);
[[nodiscard]] Json whole_number(std::string_view description, std::int64_t min, std::int64_t max);
// A count, or a share such as "25%".
[[nodiscard]] Json count_or_percent(std::string_view description, std::int64_t min, std::int64_t max);
// Also null; `kubectl explain` then shows nothing below it.
[[nodiscard]] Json nullable(Json schema);

}  // namespace harmony::contracts::structural
