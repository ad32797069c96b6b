// What plugins contribute, by name, with schemas parsed: read from manifests when asked for.
#pragma once

#include <harmony/host/catalog.hpp>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "host/output/problem.hpp"

namespace harmony::host {

struct ScoreUnit {
    const CatalogEntry* entry = nullptr;
    ScoreManifest manifest;
    nlohmann::json schema;
};

struct TopologyUnit {
    const CatalogEntry* entry = nullptr;
    TopologyManifest manifest;
    nlohmann::json schema;
};

struct CommandUnit {
    const CatalogEntry* entry = nullptr;
    CommandManifest manifest;
};

struct ScenarioUnit {
    const CatalogEntry* entry = nullptr;
    ScenarioManifest manifest;
    nlohmann::json schema;
};

// Borrows the catalog. Unknown names are exit code Usage with a suggestion.
class Contributions {
 public:
    explicit Contributions(const Catalog& catalog) : catalog_(catalog) {}

    [[nodiscard]] std::vector<std::string> score_names() const;
    [[nodiscard]] std::vector<std::string> topology_names() const;
    [[nodiscard]] std::vector<std::string> scenario_names() const;

    [[nodiscard]] Outcome<ScoreUnit> score(const std::string& name);
    [[nodiscard]] Outcome<TopologyUnit> topology(const std::string& name);
    [[nodiscard]] Outcome<ScenarioUnit> scenario(const std::string& name);
    // path joined with a space.
    [[nodiscard]] Outcome<CommandUnit> command(const std::string& path);

    // Topologies whose manifest offers the capability.
    [[nodiscard]] std::vector<std::string> who_offers(const std::string& capability);
    [[nodiscard]] const Catalog& catalog() const { return catalog_; }

 private:
    [[nodiscard]] Outcome<const Manifest*> manifest(const CatalogEntry& entry);

    const Catalog& catalog_;
    std::map<const CatalogEntry*, Manifest> manifests_;
};

// The needs that none of the offered capabilities meets, each as "a or b".
[[nodiscard]] std::vector<std::string> unmet(const Requirements& requirements,
                                             const std::vector<std::string>& offered);

}  // namespace harmony::host
