#include <ostream>

#include "host/cli/application.hpp"
#include "host/commands/registry.hpp"
#include "host/config/files.hpp"
#include "host/config/parameters.hpp"
#include "host/engine/records.hpp"
#include "host/output/table.hpp"

namespace harmony::host {
namespace {

using nlohmann::json;

Outcome<ExitCode> list(Application& application, const ParsedArguments&) {
    auto contexts = application.contexts();
    if (!contexts) return tl::unexpected(contexts.error());
    auto chosen = application.context(std::nullopt);
    const std::string current = chosen ? chosen->context.name : contexts->current();
    json items = json::array();
    Table table({"CURRENT", "CONTEXT", "TOPOLOGY"});
    for (const auto& context : contexts->all()) {
        table.add({context.name == current ? "*" : "", context.name, context.topology});
        items.push_back({{"name", context.name},
                         {"topology", context.topology},
                         {"settings", context.settings},
                         {"current", context.name == current}});
    }
    if (!application.print_json("context-list/1", {{"contexts", items}}))
        table.print(application.streams().out, application.out_style());
    return ExitCode::Ok;
}

Outcome<ExitCode> show(Application& application, const ParsedArguments& arguments) {
    auto contexts = application.contexts();
    if (!contexts) return tl::unexpected(contexts.error());
    const auto name = arguments.text("name");
    auto chosen = name ? contexts->find(*name).map([](Context context) {
        return ChosenContext{std::move(context), "argument"};
    })
                       : application.context(std::nullopt);
    if (!chosen) return tl::unexpected(chosen.error());
    const auto& context = chosen->context;
    const std::string folder = application.paths().context_state(context.name);
    const json document = {{"name", context.name},
                           {"topology", context.topology},
                           {"settings", context.settings},
                           {"chosen_by", chosen->source},
                           {"state", folder}};
    if (application.print_json("context/1", {{"context", document}})) return ExitCode::Ok;
    application.streams().out << "context   " << context.name << " (" << chosen->source << ")\n"
                              << "topology  " << context.topology << "\n"
                              << "settings  " << context.settings.dump() << "\n"
                              << "state     " << folder << "\n";
    return ExitCode::Ok;
}

Outcome<ExitCode> change(Application& application, const std::string& said,
                         const std::function<Outcome<void>(Contexts&)>& step) {
    auto contexts = application.contexts();
    if (!contexts) return tl::unexpected(contexts.error());
    if (auto done = step(*contexts); !done) return tl::unexpected(done.error());
    if (auto saved = contexts->save(application.paths().contexts_file()); !saved)
        return tl::unexpected(saved.error());
    if (!application.print_json("context-change/1", {{"current", contexts->current()}}))
        application.streams().out << said << "\n";
    return ExitCode::Ok;
}

Outcome<ExitCode> use(Application& application, const ParsedArguments& arguments) {
    const std::string name = *arguments.text("name");
    return change(application, "The current context is " + name + ".",
                  [&](Contexts& contexts) { return contexts.use(name); });
}

Outcome<ExitCode> create(Application& application, const ParsedArguments& arguments) {
    Context context{*arguments.text("name"), arguments.text("topology").value_or("LocalTopology"),
                    json::object()};
    auto unit = application.contributions().topology(context.topology);
    if (!unit) return tl::unexpected(unit.error());
    const Schema schema(unit->schema);
    for (const auto& text : arguments.list("set")) {
        auto assignment = parse_assignment(text, {});
        if (!assignment) return tl::unexpected(assignment.error());
        if (auto problem = schema.normalise(assignment->path))
            return usage_problem("config.unknown-parameter",
                                 context.topology + " has no setting " + assignment->path.text(),
                                 problem->hint);
        if (!put_value(context.settings, assignment->path, schema.typed(assignment->path, assignment->text)))
            return usage_problem("usage.set", "--set " + text + " leaves a gap in a list");
    }
    if (const auto problems = schema.check(context.settings); !problems.empty())
        return usage_problem("config.contexts", "settings." + problems.front().text(), problems.front().hint);
    return change(application, "Created; use it with: harmony context use " + context.name,
                  [&](Contexts& contexts) { return contexts.create(context); });
}

Outcome<ExitCode> remove(Application& application, const ParsedArguments& arguments) {
    const std::string name = *arguments.text("name");
    auto records = Records(application.paths().context_state(name)).all();
    if (!records) return tl::unexpected(records.error());
    if (!records->empty())
        return usage_problem("config.context-in-use",
                             "context " + name + " still has " + std::to_string(records->size()) +
                                 (records->size() == 1 ? " Score deployed" : " Scores deployed"),
                             "take them away first: harmony destroy --all --context " + name);
    return change(application, "Deleted.", [&](Contexts& contexts) { return contexts.remove(name); });
}

ArgumentSpec name_argument(bool required, Completes completes) {
    return {.name = "name",
            .summary = "a context",
            .value_name = "NAME",
            .positional = true,
            .required = required,
            .completes = completes};
}

}  // namespace

std::vector<CommandSpec> context_commands() {
    std::vector<CommandSpec> commands;
    auto add = [&](const char* verb, const char* summary, std::vector<ArgumentSpec> arguments,
                   const char* example, auto run) {
        CommandSpec command;
        command.path = {"context", verb};
        command.summary = summary;
        command.arguments = std::move(arguments);
        command.examples = {{example, ""}};
        command.run = run;
        commands.push_back(std::move(command));
    };
    add("list", "List the contexts", {}, "harmony context list", list);
    add("show", "Show a context; the current one when none is named",
        {name_argument(false, Completes::Contexts)}, "harmony context show local", show);
    add("use", "Make a context the current one", {name_argument(true, Completes::Contexts)},
        "harmony context use local", use);
    add("create", "Create a context",
        {name_argument(true, Completes::Nothing),
         {.name = "topology",
          .summary = "its Topology; LocalTopology when none is named",
          .value_name = "NAME",
          .completes = Completes::Topologies},
         {.name = "set",
          .summary = "a setting, as path=value; repeats",
          .value_name = "ASSIGNMENT",
          .repeated = true}},
        "harmony context create bench --topology LocalTopology", create);
    add("delete", "Forget a context with nothing deployed in it", {name_argument(true, Completes::Contexts)},
        "harmony context delete bench", remove);
    return commands;
}

}  // namespace harmony::host
