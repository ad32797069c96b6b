// A context in use: its Topology's instance and what that offers.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "host/config/contexts.hpp"
#include "host/engine/contributions.hpp"
#include "host/engine/plugin_pool.hpp"

namespace harmony::host {

struct Offer {
    std::string capability;
    bool available = false;
    std::string reason;
};

struct WorkspaceOptions {
    Context context;
    std::string state_folder;               // of the context; not made by opening it
    std::vector<std::string> program_dirs;  // with the programs shipped beside the host
    std::string run_id;                     // empty where nothing is changed
};

// Borrows pool and contributions. Opening it has no side effect but the plugin's process.
class Workspace {
 public:
    [[nodiscard]] static Outcome<Workspace> open(PluginPool& pool, Contributions& contributions,
                                                 WorkspaceOptions options);

    [[nodiscard]] const std::vector<Offer>& offers() const { return offers_; }
    [[nodiscard]] const WorkspaceOptions& options() const { return options_; }
    [[nodiscard]] PluginPool& pool() { return *pool_; }

    // Code config.unmet-requirement: what is missing, why, and which Topologies would offer it.
    [[nodiscard]] Outcome<void> check_requirements(const std::string& who, const Requirements& requirements);

    [[nodiscard]] Outcome<Instance> create(const CatalogEntry& entry, const std::string& kind,
                                           const std::string& name, nlohmann::json settings,
                                           const Requirements& requirements,
                                           const std::vector<std::string>& optional);
    [[nodiscard]] Outcome<void> prepare();
    [[nodiscard]] Outcome<void> release();

 private:
    Workspace(PluginPool& pool, Contributions& contributions, WorkspaceOptions options)
        : pool_(&pool), contributions_(&contributions), options_(std::move(options)) {}
    [[nodiscard]] Outcome<void> start();
    [[nodiscard]] nlohmann::json session() const;

    PluginPool* pool_;
    Contributions* contributions_;
    WorkspaceOptions options_;
    Instance topology_;
    std::vector<Offer> offers_;
};

}  // namespace harmony::host
