#include "control_protocol.hpp"

#include <cstdint>
#include <nlohmann/json.hpp>

namespace harmony::local {
namespace {

using nlohmann::json;

constexpr std::size_t kHeader = 4;
constexpr const char* kCode = "local.protocol";

}  // namespace

std::string encode_frame(const json& document) {
    const std::string body = document.dump(-1, ' ', false, json::error_handler_t::replace);
    std::string frame;
    for (unsigned shift = 0; shift < 32; shift += 8) {
        frame += static_cast<char>((static_cast<std::uint32_t>(body.size()) >> shift) & 0xff);
    }
    return frame + body;
}

Outcome<std::optional<json>> take_frame(std::string& buffer) {
    if (buffer.size() < kHeader) return std::optional<json>{};
    std::size_t length = 0;
    for (std::size_t i = kHeader; i-- > 0;)
        length = length << 8 | static_cast<unsigned char>(buffer[i]);
    if (length > kLongestFrame)
        return problem(kCode, "a frame of " + std::to_string(length) + " bytes is too long");
    if (buffer.size() < kHeader + length) return std::optional<json>{};
    json document =
        json::parse(buffer.begin() + kHeader, buffer.begin() + static_cast<std::ptrdiff_t>(kHeader + length),
                    nullptr, false);
    buffer.erase(0, kHeader + length);
    if (!document.is_object()) return problem(kCode, "a frame is not a JSON object");
    return std::optional<json>(std::move(document));
}

json to_json(const Problem& problem) {
    return {{"code", problem.code}, {"summary", problem.summary}, {"detail", problem.detail},
            {"hint", problem.hint}, {"path", problem.path},       {"retryable", problem.retryable}};
}

Problem problem_from_json(const json& document) {
    return {document.value("code", "local.protocol"),
            document.value("summary", ""),
            document.value("detail", ""),
            document.value("hint", ""),
            document.value("path", ""),
            document.value("retryable", false)};
}

}  // namespace harmony::local
