#include <harmony/host/json_text.hpp>
#include <nlohmann/json.hpp>

namespace harmony::host {
namespace {

bool depth_is_bounded(std::string_view text, int max_depth) {
    int depth = 0;
    bool quoted = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (quoted) {
            if (c == '\\') {
                ++i;
            } else if (c == '"') {
                quoted = false;
            }
        } else if (c == '"') {
            quoted = true;
        } else if (c == '[' || c == '{') {
            if (++depth > max_depth) return false;
        } else if (c == ']' || c == '}') {
            --depth;
        }
    }
    return true;
}

// Length of the UTF-8 sequence at the front of `text`, 0 when it is broken.
std::size_t sequence_length(std::string_view text) {
    const auto lead = static_cast<unsigned char>(text[0]);
    const std::size_t length = lead < 0x80                   ? 1
                               : lead >= 0xC2 && lead < 0xE0 ? 2
                               : (lead & 0xF0) == 0xE0       ? 3
                               : lead >= 0xF0 && lead < 0xF5 ? 4
                                                             : 0;
    if (length == 0 || length > text.size()) return 0;
    for (std::size_t i = 1; i < length; ++i) {
        if ((static_cast<unsigned char>(text[i]) & 0xC0) != 0x80) return 0;
    }
    const auto second = length > 1 ? static_cast<unsigned char>(text[1]) : 0U;
    // Overlong forms, surrogates and what lies beyond U+10FFFF.
    if ((lead == 0xE0 && second < 0xA0) || (lead == 0xED && second > 0x9F) ||
        (lead == 0xF0 && second < 0x90) || (lead == 0xF4 && second > 0x8F)) {
        return 0;
    }
    return length;
}

}  // namespace

tl::expected<nlohmann::json, std::string> parse_json_object(std::string_view text, int max_depth) {
    if (!depth_is_bounded(text, max_depth)) {
        return tl::unexpected("it is nested deeper than " + std::to_string(max_depth) + " levels");
    }
    try {
        auto document = nlohmann::json::parse(text);
        if (!document.is_object()) return tl::unexpected(std::string("found ") + document.type_name());
        return document;
    } catch (const nlohmann::json::parse_error& error) {
        return tl::unexpected("syntax error at byte " + std::to_string(error.byte));
    }
}

std::string printable(std::string_view text, std::size_t limit) {
    std::string result;
    while (!text.empty()) {
        if (result.size() >= limit) return result + "...";
        const auto length = sequence_length(text);
        const auto lead = static_cast<unsigned char>(text[0]);
        // U+0080 to U+009F are control characters of two bytes.
        const bool control = lead < 0x20 || lead == 0x7F ||
                             (lead == 0xC2 && length == 2 && static_cast<unsigned char>(text[1]) < 0xA0);
        if (length == 0 || control) {
            result += '?';
        } else {
            result += text.substr(0, length);
        }
        text.remove_prefix(length == 0 ? 1 : length);
    }
    return result;
}

}  // namespace harmony::host
