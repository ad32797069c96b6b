#include <ostream>

#include "host/cli/application.hpp"
#include "host/commands/registry.hpp"
#include "host/output/table.hpp"

namespace harmony::host {
namespace {

using nlohmann::json;

Outcome<ExitCode> list(Application& application, const ParsedArguments&) {
    json topologies = json::array();
    Table table({"TOPOLOGY", "PLUGIN", "VERSION", "SUMMARY"});
    for (const auto& entry : application.catalog().entries()) {
        if (!entry.usable()) continue;
        for (const auto& topology : entry.plugin.topologies) {
            table.add({topology.name, entry.plugin.id, entry.plugin.version, topology.summary});
            topologies.push_back({{"name", topology.name},
                                  {"summary", topology.summary},
                                  {"plugin", entry.plugin.id},
                                  {"version", entry.plugin.version}});
        }
    }
    application.warn_about_plugins();
    application.catalog().save_index();
    if (application.print_json("topologies-list/1", {{"topologies", topologies}})) return ExitCode::Ok;
    table.print(application.streams().out, application.out_style());
    return ExitCode::Ok;
}

Outcome<ExitCode> show(Application& application, const ParsedArguments& arguments) {
    auto unit = application.contributions().topology(*arguments.text("name"));
    if (!unit) return tl::unexpected(unit.error());
    const auto& manifest = unit->manifest;
    const json document = {{"name", manifest.name},
                           {"summary", manifest.summary},
                           {"plugin", unit->entry->plugin.id},
                           {"offers", manifest.offers},
                           {"settings", unit->schema}};
    if (application.print_json("topology/1", {{"topology", document}})) return ExitCode::Ok;
    auto& out = application.streams().out;
    out << application.out_style().bold(manifest.name) << ": " << printable(manifest.summary) << "\n"
        << "plugin " << unit->entry->plugin.id << " " << unit->entry->plugin.version << "\n";
    for (const auto& capability : manifest.offers)
        out << "offers " << capability << "\n";
    Table table({"SETTING", "DEFAULT", "DESCRIPTION"});
    const Schema schema(unit->schema);
    for (const auto& path : schema.declared()) {
        const json& field = *schema.at(path);
        const bool has_default = field.is_object() && field.contains("default") && !schema.sensitive(path);
        table.add({path.text(), has_default ? field["default"].dump() : "",
                   field.is_object() ? field.value("description", "") : ""});
    }
    if (!table.empty()) table.print(out, application.out_style());
    return ExitCode::Ok;
}

}  // namespace

std::vector<CommandSpec> topologies_commands() {
    CommandSpec listing;
    listing.path = {"topologies", "list"};
    listing.summary = "List the Topologies that plugins contribute";
    listing.examples = {{"harmony topologies list", ""}};
    listing.run = list;
    CommandSpec showing;
    showing.path = {"topologies", "show"};
    showing.summary = "Show what a Topology offers and its settings";
    showing.arguments = {{.name = "name",
                          .summary = "a Topology",
                          .value_name = "NAME",
                          .positional = true,
                          .required = true,
                          .completes = Completes::Topologies}};
    showing.examples = {{"harmony topologies show LocalTopology", ""}};
    showing.run = show;
    return {listing, showing};
}

}  // namespace harmony::host
