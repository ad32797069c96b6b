#include "host/config/value_path.hpp"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

namespace harmony::host {
namespace {

constexpr std::size_t kMaxIndex = 100000;  // a longer list than any parameter holds

std::optional<std::size_t> read_index(std::string_view digits) {
    std::size_t index = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), index);
    if (digits.empty() || error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
    if (index > kMaxIndex) return std::nullopt;
    return index;
}

}  // namespace

std::optional<ValuePath> ValuePath::parse(std::string_view text) {
    std::vector<PathSegment> segments;
    while (!text.empty()) {
        const auto stop = std::min(text.find_first_of(".["), text.size());
        if (stop == 0 && (segments.empty() || text.front() != '[')) return std::nullopt;
        if (stop > 0) segments.emplace_back(std::string(text.substr(0, stop)));
        text.remove_prefix(stop);
        while (!text.empty() && text.front() == '[') {
            const auto close = text.find(']');
            if (close == std::string_view::npos) return std::nullopt;
            const auto index = read_index(text.substr(1, close - 1));
            if (!index) return std::nullopt;
            segments.emplace_back(*index);
            text.remove_prefix(close + 1);
        }
        if (text.empty()) break;
        if (text.front() != '.' || text.size() == 1) return std::nullopt;
        text.remove_prefix(1);
    }
    if (segments.empty()) return std::nullopt;
    return ValuePath(std::move(segments));
}

std::string ValuePath::text() const {
    std::string result;
    for (const auto& segment : segments_) {
        if (const auto* index = std::get_if<std::size_t>(&segment)) {
            result += "[" + std::to_string(*index) + "]";
        } else {
            if (!result.empty()) result += ".";
            result += std::get<std::string>(segment);
        }
    }
    return result;
}

ValuePath ValuePath::child(std::string name) const {
    auto segments = segments_;
    segments.emplace_back(std::move(name));
    return ValuePath(std::move(segments));
}

ValuePath ValuePath::child(std::size_t index) const {
    auto segments = segments_;
    segments.emplace_back(index);
    return ValuePath(std::move(segments));
}

bool ValuePath::begins_with(const ValuePath& prefix) const {
    return prefix.segments_.size() <= segments_.size() &&
           std::equal(prefix.segments_.begin(), prefix.segments_.end(), segments_.begin());
}

const nlohmann::json* find_value(const nlohmann::json& root, const ValuePath& path) {
    const nlohmann::json* current = &root;
    for (const auto& segment : path.segments()) {
        if (const auto* index = std::get_if<std::size_t>(&segment)) {
            if (!current->is_array() || *index >= current->size()) return nullptr;
            current = &(*current)[*index];
        } else {
            const auto& name = std::get<std::string>(segment);
            if (!current->is_object() || !current->contains(name)) return nullptr;
            current = &(*current)[name];
        }
    }
    return current;
}

bool put_value(nlohmann::json& root, const ValuePath& path, nlohmann::json value) {
    nlohmann::json* current = &root;
    for (const auto& segment : path.segments()) {
        if (const auto* index = std::get_if<std::size_t>(&segment)) {
            if (current->is_null()) *current = nlohmann::json::array();
            if (!current->is_array() || *index > current->size()) return false;
            if (*index == current->size()) current->push_back(nullptr);
            current = &(*current)[*index];
        } else {
            if (current->is_null()) *current = nlohmann::json::object();
            if (!current->is_object()) return false;
            current = &(*current)[std::get<std::string>(segment)];
        }
    }
    *current = std::move(value);
    return true;
}

}  // namespace harmony::host
