// What passes over the supervisor's control socket: a 32-bit little-endian length and that many bytes of
// JSON. A request is {method, params}; the answer to it {result} or {problem}. One request at a time on a
// connection.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "problem.hpp"

namespace harmony::local {

inline constexpr std::size_t kLongestFrame = 16u << 20;

[[nodiscard]] std::string encode_frame(const nlohmann::json& document);

// Takes the first whole frame out of the buffer. Nothing while it is incomplete; a problem when it is too
// long or no JSON object, after which the connection is of no more use.
[[nodiscard]] Outcome<std::optional<nlohmann::json>> take_frame(std::string& buffer);

[[nodiscard]] nlohmann::json to_json(const Problem& problem);
[[nodiscard]] Problem problem_from_json(const nlohmann::json& document);

}  // namespace harmony::local
