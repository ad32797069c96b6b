#include "host/engine/workspace.hpp"

#include <algorithm>

#include "host/config/schema.hpp"

namespace harmony::host {
namespace {

using nlohmann::json;

std::vector<Offer> parse_offers(const json& answer) {
    std::vector<Offer> offers;
    if (!answer.contains("offers") || !answer["offers"].is_array()) return offers;
    for (const auto& item : answer["offers"]) {
        if (!item.is_object() || !item.contains("capability") || !item["capability"].is_string()) continue;
        Offer offer{item["capability"], item.contains("available") && item["available"] == true, {}};
        if (item.contains("reason") && item["reason"].is_string()) offer.reason = item["reason"];
        offers.push_back(std::move(offer));
    }
    return offers;
}

std::vector<std::string> available_of(const std::vector<Offer>& offers) {
    std::vector<std::string> names;
    for (const auto& offer : offers)
        if (offer.available) names.push_back(offer.capability);
    return names;
}

}  // namespace

Outcome<Workspace> Workspace::open(PluginPool& pool, Contributions& contributions, WorkspaceOptions options) {
    Workspace workspace(pool, contributions, std::move(options));
    if (auto started = workspace.start(); !started) return tl::unexpected(started.error());
    return workspace;
}

Outcome<void> Workspace::start() {
    auto unit = contributions_->topology(options_.context.topology);
    if (!unit) {
        Problem problem = unit.error();
        problem.diagnostic.summary = "context " + options_.context.name + ": " + problem.diagnostic.summary;
        if (problem.diagnostic.hint.empty())
            problem.diagnostic.hint =
                "install the plugin that has it; `harmony plugins list` shows which are there";
        return tl::unexpected(std::move(problem));
    }
    json settings = options_.context.settings;
    const Schema schema(unit->schema);
    schema.fill_defaults(settings, [](const ValuePath&) {});
    if (const auto problems = schema.check(settings); !problems.empty())
        return usage_problem("config.contexts",
                             "context " + options_.context.name + ", settings." + problems.front().text(),
                             problems.front().hint);
    InstanceRequest request{unit->entry, "topology", options_.context.topology, settings, session(), {}};
    auto topology = pool_->create(std::move(request));
    if (!topology) return tl::unexpected(topology.error());
    topology_ = *topology;
    pool_->route_capabilities_to(topology_);
    auto probed = pool_->invoke(topology_, "topology.probe", json::object());
    if (!probed) return tl::unexpected(probed.error());
    offers_ = parse_offers(*probed);
    return {};
}

json Workspace::session() const {
    return {{"context", options_.context.name},
            {"run_id", options_.run_id},
            {"state_dir", options_.state_folder + "/topology"},
            {"program_dirs", options_.program_dirs},
            {"capabilities", available_of(offers_)}};
}

Outcome<void> Workspace::check_requirements(const std::string& who, const Requirements& requirements) {
    const auto missing = unmet(requirements, available_of(offers_));
    if (missing.empty()) return {};
    std::string summary = who + " needs " + missing.front() + ", which " + options_.context.topology +
                          " of context " + options_.context.name + " does not offer";
    for (const auto& offer : offers_) {
        if (missing.front().find(offer.capability) != std::string::npos && !offer.reason.empty())
            summary += ": " + offer.reason;
    }
    std::string hint;
    for (const auto& group : requirements) {
        for (const auto& capability : group) {
            if (missing.front().find(capability) == std::string::npos) continue;
            for (const auto& name : contributions_->who_offers(capability)) {
                if (name == options_.context.topology || hint.find(name) != std::string::npos) continue;
                hint += (hint.empty() ? "offered by " : ", ") + name;
            }
        }
    }
    if (!hint.empty()) hint += "; choose a context with it (harmony context list)";
    return usage_problem("config.unmet-requirement", summary, hint);
}

Outcome<Instance> Workspace::create(const CatalogEntry& entry, const std::string& kind,
                                    const std::string& name, json settings, const Requirements& requirements,
                                    const std::vector<std::string>& optional) {
    std::set<std::string> capabilities(optional.begin(), optional.end());
    for (const auto& group : requirements)
        capabilities.insert(group.begin(), group.end());
    return pool_->create({&entry, kind, name, std::move(settings), session(), std::move(capabilities)});
}

Outcome<void> Workspace::prepare() {
    auto prepared = pool_->invoke(topology_, "topology.prepare", json::object());
    if (!prepared) return tl::unexpected(prepared.error());
    return {};
}

Outcome<void> Workspace::release() {
    auto released = pool_->invoke(topology_, "topology.release", json::object());
    if (!released) return tl::unexpected(released.error());
    return {};
}

}  // namespace harmony::host
