#include "message.hpp"

#include <harmony/plugin.h>
#include <harmony/host/json_text.hpp>

namespace harmony::host {
namespace {

constexpr std::size_t kMaxText = 16 * 1024;

// Several lines are fine in `detail`, other control characters are not.
std::string printable_lines(const std::string& text) {
    std::string result;
    std::size_t begin = 0;
    while (begin <= text.size() && result.size() < kMaxText) {
        const auto end = std::min(text.find('\n', begin), text.size());
        if (begin > 0) result += '\n';
        result += printable(std::string_view(text).substr(begin, end - begin), kMaxText);
        begin = end + 1;
    }
    return result;
}

const char* words_of(std::int32_t status) {
    switch (status) {
        case HP_E_METHOD:
            return "The plugin does not know this method";
        case HP_E_HANDLE:
            return "The plugin does not know this instance";
        case HP_E_INVALID:
            return "The plugin refused the parameters";
        case HP_E_CANCELLED:
            return "The call was cancelled";
        case HP_E_DEADLINE:
            return "The call did not end in time";
        case HP_E_TOO_LARGE:
            return "The plugin's answer is larger than 16 MiB";
        case HP_E_INTERNAL:
            return "The plugin has a bug";
        default:
            return "The plugin failed without saying why";
    }
}

}  // namespace

std::string to_text(const nlohmann::json& value) {
    return value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::optional<nlohmann::json> to_object(std::string_view text) {
    auto object = parse_json_object(text);
    if (!object) return std::nullopt;
    return std::move(*object);
}

std::optional<nlohmann::json> to_frame(std::string_view text) {
    constexpr int kLevelsAround = 2;
    auto object = parse_json_object(text, kMaxJsonDepth + kLevelsAround);
    if (!object) return std::nullopt;
    return std::move(*object);
}

nlohmann::json to_json(const Diagnostic& diagnostic) {
    nlohmann::json json{{"code", diagnostic.code}, {"summary", diagnostic.summary}};
    if (!diagnostic.detail.empty()) json["detail"] = diagnostic.detail;
    if (!diagnostic.hint.empty()) json["hint"] = diagnostic.hint;
    if (!diagnostic.path.empty()) json["path"] = diagnostic.path;
    if (diagnostic.retryable) json["retryable"] = true;
    if (diagnostic.exit_code != 0) json["exit_code"] = diagnostic.exit_code;
    return json;
}

Diagnostic diagnostic_from(const nlohmann::json& value, std::int32_t status) {
    Diagnostic result =
        diagnostic(printable(text_field(value, "code")), printable(text_field(value, "summary"), 2000),
                   printable(text_field(value, "hint"), 2000));
    result.detail = printable_lines(text_field(value, "detail"));
    result.path = printable(text_field(value, "path"));
    const auto retryable = value.is_object() ? value.find("retryable") : value.end();
    result.retryable = retryable != value.end() && retryable->is_boolean() && retryable->get<bool>();
    result.status = status;
    const auto exit_code = value.is_object() ? signed_field(value, "exit_code") : 0;
    if (exit_code > 0 && exit_code < 256) result.exit_code = static_cast<std::int32_t>(exit_code);
    if (result.code.empty()) result.code = "plugin.unexplained";
    if (result.summary.empty()) result.summary = words_of(status);
    return result;
}

Diagnostic diagnostic_from_text(std::string_view json, std::int32_t status) {
    const auto object = to_object(json);
    return diagnostic_from(object ? *object : nlohmann::json::object(), status);
}

std::string text_field(const nlohmann::json& frame, const char* key) {
    if (!frame.is_object()) return {};
    const auto found = frame.find(key);
    return found != frame.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::uint64_t number_field(const nlohmann::json& frame, const char* key) {
    const auto found = frame.find(key);
    return found != frame.end() && found->is_number_unsigned() ? found->get<std::uint64_t>() : 0;
}

std::int64_t signed_field(const nlohmann::json& frame, const char* key) {
    const auto found = frame.find(key);
    return found != frame.end() && found->is_number_integer() ? found->get<std::int64_t>() : 0;
}

}  // namespace harmony::host
