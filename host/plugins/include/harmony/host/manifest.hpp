// What a plugin says about itself (plugin-api/spec/manifest.md), parsed once into typed structs.
// JSON Schemas and argument defaults stay JSON text: who needs them parses them.
#pragma once

#include <cstdint>
#include <harmony/host/diagnostics.hpp>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace harmony::host {

// Of each inner list one capability has to be offered.
using Requirements = std::vector<std::vector<std::string>>;

struct ScoreManifest {
    std::string name;
    std::string summary;
    std::string parameters;  // JSON Schema text
    Requirements requirements;
    std::vector<std::string> optional;
    std::vector<std::string> after;
    bool overlaps = false;  // its steps need only the steps of those in `after`
    std::vector<std::string> verbs;
    bool destructive = false;
    std::vector<std::string> renders;  // formats of score.render; not all need be known here
};

struct TopologyManifest {
    std::string name;
    std::string summary;
    std::string settings;  // JSON Schema text
    std::vector<std::string> offers;
};

struct CommandArgument {
    std::string name;
    std::string kind = "string";  // string, integer, number, boolean, file
    bool positional = false;
    bool required = false;
    bool repeated = false;
    std::string short_name;
    std::string summary;
    std::string default_value;  // JSON text, empty when there is none
    std::vector<std::string> values;
};

struct CommandExample {
    std::string command;
    std::string explanation;
};

struct CommandManifest {
    std::vector<std::string> path;
    std::string summary;
    std::string description;
    std::vector<CommandExample> examples;
    Requirements requirements;
    std::vector<std::string> optional;
    std::vector<CommandArgument> arguments;
    bool streams = false;  // prints while it runs
};

struct ScenarioManifest {
    std::string name;
    std::string summary;
    Requirements requirements;
    std::string parameters;  // JSON Schema text
};

struct Permissions {
    std::vector<std::string> network;
    std::vector<std::string> programs;
    std::vector<std::string> paths;
};

struct Manifest {
    std::string id;
    std::string version;
    std::string summary;
    std::uint32_t generation = 0;
    std::uint32_t level_min = 0;
    std::uint32_t level_max = 0;
    std::string target;
    std::map<std::string, std::string> needs;  // "GLIBC" to "2.34"
    std::string sdk;
    Permissions permissions;
    bool parallel = false;  // concurrency is "worker"
    std::vector<ScoreManifest> scores;
    std::vector<TopologyManifest> topologies;
    std::vector<CommandManifest> commands;
    std::vector<ScenarioManifest> scenarios;
    std::string license;
    std::string homepage;
    std::string install_hint;
};

// What this build of the host can load, and the machine it runs on.
struct HostSupport {
    std::uint32_t generation;
    std::uint32_t level_min;
    std::uint32_t level_max;
    std::string target;
    std::string glibc;  // of this machine, "2.36"

    [[nodiscard]] static const HostSupport& current();
};

// Parses and validates. Codes: plugin.manifest-invalid (path names the field), plugin.manifest-format,
// plugin.generation, plugin.level, plugin.target, plugin.glibc. Pure.
[[nodiscard]] Result<Manifest> parse_manifest(std::string_view json,
                                              const HostSupport& support = HostSupport::current());

// Compares dotted numbers: "2.9" is less than "2.34".
[[nodiscard]] bool version_less(std::string_view left, std::string_view right);

}  // namespace harmony::host
