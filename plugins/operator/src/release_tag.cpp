#include "release_tag.hpp"

#include <regex>

namespace harmony::fleet_operator {

namespace {

constexpr std::size_t kMaxTagBytes = 128;

bool is_semantic_version(const std::string& text) {
    static const std::regex number_triple(
        "(0|[1-9][0-9]*)\\.(0|[1-9][0-9]*)\\.(0|[1-9][0-9]*)(-[0-9A-Za-z-]+(\\.[0-9A-Za-z-]+)*)?"
        "(\\+[0-9A-Za-z-]+(\\.[0-9A-Za-z-]+)*)?");
    return std::regex_match(text, number_triple);
}

}  // namespace

Result<std::string> version_of_tag(std::string_view tag) {
    const std::string component(kComponent);
    const std::string expected =
        "expected " + component + "-v and a version, such as " + component + "-v1.2.3";
    if (tag.size() > kMaxTagBytes)
        return fail(ErrorKind::InvalidInput, "a tag this long is none; " + expected);
    const std::string prefix = component + "-v";
    if (!tag.starts_with(prefix)) {
        return fail(ErrorKind::InvalidInput, "found the tag \"" + std::string(tag) + "\"; " + expected);
    }
    std::string version(tag.substr(prefix.size()));
    if (!is_semantic_version(version)) {
        return fail(ErrorKind::InvalidInput,
                    "\"" + version + "\" in the tag \"" + std::string(tag) + "\" is no version; " + expected);
    }
    return version;
}

}  // namespace harmony::fleet_operator
