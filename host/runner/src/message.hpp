// The JSON inside the frames, and diagnostics as JSON.
#pragma once

#include <cstdint>
#include <harmony/host/diagnostics.hpp>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace harmony::host {

// Text of a JSON value for the wire; broken UTF-8 is replaced.
[[nodiscard]] std::string to_text(const nlohmann::json& value);

// JSON text into a frame's field: an object of bounded depth, otherwise nullopt.
[[nodiscard]] std::optional<nlohmann::json> to_object(std::string_view text);

// A whole frame, which may carry such an object; otherwise nullopt.
[[nodiscard]] std::optional<nlohmann::json> to_frame(std::string_view text);

[[nodiscard]] nlohmann::json to_json(const Diagnostic& diagnostic);
// What a plugin wrote is bounded and made printable; a missing code or summary is replaced by words for the
// status.
[[nodiscard]] Diagnostic diagnostic_from_text(std::string_view json, std::int32_t status);
[[nodiscard]] Diagnostic diagnostic_from(const nlohmann::json& value, std::int32_t status);

// Fields of a frame, with a neutral value when absent or of another type.
[[nodiscard]] std::string text_field(const nlohmann::json& frame, const char* key);
[[nodiscard]] std::uint64_t number_field(const nlohmann::json& frame, const char* key);
[[nodiscard]] std::int64_t signed_field(const nlohmann::json& frame, const char* key);

}  // namespace harmony::host
