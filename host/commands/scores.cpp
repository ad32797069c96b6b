#include <ostream>

#include "host/cli/application.hpp"
#include "host/commands/registry.hpp"
#include "host/config/parameters.hpp"
#include "host/output/table.hpp"

namespace harmony::host {
namespace {

using nlohmann::json;

Outcome<ExitCode> list(Application& application, const ParsedArguments&) {
    json scores = json::array();
    Table table({"SCORE", "PLUGIN", "VERSION", "SUMMARY"});
    for (const auto& entry : application.catalog().entries()) {
        if (!entry.usable()) continue;
        for (const auto& score : entry.plugin.scores) {
            table.add({score.name, entry.plugin.id, entry.plugin.version, score.summary});
            scores.push_back({{"name", score.name},
                              {"summary", score.summary},
                              {"plugin", entry.plugin.id},
                              {"version", entry.plugin.version}});
        }
    }
    application.warn_about_plugins();
    application.catalog().save_index();
    if (application.print_json("scores-list/1", {{"scores", scores}})) return ExitCode::Ok;
    table.print(application.streams().out, application.out_style());
    return ExitCode::Ok;
}

std::string type_text(const json& schema) {
    if (!schema.is_object()) return "any";
    if (schema.contains("enum")) {
        std::string text;
        for (const auto& value : schema["enum"])
            text += (text.empty() ? "" : "|") + (value.is_string() ? value.get<std::string>() : value.dump());
        return text;
    }
    if (!schema.contains("type")) return "any";
    return schema["type"].is_string() ? schema["type"].get<std::string>() : schema["type"].dump();
}

std::string marks_text(const std::string& score, const ValuePath& path, const json& schema) {
    std::string text;
    if (schema.is_object() && schema.contains("x-flag") && schema["x-flag"].is_string())
        text = "--" + schema["x-flag"].get<std::string>() + " ";
    if (schema.is_object() && schema.contains("x-env") && schema["x-env"].is_string())
        text += schema["x-env"].get<std::string>() + " ";
    return text + variable_for(score, path);
}

Outcome<ExitCode> show(Application& application, const ParsedArguments& arguments) {
    auto unit = application.contributions().score(*arguments.text("name"));
    if (!unit) return tl::unexpected(unit.error());
    const auto& manifest = unit->manifest;
    const json document = {{"name", manifest.name},
                           {"summary", manifest.summary},
                           {"plugin", unit->entry->plugin.id},
                           {"version", unit->entry->plugin.version},
                           {"requires", manifest.requirements},
                           {"optional", manifest.optional},
                           {"after", manifest.after},
                           {"overlaps", manifest.overlaps},
                           {"verbs", manifest.verbs},
                           {"destructive", manifest.destructive},
                           {"renders", manifest.renders},
                           {"parameters", unit->schema}};
    if (application.print_json("score/1", {{"score", document}})) return ExitCode::Ok;
    auto& out = application.streams().out;
    const auto& style = application.out_style();
    out << style.bold(manifest.name) << ": " << printable(manifest.summary) << "\n"
        << "plugin " << unit->entry->plugin.id << " " << unit->entry->plugin.version << "\n";
    for (const auto& group : manifest.requirements) {
        std::string text;
        for (const auto& capability : group)
            text += (text.empty() ? "" : " or ") + capability;
        out << "requires " << text << "\n";
    }
    for (const auto& name : manifest.after)
        out << "goes after " << name << (manifest.overlaps ? ", without waiting for its smoke test" : "")
            << "\n";
    for (const auto& format : manifest.renders)
        out << "can be written as " << printable(format) << "\n";
    const Schema schema(unit->schema);
    Table table({"PARAMETER", "TYPE", "DEFAULT", "DESCRIPTION", "ALSO SET BY"});
    for (const auto& path : schema.declared()) {
        const json& field = *schema.at(path);
        const bool has_default = field.is_object() && field.contains("default") && !schema.sensitive(path);
        table.add({path.text(), type_text(field), has_default ? field["default"].dump() : "",
                   field.is_object() ? field.value("description", "") : "",
                   marks_text(manifest.name, path, field)});
    }
    out << "\n";
    table.print(out, style);
    return ExitCode::Ok;
}

}  // namespace

std::vector<CommandSpec> scores_commands() {
    CommandSpec listing;
    listing.path = {"scores", "list"};
    listing.summary = "List the Scores that plugins contribute";
    listing.examples = {{"harmony scores list", ""}};
    listing.run = list;
    CommandSpec showing;
    showing.path = {"scores", "show"};
    showing.summary = "Show a Score's parameters and what it requires";
    showing.arguments = {{.name = "name",
                          .summary = "a Score",
                          .value_name = "NAME",
                          .positional = true,
                          .required = true,
                          .completes = Completes::Scores}};
    showing.examples = {{"harmony scores show FleetNatsScore", ""}};
    showing.run = show;
    return {listing, showing};
}

}  // namespace harmony::host
