#include <algorithm>
#include <ostream>

#include "host/commands/registry.hpp"
#include "host/commands/score_runs.hpp"
#include "host/output/table.hpp"

namespace harmony::host {
namespace {

using nlohmann::json;

struct Row {
    ValuePath path;
    json value;
};

void leaves(const json& value, const ValuePath& path, std::vector<Row>& rows) {
    if (value.is_object() && !value.empty()) {
        for (const auto& [name, member] : value.items())
            leaves(member, path.child(name), rows);
    } else if (value.is_array() && !value.empty()) {
        for (std::size_t i = 0; i < value.size(); ++i)
            leaves(value[i], path.child(i), rows);
    } else {
        rows.push_back({path, value});
    }
}

Outcome<ExitCode> explain(Application& application, const ParsedArguments& arguments) {
    const std::string name = *arguments.text("score");
    auto unit = application.contributions().score(name);
    if (!unit) return tl::unexpected(unit.error());
    ParsedArguments selection = arguments;
    selection.put("filter", {name});
    auto preparation = prepare_scores(application, selection, Purpose::Apply);
    if (!preparation) return tl::unexpected(preparation.error());
    const auto& parameters = preparation->tasks.front().parameters;
    std::vector<Row> rows;
    leaves(Schema(unit->schema).masked(parameters.settings), {}, rows);
    json fields = json::array();
    Table table({"PARAMETER", "VALUE", "SOURCE"});
    for (const auto& row : rows) {
        if (row.path.empty()) continue;
        const std::string source = parameters.origin(row.path);
        table.add({row.path.text(), row.value.is_string() ? row.value.get<std::string>() : row.value.dump(),
                   source});
        fields.push_back({{"path", row.path.text()}, {"value", row.value}, {"source", source}});
    }
    if (!application.print_json("config-explain/1", {{"score", name}, {"parameters", fields}}))
        table.print(application.streams().out, application.out_style());
    return ExitCode::Ok;
}

}  // namespace

CommandSpec config_explain_command() {
    CommandSpec command;
    command.path = {"config", "explain"};
    command.summary = "Show each parameter of a Score, and where its value comes from";
    command.arguments = {{.name = "score",
                          .summary = "a Score",
                          .value_name = "SCORE",
                          .positional = true,
                          .required = true,
                          .completes = Completes::Scores}};
    for (auto& argument : selection_arguments())
        if (argument.name == "file" || argument.name == "set") command.arguments.push_back(argument);
    command.examples = {{"harmony config explain FleetNatsScore", ""}};
    command.run = explain;
    command.extend = [](Application& application, const ParsedArguments& arguments) {
        ParsedArguments selection = arguments;
        if (const auto name = arguments.text("score")) selection.put("filter", {*name});
        return score_flags(application, selection);
    };
    return command;
}

}  // namespace harmony::host
