#include <harmony/host/install.hpp>
#include <ostream>

#include "host/cli/application.hpp"
#include "host/commands/registry.hpp"
#include "host/config/suggestion.hpp"
#include "host/output/document.hpp"
#include "host/output/table.hpp"

namespace harmony::host {
namespace {

using nlohmann::json;

// With --project that of the current folder's project, else the user's.
std::string plugin_folder(const Application& application, const ParsedArguments& arguments) {
    return arguments.has("project") ? ".harmony/plugins" : application.paths().data + "/plugins";
}

ArgumentSpec project_argument() {
    return {.name = "project",
            .kind = ArgumentKind::Boolean,
            .summary = "in .harmony/plugins of the current folder instead of the user's plugins"};
}

Outcome<ExitCode> list(Application& application, const ParsedArguments&) {
    json plugins = json::array();
    Table table({"PLUGIN", "VERSION", "STATE", "FROM", "FILE"});
    for (const auto& entry : application.catalog().entries()) {
        const std::string origin(to_string(entry.origin));
        const std::string state = entry.usable() ? "ok" : "broken: " + entry.problem->summary;
        table.add({entry.plugin.id.empty() ? "?" : entry.plugin.id, entry.plugin.version, state, origin,
                   entry.file});
        json item = {{"id", entry.plugin.id},
                     {"version", entry.plugin.version},
                     {"summary", entry.plugin.summary},
                     {"origin", origin},
                     {"file", entry.file},
                     {"usable", entry.usable()}};
        if (entry.problem) item["problem"] = diagnostic_document(*entry.problem);
        plugins.push_back(std::move(item));
    }
    application.catalog().save_index();
    if (application.print_json("plugins-list/1", {{"plugins", plugins}})) return ExitCode::Ok;
    table.print(application.streams().out, application.out_style());
    return ExitCode::Ok;
}

Outcome<const CatalogEntry*> find_entry(Application& application, const std::string& id) {
    const auto* entry = application.catalog().find_plugin(id);
    if (entry != nullptr) return entry;
    std::vector<std::string> ids;
    for (const auto& known : application.catalog().entries())
        if (!known.plugin.id.empty()) ids.push_back(known.plugin.id);
    return usage_problem("usage.unknown-plugin", "there is no plugin \"" + id + "\"",
                         suggestion_hint(id, ids));
}

Outcome<ExitCode> show(Application& application, const ParsedArguments& arguments) {
    auto found = find_entry(application, *arguments.text("id"));
    if (!found) return tl::unexpected(found.error());
    const CatalogEntry& entry = **found;
    if (!entry.usable()) return stop(ExitCode::Failed, *entry.problem);
    auto manifest = Catalog::manifest(entry);
    if (!manifest) return stop(ExitCode::Failed, manifest.error());
    json document = {
        {"id", manifest->id},   {"version", manifest->version}, {"summary", manifest->summary},
        {"file", entry.file},   {"target", manifest->target},   {"needs", manifest->needs},
        {"sdk", manifest->sdk}, {"license", manifest->license}, {"homepage", manifest->homepage}};
    document["permissions"] = {{"network", manifest->permissions.network},
                               {"programs", manifest->permissions.programs},
                               {"paths", manifest->permissions.paths}};
    Table table({"KIND", "NAME", "SUMMARY"});
    auto add = [&](const char* kind, const std::string& name, const std::string& summary) {
        table.add({kind, name, summary});
        document["contributes"].push_back({{"kind", kind}, {"name", name}, {"summary", summary}});
    };
    for (const auto& one : manifest->scores)
        add("Score", one.name, one.summary);
    for (const auto& one : manifest->topologies)
        add("Topology", one.name, one.summary);
    for (const auto& one : manifest->commands) {
        std::string path;
        for (const auto& word : one.path)
            path += (path.empty() ? "" : " ") + word;
        add("command", path, one.summary);
    }
    for (const auto& one : manifest->scenarios)
        add("scenario", one.name, one.summary);
    if (application.print_json("plugin/1", {{"plugin", document}})) return ExitCode::Ok;
    auto& out = application.streams().out;
    out << application.out_style().bold(manifest->id) << " " << manifest->version << ": "
        << printable(manifest->summary) << "\n"
        << "file " << entry.file << "\nbuilt for " << manifest->target << " with " << printable(manifest->sdk)
        << "\n";
    auto reaches = [&](const char* what, const std::vector<std::string>& list) {
        for (const auto& one : list)
            out << "reaches " << what << " " << printable(one) << "\n";
    };
    reaches("network", manifest->permissions.network);
    reaches("program", manifest->permissions.programs);
    reaches("path", manifest->permissions.paths);
    table.print(out, application.out_style());
    return ExitCode::Ok;
}

Outcome<ExitCode> install(Application& application, const ParsedArguments& arguments) {
    auto report = install_plugins(*arguments.text("source"), plugin_folder(application, arguments));
    if (!report) {
        const bool wrong_source = report.error().code.starts_with("plugin.source");
        return stop(wrong_source ? ExitCode::Usage : ExitCode::Failed, report.error());
    }
    json plugins = json::array();
    auto& out = application.streams().out;
    for (const auto& item : report->items) {
        plugins.push_back({{"id", item.plugin.id},
                           {"version", item.plugin.version},
                           {"sha256", item.plugin.sha256},
                           {"previous_version", item.previous_version},
                           {"changed", item.changed}});
        if (application.json()) continue;
        out << item.plugin.id << " " << item.plugin.version << ": "
            << (!item.changed                   ? "was installed already"
                : item.previous_version.empty() ? "installed"
                                                : "installed in place of " + item.previous_version)
            << "\n";
    }
    application.print_json("plugins-install/1", {{"plugins", plugins}});
    return ExitCode::Ok;
}

Outcome<ExitCode> remove(Application& application, const ParsedArguments& arguments) {
    auto removed = remove_plugin(*arguments.text("id"), plugin_folder(application, arguments));
    if (!removed) {
        Diagnostic what = removed.error();
        const bool unknown = what.code == "plugin.not-installed";
        return stop(unknown ? ExitCode::Usage : ExitCode::Failed, std::move(what));
    }
    const json plugin = {{"id", removed->id}, {"version", removed->version}};
    if (!application.print_json("plugins-remove/1", {{"plugin", plugin}}))
        application.streams().out << removed->id << " " << removed->version << ": removed\n";
    return ExitCode::Ok;
}

Outcome<ExitCode> verify(Application& application, const ParsedArguments& arguments) {
    auto items = verify_plugins(plugin_folder(application, arguments));
    if (!items) return stop(ExitCode::Failed, items.error());
    bool good = true;
    json plugins = json::array();
    Table table({"PLUGIN", "VERSION", "STATE", "SHA-256"});
    for (const auto& item : *items) {
        good = good && item.ok();
        const std::string state = item.ok() ? "ok" : item.found_sha256.empty() ? "missing" : "changed";
        table.add({item.plugin.id, item.plugin.version, state, item.plugin.sha256});
        plugins.push_back({{"id", item.plugin.id},
                           {"ok", item.ok()},
                           {"state", state},
                           {"expected", item.plugin.sha256},
                           {"found", item.found_sha256}});
    }
    if (!application.print_json("plugins-verify/1", {{"ok", good}, {"plugins", plugins}}))
        table.print(application.streams().out, application.out_style());
    return good ? ExitCode::Ok : ExitCode::Failed;
}

ArgumentSpec id_argument() {
    return {.name = "id",
            .summary = "vendor/name, or the name alone",
            .value_name = "PLUGIN",
            .positional = true,
            .required = true,
            .completes = Completes::Plugins};
}

}  // namespace

std::vector<CommandSpec> plugins_commands() {
    std::vector<CommandSpec> commands;
    auto add = [&](const char* verb, const char* summary, std::vector<ArgumentSpec> arguments,
                   std::vector<ExampleText> examples, auto run) {
        CommandSpec command;
        command.path = {"plugins", verb};
        command.summary = summary;
        command.arguments = std::move(arguments);
        command.examples = std::move(examples);
        command.run = run;
        commands.push_back(std::move(command));
    };
    add("list", "List the plugins found, and why a broken one is broken", {}, {{"harmony plugins list", ""}},
        list);
    add("show", "Show what a plugin contributes and what it reaches", {id_argument()},
        {{"harmony plugins show local", ""}}, show);
    add("install", "Install plugins from a file, a folder or an archive",
        {{.name = "source",
          .summary = "harmony-*.so, a folder with them, or a .tar, .tar.gz, .tar.zst or .zip",
          .value_name = "SOURCE",
          .positional = true,
          .required = true,
          .completes = Completes::Files},
         project_argument()},
        {{"harmony plugins install ./weather.tar.gz", ""},
         {"harmony plugins install --project ./weather.tar.gz", "for everybody who works in this folder"}},
        install);
    add("remove", "Remove an installed plugin", {id_argument(), project_argument()},
        {{"harmony plugins remove acme/weather", ""}}, remove);
    add("verify", "Compare installed plugins with the lock file", {project_argument()},
        {{"harmony plugins verify", ""}}, verify);
    return commands;
}

}  // namespace harmony::host
