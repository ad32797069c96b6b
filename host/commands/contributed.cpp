#include <istream>
#include <iterator>
#include <ostream>

#include "host/cli/application.hpp"
#include "host/commands/command_output.hpp"
#include "host/commands/registry.hpp"
#include "host/config/files.hpp"
#include "host/output/progress.hpp"
#include "host/output/table.hpp"

namespace harmony::host {
namespace {

using nlohmann::json;

ArgumentKind kind_of(const std::string& kind) {
    if (kind == "integer") return ArgumentKind::Integer;
    if (kind == "number") return ArgumentKind::Number;
    if (kind == "boolean") return ArgumentKind::Boolean;
    if (kind == "file") return ArgumentKind::File;
    return ArgumentKind::Text;
}

ArgumentSpec spec_of(const CommandArgument& argument) {
    ArgumentSpec spec;
    spec.name = argument.name;
    spec.kind = kind_of(argument.kind);
    spec.summary = argument.summary;
    spec.positional = argument.positional;
    spec.required = argument.required;
    spec.repeated = argument.repeated;
    spec.short_name = argument.short_name.empty() ? '\0' : argument.short_name.front();
    spec.values = argument.values;
    if (spec.kind == ArgumentKind::File) {
        spec.value_name = "FILE";
        spec.completes = Completes::Files;
    }
    if (spec.positional) {
        spec.value_name = argument.name;
        for (auto& c : spec.value_name)
            if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    }
    if (!argument.default_value.empty()) spec.summary += " (default " + argument.default_value + ")";
    return spec;
}

Outcome<json> value_of(Application& application, const ArgumentSpec& spec, const std::string& text) {
    switch (spec.kind) {
        case ArgumentKind::Integer:
        case ArgumentKind::Number:
            return json::parse(text);
        case ArgumentKind::Boolean:
            return json(text == "true");
        case ArgumentKind::File: {
            if (text == "-")
                return json{
                    {"path", "-"},
                    {"content", std::string(std::istreambuf_iterator<char>(application.streams().in), {})}};
            auto content = read_file(text);
            if (!content) return tl::unexpected(content.error());
            if (!*content) return usage_problem("usage.no-file", "there is no file " + text);
            return json{{"path", text}, {"content", **content}};
        }
        case ArgumentKind::Text:
            break;
    }
    return json(text);
}

Outcome<json> arguments_json(Application& application, const CommandManifest& manifest,
                             const ParsedArguments& parsed) {
    json values = json::object();
    for (const auto& argument : manifest.arguments) {
        const ArgumentSpec spec = spec_of(argument);
        const auto& texts = parsed.list(argument.name);
        if (texts.empty()) {
            const json fallback = json::parse(argument.default_value, nullptr, false);
            if (!fallback.is_discarded()) values[argument.name] = fallback;
            continue;
        }
        if (!argument.repeated) {
            auto value = value_of(application, spec, texts.back());
            if (!value) return tl::unexpected(value.error());
            values[argument.name] = std::move(*value);
            continue;
        }
        values[argument.name] = json::array();
        for (const auto& text : texts) {
            auto value = value_of(application, spec, text);
            if (!value) return tl::unexpected(value.error());
            values[argument.name].push_back(std::move(*value));
        }
    }
    return values;
}

std::string cell(const json& value) {
    if (value.is_null()) return "";
    return value.is_string() ? value.get<std::string>() : value.dump();
}

void print_tables(Application& application, const json& tables) {
    auto& out = application.streams().out;
    for (const auto& document : tables) {
        if (!document.is_object() || !document.contains("columns") || !document["columns"].is_array())
            continue;
        if (document.contains("title") && document["title"].is_string())
            out << application.out_style().bold(printable(document["title"].get<std::string>())) << "\n";
        std::vector<std::string> titles;
        std::vector<std::string> keys;
        for (const auto& column : document["columns"]) {
            if (!column.is_object()) continue;
            keys.push_back(cell(column.value("key", json())));
            titles.push_back(cell(column.value("title", json(keys.back()))));
        }
        Table table(titles);
        if (document.contains("rows") && document["rows"].is_array()) {
            for (const auto& row : document["rows"]) {
                std::vector<std::string> cells;
                for (const auto& key : keys)
                    cells.push_back(row.contains(key) ? cell(row[key]) : "");
                table.add(std::move(cells));
            }
        }
        table.print(out, application.out_style());
    }
}

// A command may stand for another program, and then ends as that does.
ExitCode exit_code_of(const json& answer, bool failed) {
    const auto code = answer.find("exit_code");
    if (code != answer.end() && code->is_number_integer()) {
        const auto value = code->get<std::int64_t>();
        if (value >= 0 && value < 256) return static_cast<ExitCode>(value);
    }
    return failed ? ExitCode::Failed : ExitCode::Ok;
}

Outcome<json> invoke_command(Application& application, Workspace& workspace, const Instance& instance,
                             const json& values, CommandOutput& output) {
    auto& pool = workspace.pool();
    pool.serve_output([&](const json& params) { return output.serve(params); });
    auto answer = pool.invoke(instance, "command.run",
                              {{"arguments", values}, {"interactive", application.interactive()}});
    pool.serve_output({});
    if (answer) return answer;
    Problem problem = answer.error();
    const bool tried = problem.exit == ExitCode::Failed || problem.exit == ExitCode::Usage;
    if (tried && problem.diagnostic.exit_code > 0) {
        problem.exit = static_cast<ExitCode>(problem.diagnostic.exit_code);
    }
    return tl::unexpected(std::move(problem));
}

Outcome<ExitCode> run_contributed(Application& application, const CommandUnit& unit, const std::string& name,
                                  const ParsedArguments& parsed) {
    auto values = arguments_json(application, unit.manifest, parsed);
    if (!values) return tl::unexpected(values.error());
    auto composition = load_composition(std::nullopt);
    if (!composition) return tl::unexpected(composition.error());
    auto context = application.context(*composition);
    if (!context) return tl::unexpected(context.error());
    Progress progress(application.streams(), application.err_style(), application.verbose());
    auto workspace = application.workspace(context->context, {}, &progress);
    if (!workspace) return tl::unexpected(workspace.error());
    auto met = workspace->check_requirements("harmony " + name, unit.manifest.requirements);
    if (!met) return tl::unexpected(met.error());
    auto instance = workspace->create(*unit.entry, "command", name, json::object(),
                                      unit.manifest.requirements, unit.manifest.optional);
    if (!instance) return tl::unexpected(instance.error());
    if (unit.manifest.streams && !parsed.has("timeout")) workspace->pool().set_timeout({});
    CommandOutput output(application, name, unit.manifest.streams);
    auto answer = invoke_command(application, *workspace, *instance, *values, output);
    if (!answer) return tl::unexpected(answer.error());
    const bool failed = answer->contains("failed") && (*answer)["failed"] == true;
    const json data = answer->contains("data") ? (*answer)["data"] : json();
    if (output.finish({{"data", data}, {"failed", failed}})) return exit_code_of(*answer, failed);
    if (!application.print_json("command/1", {{"command", name}, {"data", data}, {"failed", failed}})) {
        if (answer->contains("tables") && (*answer)["tables"].is_array())
            print_tables(application, (*answer)["tables"]);
        if (answer->contains("text") && (*answer)["text"].is_string()) {
            std::string text = printable((*answer)["text"].get<std::string>());
            if (!text.empty() && text.back() != '\n') text += "\n";
            application.streams().out << text;
        }
    }
    return exit_code_of(*answer, failed);
}

}  // namespace

std::vector<CommandSpec> contributed_commands(Application& application) {
    std::vector<CommandSpec> commands;
    for (const auto& entry : application.catalog().entries()) {
        if (!entry.usable()) continue;
        for (const auto& summary : entry.plugin.commands) {
            CommandSpec command;
            command.path = summary.path;
            command.summary = summary.summary;
            commands.push_back(std::move(command));
        }
    }
    return commands;
}

Outcome<CommandSpec> contributed_command(Application& application, const std::string& name) {
    auto unit = application.contributions().command(name);
    if (!unit) return tl::unexpected(unit.error());
    CommandSpec command;
    command.path = unit->manifest.path;
    command.summary = unit->manifest.summary;
    command.description = unit->manifest.description;
    for (const auto& example : unit->manifest.examples)
        command.examples.push_back({example.command, example.explanation});
    for (const auto& argument : unit->manifest.arguments)
        command.arguments.push_back(spec_of(argument));
    command.run = [unit = std::move(*unit), name](Application& app, const ParsedArguments& parsed) {
        return run_contributed(app, unit, name, parsed);
    };
    return command;
}

}  // namespace harmony::host
