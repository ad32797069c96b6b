#include <charconv>
#include <nlohmann/json.hpp>
#include <optional>

#include "harmony/contracts/resource_definitions.hpp"
#include "json_field.hpp"

namespace harmony::contracts {

namespace {

const Json* member(const Json& object, std::string_view key) {
    if (!object.is_object()) return nullptr;
    const auto found = object.find(key);
    return found == object.end() ? nullptr : &*found;
}

std::string text_at(const Json& document, std::initializer_list<std::string_view> path) {
    const Json* at = &document;
    for (const auto key : path) {
        at = member(*at, key);
        if (at == nullptr) return {};
    }
    return at->is_string() ? at->get<std::string>() : std::string();
}

std::optional<int> version_of(const Json& definition) {
    const auto text = text_at(definition, {"metadata", "annotations", kDefinitionVersionAnnotation});
    int version = 0;
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), version);
    if (problem != std::errc() || end != text.data() + text.size() || version < 1) return std::nullopt;
    return version;
}

// In a schema nothing may be added; elsewhere a server fills in what was left open.
enum class Additions { Allowed, Found };

// The path of the first place where `installed` is not what `ours` says. A number is the same however it is
// written.
std::optional<std::string> first_difference(const Json& ours, const Json& installed, const std::string& path,
                                            Additions additions) {
    if (ours.is_object() && installed.is_object()) {
        for (const auto& [key, value] : ours.items()) {
            const auto below = path + "." + key;
            const Json* found = member(installed, key);
            if (found == nullptr) return below;
            const auto rule = key == "openAPIV3Schema" ? Additions::Found : additions;
            if (auto difference = first_difference(value, *found, below, rule)) return difference;
        }
        if (additions == Additions::Allowed) return std::nullopt;
        for (const auto& [key, value] : installed.items()) {
            if (!ours.contains(key)) return path + "." + key;
        }
        return std::nullopt;
    }
    if (ours.is_array() && installed.is_array()) {
        if (ours.size() != installed.size()) return path;
        for (std::size_t i = 0; i < ours.size(); ++i) {
            const auto below = path + "[" + std::to_string(i) + "]";
            if (auto difference = first_difference(ours[i], installed[i], below, additions))
                return difference;
        }
        return std::nullopt;
    }
    return ours == installed ? std::nullopt : std::optional(path);
}

// What makes it a definition of something else altogether.
std::optional<std::string> other_thing(const Json& ours, const Json& installed) {
    constexpr std::string_view kParts[][3] = {
        {"spec", "group", ""}, {"spec", "scope", ""}, {"spec", "names", "kind"}, {"spec", "names", "plural"}};
    for (const auto& part : kParts) {
        const bool deep = !part[2].empty();
        const auto at = [&](const Json& document) {
            return deep ? text_at(document, {part[0], part[1], part[2]})
                        : text_at(document, {part[0], part[1]});
        };
        if (at(ours) == at(installed)) continue;
        auto path = std::string(part[0]) + "." + std::string(part[1]);
        if (deep) path += "." + std::string(part[2]);
        return path + ": found " + in_quotes(at(installed)) + ", expected " + in_quotes(at(ours));
    }
    return std::nullopt;
}

}  // namespace

std::string_view to_string(DefinitionMatch match) {
    constexpr EnumNames<DefinitionMatch, 5> kNames{{{DefinitionMatch::Same, "same"},
                                                    {DefinitionMatch::Older, "older"},
                                                    {DefinitionMatch::Newer, "newer"},
                                                    {DefinitionMatch::Changed, "changed"},
                                                    {DefinitionMatch::Foreign, "foreign"}}};
    return name_of(kNames, match);
}

DefinitionComparison compare_definition(const Json& ours, const Json& installed) {
    const auto begin = "CustomResourceDefinition " + text_at(ours, {"metadata", "name"}) + ": ";
    if (const auto other = other_thing(ours, installed)) {
        return {DefinitionMatch::Foreign,
                begin + *other + "; it belongs to another program: remove it, or use another cluster"};
    }
    const auto wanted = version_of(ours).value_or(kDefinitionVersion);
    const auto expected = ", expected version " + std::to_string(wanted);
    const auto found = version_of(installed);
    if (!found) {
        return {
            DefinitionMatch::Foreign,
            begin + "found no version (annotation " + std::string(kDefinitionVersionAnnotation) + ")" +
                expected +
                "; another program has installed it: remove it together with its resources, or replace it "
                "with force"};
    }
    const auto has = begin + "found version " + std::to_string(*found);
    if (*found < wanted)
        return {DefinitionMatch::Older, has + expected + "; install the newer one by applying the operator"};
    if (*found > wanted)
        return {DefinitionMatch::Newer, has + expected + "; use an operator of that version or a later one"};
    if (const auto difference =
            first_difference(ours.at("spec"), installed.at("spec"), "spec", Additions::Allowed)) {
        return {DefinitionMatch::Changed, has + " with a change at " + *difference +
                                              ", expected it as it was shipped; apply the operator again"};
    }
    return {DefinitionMatch::Same, {}};
}

}  // namespace harmony::contracts
