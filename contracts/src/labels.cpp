#include "harmony/contracts/labels.hpp"

#include "json_field.hpp"

namespace harmony::contracts {

namespace {

bool is_lower_or_digit(char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}
bool is_alphanumeric(char c) {
    return is_lower_or_digit(c) || (c >= 'A' && c <= 'Z');
}

// Letters, digits, '-', '_' and '.', beginning and ending with a letter or digit.
bool is_qualified_part(std::string_view text) {
    return !text.empty() && is_alphanumeric(text.front()) && is_alphanumeric(text.back()) &&
           std::all_of(text.begin(), text.end(),
                       [](char c) { return is_alphanumeric(c) || c == '-' || c == '_' || c == '.'; });
}

bool is_dns_subdomain(std::string_view text) {
    if (text.empty() || text.size() > kMaxLabelPrefixBytes) return false;
    while (true) {
        const auto dot = text.find('.');
        const auto part = text.substr(0, dot);
        const bool valid =
            !part.empty() && is_lower_or_digit(part.front()) && is_lower_or_digit(part.back()) &&
            std::all_of(part.begin(), part.end(), [](char c) { return is_lower_or_digit(c) || c == '-'; });
        if (!valid) return false;
        if (dot == std::string_view::npos) return true;
        text.remove_prefix(dot + 1);
    }
}

}  // namespace

Result<void> check_label_key(std::string_view path, std::string_view key) {
    const auto slash = key.find('/');
    const bool prefixed = slash != std::string_view::npos;
    const auto name = prefixed ? key.substr(slash + 1) : key;
    if (name.size() <= kMaxLabelNameBytes && is_qualified_part(name) &&
        (!prefixed || is_dns_subdomain(key.substr(0, slash)))) {
        return {};
    }
    return fail(
        ErrorKind::InvalidInput,
        std::string(path) + ": found the key " + in_quotes(key) +
            ", expected [<DNS name>/]<name> with a name of 1 to 63 letters, digits, '-', '_' and '.', "
            "beginning and ending with a letter or digit");
}

Result<void> check_label_value(std::string_view path, std::string_view value) {
    if (value.empty() || (value.size() <= kMaxLabelValueBytes && is_qualified_part(value))) return {};
    return fail(
        ErrorKind::InvalidInput,
        std::string(path) + ": found " + in_quotes(value) +
            ", expected at most 63 letters, digits, '-', '_' and '.', beginning and ending with a letter "
            "or digit");
}

Result<void> check_labels(std::string_view path, const Labels& labels) {
    if (labels.size() > kMaxLabels) {
        return fail(ErrorKind::InvalidInput, std::string(path) + ": holds " + std::to_string(labels.size()) +
                                                 " entries, expected at most " + std::to_string(kMaxLabels));
    }
    for (const auto& [key, value] : labels) {
        if (auto checked = check_label_key(path, key); !checked) return checked;
        auto value_path = std::string(path) + "[" + in_quotes(key) + "]";
        if (auto checked = check_label_value(value_path, value); !checked) return checked;
    }
    return {};
}

}  // namespace harmony::contracts
