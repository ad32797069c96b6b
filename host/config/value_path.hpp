// The place of a value inside parameters: `devices[0].labels.zone`. `devices.0.labels.zone` reads the same.
#pragma once

#include <cstddef>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace harmony::host {

using PathSegment = std::variant<std::string, std::size_t>;

class ValuePath {
 public:
    ValuePath() = default;
    explicit ValuePath(std::vector<PathSegment> segments) : segments_(std::move(segments)) {}

    // None when the text is empty, has an empty segment or a bracket that does not hold a number.
    // A segment of digits after a dot stays a name; schema-aware callers read it as an index.
    static std::optional<ValuePath> parse(std::string_view text);

    [[nodiscard]] std::string text() const;
    [[nodiscard]] const std::vector<PathSegment>& segments() const { return segments_; }
    [[nodiscard]] bool empty() const { return segments_.empty(); }
    [[nodiscard]] ValuePath child(std::string name) const;
    [[nodiscard]] ValuePath child(std::size_t index) const;
    [[nodiscard]] bool begins_with(const ValuePath& prefix) const;

    auto operator<=>(const ValuePath&) const = default;

 private:
    std::vector<PathSegment> segments_;
};

// The value at path, or null when there is none.
[[nodiscard]] const nlohmann::json* find_value(const nlohmann::json& root, const ValuePath& path);

// Writes value at path and makes what lies between. An index may be at most one past the end of its list.
// False when the path runs through a value that is no container or leaves a gap.
[[nodiscard]] bool put_value(nlohmann::json& root, const ValuePath& path, nlohmann::json value);

}  // namespace harmony::host
