// Which plugins there are and what they contribute. Nothing of a plugin is run or mapped.
//
// A broken plugin is an entry with its problem and never hides the others. Not thread-safe.
#pragma once

#include <cstdint>
#include <harmony/host/diagnostics.hpp>
#include <harmony/host/manifest.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace harmony::host {

// Where a plugin was found, in the order of precedence.
enum class PluginOrigin : std::uint8_t { Explicit, Project, Environment, User, Installed };
[[nodiscard]] std::string_view to_string(PluginOrigin origin);

struct Contribution {
    std::string name;
    std::string summary;
};

struct CommandSummary {
    std::vector<std::string> path;
    std::string summary;
};

// What lists and completion need; schemas are left to Catalog::manifest().
struct PluginSummary {
    std::string id;
    std::string version;
    std::string summary;
    std::vector<Contribution> scores;
    std::vector<Contribution> topologies;
    std::vector<CommandSummary> commands;
    std::vector<Contribution> scenarios;
};

struct CatalogEntry {
    std::string file;  // absolute
    PluginOrigin origin = PluginOrigin::Installed;
    PluginSummary plugin;               // empty when the manifest could not be read
    std::optional<Diagnostic> problem;  // set: listed, with this reason, and never loaded

    [[nodiscard]] bool usable() const { return !problem; }
};

// One usable entry and what it contributes under the name that was asked for.
struct Found {
    const CatalogEntry* entry;
    std::size_t index;  // into entry->plugin.scores (topologies, commands, scenarios)
};

struct CatalogOptions {
    std::vector<std::string> explicit_paths;  // --plugin: files or folders
    std::string project_folder;               // holds .harmony/plugins; empty: none
    std::string path_variable;                // $HARMONY_PLUGIN_PATH, colon separated
    std::string user_folder;                  // $XDG_DATA_HOME/harmony/plugins
    std::string installed_folder;             // <prefix>/lib/harmony/plugins
    std::string cache_folder;                 // $XDG_CACHE_HOME/harmony; empty: no index

    // From the environment and the place of this executable; project_folder is the working directory.
    [[nodiscard]] static CatalogOptions from_environment();
};

class Catalog {
 public:
    // Reads the folders, and the index where it matches. Writes nothing.
    [[nodiscard]] static Catalog scan(const CatalogOptions& options);

    [[nodiscard]] const std::vector<CatalogEntry>& entries() const { return entries_; }

    // Two plugins with one id, or two contributions of one kind and name. Each names both files. The entries
    // involved carry the same diagnostic as their problem.
    [[nodiscard]] const std::vector<Diagnostic>& conflicts() const { return conflicts_; }

    // Usable entries only. `path` of a command is its words joined with a space.
    [[nodiscard]] std::optional<Found> find_score(std::string_view name) const;
    [[nodiscard]] std::optional<Found> find_topology(std::string_view name) const;
    [[nodiscard]] std::optional<Found> find_command(std::string_view path) const;
    [[nodiscard]] std::optional<Found> find_scenario(std::string_view name) const;
    // By id, or by the part of the id after the slash where that is unique. Broken entries too.
    [[nodiscard]] const CatalogEntry* find_plugin(std::string_view id) const;

    // The whole manifest, read from the file again.
    [[nodiscard]] static Result<Manifest> manifest(const CatalogEntry& entry);

    // Replaces the index atomically when it does not match what was found. Only commands that may leave a
    // trace call this; failing to write is not an error, the next scan is merely slower.
    void save_index() const;

 private:
    friend class CatalogBuilder;

    std::vector<CatalogEntry> entries_;
    std::vector<Diagnostic> conflicts_;
    std::string index_file_;   // empty: none
    std::string index_bytes_;  // what save_index() has to write; empty when the file matches already
};

}  // namespace harmony::host
