#include "host/engine/contributions.hpp"

#include <algorithm>

#include "host/config/suggestion.hpp"

namespace harmony::host {
namespace {

using nlohmann::json;

Outcome<json> parse_schema(const std::string& text, const std::string& owner) {
    if (text.empty()) return json::object();
    json schema = json::parse(text, nullptr, false);
    if (!schema.is_object())
        return usage_problem("plugin.manifest-invalid",
                             "the parameter schema of " + owner + " is no JSON object",
                             "reinstall the plugin or report it to its author");
    return schema;
}

template <class Member>
std::vector<std::string> names_of(const Catalog& catalog, Member member) {
    std::vector<std::string> names;
    for (const auto& entry : catalog.entries()) {
        if (!entry.usable()) continue;
        for (const auto& contribution : entry.plugin.*member)
            names.push_back(contribution.name);
    }
    std::ranges::sort(names);
    return names;
}

tl::unexpected<Problem> unknown(const std::string& code, const std::string& kind, const std::string& name,
                                const std::vector<std::string>& known) {
    return usage_problem(code, "there is no " + kind + " \"" + name + "\"", suggestion_hint(name, known));
}

}  // namespace

std::vector<std::string> unmet(const Requirements& requirements, const std::vector<std::string>& offered) {
    std::vector<std::string> missing;
    for (const auto& group : requirements) {
        const bool met = std::ranges::any_of(group, [&](const std::string& capability) {
            return std::ranges::find(offered, capability) != offered.end();
        });
        if (met || group.empty()) continue;
        std::string text;
        for (const auto& capability : group)
            text += (text.empty() ? "" : " or ") + capability;
        missing.push_back(text);
    }
    return missing;
}

std::vector<std::string> Contributions::score_names() const {
    return names_of(catalog_, &PluginSummary::scores);
}
std::vector<std::string> Contributions::topology_names() const {
    return names_of(catalog_, &PluginSummary::topologies);
}
std::vector<std::string> Contributions::scenario_names() const {
    return names_of(catalog_, &PluginSummary::scenarios);
}

Outcome<const Manifest*> Contributions::manifest(const CatalogEntry& entry) {
    const auto known = manifests_.find(&entry);
    if (known != manifests_.end()) return &known->second;
    auto read = Catalog::manifest(entry);
    if (!read) return stop(ExitCode::Failed, read.error());
    return &manifests_.emplace(&entry, std::move(*read)).first->second;
}

Outcome<ScoreUnit> Contributions::score(const std::string& name) {
    const auto found = catalog_.find_score(name);
    if (!found) return unknown("usage.unknown-score", "Score", name, score_names());
    auto all = manifest(*found->entry);
    if (!all) return tl::unexpected(all.error());
    ScoreUnit unit{found->entry, (*all)->scores.at(found->index), {}};
    auto schema = parse_schema(unit.manifest.parameters, name);
    if (!schema) return tl::unexpected(schema.error());
    unit.schema = std::move(*schema);
    return unit;
}

Outcome<TopologyUnit> Contributions::topology(const std::string& name) {
    const auto found = catalog_.find_topology(name);
    if (!found) return unknown("usage.unknown-topology", "Topology", name, topology_names());
    auto all = manifest(*found->entry);
    if (!all) return tl::unexpected(all.error());
    TopologyUnit unit{found->entry, (*all)->topologies.at(found->index), {}};
    auto schema = parse_schema(unit.manifest.settings, name);
    if (!schema) return tl::unexpected(schema.error());
    unit.schema = std::move(*schema);
    return unit;
}

Outcome<ScenarioUnit> Contributions::scenario(const std::string& name) {
    const auto found = catalog_.find_scenario(name);
    if (!found) return unknown("usage.unknown-scenario", "scenario", name, scenario_names());
    auto all = manifest(*found->entry);
    if (!all) return tl::unexpected(all.error());
    ScenarioUnit unit{found->entry, (*all)->scenarios.at(found->index), {}};
    auto schema = parse_schema(unit.manifest.parameters, name);
    if (!schema) return tl::unexpected(schema.error());
    unit.schema = std::move(*schema);
    return unit;
}

Outcome<CommandUnit> Contributions::command(const std::string& path) {
    const auto found = catalog_.find_command(path);
    if (!found) return unknown("usage.unknown-command", "command", path, {});
    auto all = manifest(*found->entry);
    if (!all) return tl::unexpected(all.error());
    return CommandUnit{found->entry, (*all)->commands.at(found->index)};
}

std::vector<std::string> Contributions::who_offers(const std::string& capability) {
    std::vector<std::string> offering;
    for (const auto& name : topology_names()) {
        auto unit = topology(name);
        if (unit && std::ranges::find(unit->manifest.offers, capability) != unit->manifest.offers.end())
            offering.push_back(name);
    }
    return offering;
}

}  // namespace harmony::host
