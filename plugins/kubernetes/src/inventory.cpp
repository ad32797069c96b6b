#include "inventory.hpp"

#include <algorithm>

#include "object_fields.hpp"

namespace harmony::cluster {
namespace {

constexpr std::size_t kLongestLabel = 63;

bool alphanumeric(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool label_value(std::string_view text) {
    if (text.empty() || text.size() > kLongestLabel) return false;
    if (!alphanumeric(text.front()) || !alphanumeric(text.back())) return false;
    return std::all_of(text.begin(), text.end(),
                       [](char c) { return alphanumeric(c) || c == '-' || c == '_' || c == '.'; });
}

plugin::Result<void> check_value(const char* path, const std::string& value) {
    if (label_value(value)) return {};
    return plugin::invalid_parameter(path, "\"" + value +
                                               "\" can't be the value of a label: expected at most 63 "
                                               "letters, digits, '-', '_' and '.', with a letter or digit at "
                                               "both ends");
}

}  // namespace

Labels shared_labels() {
    return {{std::string(kManagedByLabel), std::string(kManagedBy)}};
}

Labels context_labels(const std::string& context) {
    return {{std::string(kManagedByLabel), std::string(kManagedBy)}, {std::string(kContextLabel), context}};
}

Labels owner_labels(const std::string& context, const plugin::KubernetesOwner& owner) {
    Labels labels = context_labels(context);
    labels.emplace(kScoreLabel, owner.score);
    if (!owner.part_of.empty()) labels.emplace(kPartOfLabel, owner.part_of);
    return labels;
}

plugin::Result<void> check_owner(const plugin::KubernetesOwner& owner) {
    if (auto checked = check_value("owner.score", owner.score); !checked) return checked;
    if (owner.part_of.empty()) return {};
    return check_value("owner.part_of", owner.part_of);
}

std::string selector_of(const Labels& labels) {
    std::string text;
    for (const auto& [name, value] : labels)
        text += (text.empty() ? "" : ",") + name + "=" + value;
    return text;
}

Labels labels_of(const json& object) {
    Labels labels;
    const json& found = at(object, {"metadata", "labels"});
    if (!found.is_object()) return labels;
    for (const auto& [name, value] : found.items()) {
        if (value.is_string()) labels.emplace(name, value.get<std::string>());
    }
    return labels;
}

bool carries(const json& object, const Labels& labels) {
    const Labels own = labels_of(object);
    return std::includes(own.begin(), own.end(), labels.begin(), labels.end());
}

std::optional<std::string> other_owner(const json& live, const std::string& context,
                                       const std::string& score) {
    const Labels labels = labels_of(live);
    const auto value = [&](std::string_view name) {
        const auto found = labels.find(std::string(name));
        return found == labels.end() ? std::string() : found->second;
    };
    const std::string their_context = value(kContextLabel);
    if (their_context.empty()) return std::nullopt;
    if (their_context != context) return "context " + their_context;
    const std::string their_score = value(kScoreLabel);
    if (score.empty() || their_score.empty() || their_score == score) return std::nullopt;
    return "Score " + their_score + " of this context";
}

}  // namespace harmony::cluster
