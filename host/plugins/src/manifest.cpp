#include "manifest_reader.hpp"

#include <gnu/libc-version.h>
#include <harmony/plugin.h>
#include <harmony/host/manifest.hpp>

#include <algorithm>
#include <optional>
#include <set>

#include <harmony/host/json_text.hpp>
#include <nlohmann/json.hpp>

namespace harmony::host {
namespace {

constexpr std::uint32_t kFormat = 1;

const std::vector<std::string>& known_verbs() {
    static const std::vector<std::string> verbs{"validate", "read", "plan", "apply", "verify", "destroy"};
    return verbs;
}

bool contains(const std::vector<std::string>& list, std::string_view value) {
    return std::find(list.begin(), list.end(), value) != list.end();
}

bool is_id_word(std::string_view word) {
    if (word.empty() || word.size() > 64) return false;
    return std::all_of(word.begin(), word.end(),
                       [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; });
}

// Names are typed by people, put into file names and into JSON paths.
bool is_contribution_name(std::string_view name) {
    if (name.empty() || name.size() > 64) return false;
    return std::all_of(name.begin(), name.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
               c == '_';
    });
}

void check_id(FieldReader& reader, const Manifest& manifest) {
    const auto slash = manifest.id.find('/');
    if (slash == std::string::npos || !is_id_word(std::string_view(manifest.id).substr(0, slash)) ||
        !is_id_word(std::string_view(manifest.id).substr(slash + 1))) {
        reader.fail("id", "found '" + printable(manifest.id) +
                              "', expected vendor/name of lowercase letters, digits and '-'");
    }
}

void check_version(FieldReader& reader, const std::string& version) {
    const auto core = version.substr(0, version.find_first_of("-+"));
    const auto dots = std::count(core.begin(), core.end(), '.');
    const bool digits =
        std::all_of(core.begin(), core.end(), [](char c) { return (c >= '0' && c <= '9') || c == '.'; });
    const bool empty_part =
        core.empty() || core.front() == '.' || core.back() == '.' || core.find("..") != core.npos;
    if (dots != 2 || !digits || empty_part || version.size() > 128 || printable(version) != version) {
        reader.fail("version",
                    "found '" + printable(version) + "', expected a semantic version such as 1.4.0");
    }
}

ScoreManifest read_score(FieldReader& reader) {
    ScoreManifest score;
    score.name = reader.text("name");
    score.summary = reader.text("summary", Presence::Optional);
    score.parameters = reader.schema("parameters");
    score.requirements = reader.groups("requires");
    score.optional = reader.texts("optional");
    score.after = reader.texts("after");
    score.overlaps = reader.boolean("overlaps");
    score.verbs = reader.texts("verbs");
    score.destructive = reader.boolean("destructive");
    score.renders = reader.texts("renders");
    for (const auto& verb : score.verbs) {
        if (!contains(known_verbs(), verb)) {
            reader.fail("verbs", "found '" + printable(verb) +
                                     "', expected validate, read, plan, apply, verify or destroy");
        }
    }
    return score;
}

TopologyManifest read_topology(FieldReader& reader) {
    TopologyManifest topology;
    topology.name = reader.text("name");
    topology.summary = reader.text("summary", Presence::Optional);
    topology.settings = reader.schema("settings");
    topology.offers = reader.texts("offers");
    return topology;
}

CommandArgument read_argument(FieldReader& reader) {
    static const std::vector<std::string> kinds{"string", "integer", "number", "boolean", "file"};
    CommandArgument argument;
    argument.name = reader.text("name");
    argument.kind = reader.text("kind", Presence::Optional);
    if (argument.kind.empty()) argument.kind = "string";
    if (!contains(kinds, argument.kind)) {
        reader.fail("kind", "found '" + printable(argument.kind) +
                                "', expected string, integer, number, boolean or file");
    }
    argument.positional = reader.boolean("positional");
    argument.required = reader.boolean("required");
    argument.repeated = reader.boolean("repeated");
    argument.short_name = reader.text("short", Presence::Optional);
    argument.summary = reader.text("summary", Presence::Optional);
    argument.default_value = reader.json_text("default");
    argument.values = reader.texts("values");
    if (!is_contribution_name(argument.name))
        reader.fail("name", "found '" + printable(argument.name) + "', expected a word");
    return argument;
}

CommandManifest read_command(FieldReader& reader) {
    CommandManifest command;
    command.path = reader.texts("path");
    command.summary = reader.text("summary", Presence::Optional);
    command.description = reader.text("description", Presence::Optional);
    command.requirements = reader.groups("requires");
    command.optional = reader.texts("optional");
    command.streams = reader.boolean("streams");
    if (command.path.empty()) reader.fail("path", "found no word, expected at least one");
    for (const auto& word : command.path) {
        if (!is_id_word(word) || word.front() == '-') {
            reader.fail("path", "found '" + printable(word) +
                                    "', expected words of lowercase letters, digits and '-'");
        }
    }
    reader.each("examples", [&](FieldReader& item) {
        command.examples.push_back({item.text("command"), item.text("explanation", Presence::Optional)});
    });
    reader.each("arguments", [&](FieldReader& item) { command.arguments.push_back(read_argument(item)); });
    return command;
}

ScenarioManifest read_scenario(FieldReader& reader) {
    ScenarioManifest scenario;
    scenario.name = reader.text("name");
    scenario.summary = reader.text("summary", Presence::Optional);
    scenario.requirements = reader.groups("requires");
    scenario.parameters = reader.schema("parameters");
    return scenario;
}

template <class Item>
void read_named(FieldReader& reader, const char* key, std::vector<Item>& into, Item (*read)(FieldReader&)) {
    std::set<std::string> seen;
    reader.each(key, [&](FieldReader& item) {
        into.push_back(read(item));
        const auto& name = into.back().name;
        if (!is_contribution_name(name)) {
            item.fail("name",
                      "found '" + printable(name) + "', expected letters, digits, '-' and '_', at most 64");
        } else if (!seen.insert(name).second) {
            item.fail("name", "found '" + name + "' twice, expected each name once");
        }
    });
}

void read_body(FieldReader& reader, Manifest& manifest) {
    manifest.sdk = reader.text("sdk", Presence::Optional);
    reader.object("permissions", [&](FieldReader& item) {
        manifest.permissions = {item.texts("network"), item.texts("programs"), item.texts("paths")};
    });
    const auto concurrency = reader.text("concurrency", Presence::Optional);
    if (!concurrency.empty() && concurrency != "serial" && concurrency != "worker") {
        reader.fail("concurrency", "found '" + printable(concurrency) + "', expected serial or worker");
    }
    manifest.parallel = concurrency == "worker";
    read_named(reader, "scores", manifest.scores, &read_score);
    read_named(reader, "topologies", manifest.topologies, &read_topology);
    read_named(reader, "scenarios", manifest.scenarios, &read_scenario);
    std::set<std::vector<std::string>> paths;
    reader.each("commands", [&](FieldReader& item) {
        manifest.commands.push_back(read_command(item));
        if (!paths.insert(manifest.commands.back().path).second)
            item.fail("path", "found twice, expected once");
    });
    manifest.license = reader.text("license", Presence::Optional);
    manifest.homepage = reader.text("homepage", Presence::Optional);
    manifest.install_hint = reader.text("install_hint", Presence::Optional);
}

std::string range(std::uint32_t low, std::uint32_t high) {
    return low == high ? std::to_string(low) : std::to_string(low) + " to " + std::to_string(high);
}

std::string update_hint(bool host_is_older) {
    return host_is_older ? "Update harmony, or install an older build of the plugin."
                         : "Install a newer build of the plugin, or use an older harmony.";
}

// Before the rest is read: a manifest of the future may have another shape.
std::optional<Diagnostic> check_format_and_generation(FieldReader& reader, Manifest& manifest,
                                                      const HostSupport& support) {
    const auto format = reader.number("format");
    manifest.generation = reader.number("generation");
    if (reader.failed()) return reader.diagnostic();
    if (format != kFormat) {
        return diagnostic("plugin.manifest-format",
                          "The manifest has format " + std::to_string(format) +
                              ", this harmony reads format " + std::to_string(kFormat),
                          update_hint(format > kFormat));
    }
    if (manifest.generation != support.generation) {
        return diagnostic("plugin.generation",
                          "The plugin uses generation " + std::to_string(manifest.generation) +
                              " of the plugin interface, this harmony offers generation " +
                              std::to_string(support.generation),
                          update_hint(manifest.generation > support.generation));
    }
    return std::nullopt;
}

std::optional<Diagnostic> check_levels(const Manifest& manifest, const HostSupport& support) {
    if (manifest.level_min <= support.level_max && manifest.level_max >= support.level_min)
        return std::nullopt;
    return diagnostic("plugin.level",
                      "The plugin speaks levels " + range(manifest.level_min, manifest.level_max) +
                          " of the plugin interface, this harmony speaks " +
                          range(support.level_min, support.level_max),
                      update_hint(manifest.level_min > support.level_max));
}

std::optional<Diagnostic> check_machine(const Manifest& manifest, const HostSupport& support) {
    if (!manifest.target.empty() && manifest.target != support.target) {
        return diagnostic(
            "plugin.target",
            "The plugin is built for " + printable(manifest.target) + ", this machine is " + support.target,
            "Install the build for this machine.");
    }
    const auto glibc = manifest.needs.find("GLIBC");
    if (glibc != manifest.needs.end() && version_less(support.glibc, glibc->second)) {
        return diagnostic(
            "plugin.glibc",
            "The plugin needs GLIBC " + printable(glibc->second) + ", this machine has " + support.glibc,
            "Install a build for this distribution, or build the plugin here.");
    }
    return std::nullopt;
}

}  // namespace

bool version_less(std::string_view left, std::string_view right) {
    auto next = [](std::string_view& text) {
        unsigned long value = 0;
        std::size_t used = 0;
        while (used < text.size() && text[used] >= '0' && text[used] <= '9' && used < 9) {
            value = value * 10 + static_cast<unsigned long>(text[used++] - '0');
        }
        text.remove_prefix(used);
        if (!text.empty()) text.remove_prefix(1);
        return value;
    };
    while (!left.empty() || !right.empty()) {
        const auto a = next(left);
        const auto b = next(right);
        if (a != b) return a < b;
    }
    return false;
}

const HostSupport& HostSupport::current() {
    static const HostSupport support{HP_GENERATION, HP_LEVEL_MIN, HP_LEVEL_MAX, HARMONY_TARGET_TRIPLE,
                                     ::gnu_get_libc_version()};
    return support;
}

Result<Manifest> parse_manifest(std::string_view json, const HostSupport& support) {
    const auto document = parse_json_object(json);
    if (!document) {
        return refuse("plugin.manifest-invalid", "The manifest is not a JSON object: " + document.error(),
                      "Build the plugin again with harmony_add_plugin().");
    }
    FieldReader reader(*document);
    Manifest manifest;
    manifest.id = reader.text("id", Presence::Optional);
    if (auto problem = check_format_and_generation(reader, manifest, support))
        return tl::unexpected(*problem);
    reader.object(
        "levels",
        [&](FieldReader& item) {
            manifest.level_min = item.number("min");
            manifest.level_max = item.number("max");
            if (manifest.level_min > manifest.level_max)
                item.fail("min", "found a minimum above the maximum");
        },
        Presence::Required);
    if (reader.failed()) return tl::unexpected(reader.diagnostic());
    if (auto problem = check_levels(manifest, support)) return tl::unexpected(*problem);

    check_id(reader, manifest);
    manifest.version = reader.text("version");
    check_version(reader, manifest.version);
    manifest.summary = reader.text("summary", Presence::Optional);
    manifest.target = reader.text("target", Presence::Optional);
    manifest.needs = reader.text_map("needs");
    read_body(reader, manifest);
    if (reader.failed()) return tl::unexpected(reader.diagnostic());
    if (auto problem = check_machine(manifest, support)) return tl::unexpected(*problem);
    return manifest;
}

}  // namespace harmony::host
