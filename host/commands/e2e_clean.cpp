#include <algorithm>
#include <ostream>

#include "host/cli/application.hpp"
#include "host/commands/registry.hpp"
#include "host/commands/scenario_context.hpp"
#include "host/config/suggestion.hpp"
#include "host/output/document.hpp"
#include "host/output/progress.hpp"

namespace harmony::host {
namespace {

using nlohmann::json;

Outcome<std::vector<std::string>> chosen(Application& application, const ParsedArguments& arguments) {
    auto leftovers = scenario_leftovers(application);
    if (!leftovers) return tl::unexpected(leftovers.error());
    std::vector<std::string> names;
    std::vector<std::string> known;
    for (const auto& leftover : *leftovers) {
        known.push_back(leftover.context);
        if (arguments.has("all") && !leftover.running) names.push_back(leftover.context);
    }
    for (const auto& name : arguments.list("name")) {
        if (std::ranges::find(known, name) == known.end())
            return usage_problem("usage.unknown-context", "no scenario has left a context \"" + name + "\"",
                                 suggestion_hint(name, known));
        if (std::ranges::find(names, name) == names.end()) names.push_back(name);
    }
    if (names.empty() && !arguments.has("all"))
        return usage_problem("usage.selection", "nothing is selected", "name contexts, or say --all");
    return names;
}

Outcome<ExitCode> clean(Application& application, const ParsedArguments& arguments) {
    const auto names = chosen(application, arguments);
    if (!names) return tl::unexpected(names.error());
    json cleaned = json::array();
    json failed = json::array();
    // One that can't be taken away keeps nothing else from going.
    for (const auto& name : *names) {
        auto done = take_away(application, name);
        if (done) {
            cleaned.push_back(name);
            continue;
        }
        auto& why = done.error().diagnostic;
        why.summary = name + ": " + why.summary;
        if (done.error().exit == ExitCode::Interrupted) return tl::unexpected(std::move(done.error()));
        print_diagnostic(application.streams().err, application.err_style(), why);
        failed.push_back({{"context", name}, {"error", diagnostic_document(why)}});
    }
    if (!application.print_json("e2e-clean/1", {{"contexts", cleaned}, {"failed", failed}})) {
        for (const auto& name : cleaned)
            application.streams().out << name.get<std::string>() << ": taken away\n";
        if (names->empty()) application.streams().out << "No scenario has left anything.\n";
    }
    return failed.empty() ? ExitCode::Ok : ExitCode::Failed;
}

}  // namespace

CommandSpec e2e_clean_command() {
    CommandSpec command;
    command.path = {"e2e", "clean"};
    command.summary = "Take away what scenarios have left, also what was kept on purpose";
    command.description =
        "A context that can't be taken away is told with its reason, and the others go all the same; the "
        "exit code is then 1.";
    command.arguments = {
        {.name = "name",
         .summary = "a context that a scenario has left",
         .value_name = "CONTEXT",
         .positional = true,
         .repeated = true},
        {.name = "all", .kind = ArgumentKind::Boolean, .summary = "all of them"},
    };
    command.examples = {{"harmony e2e clean --all", ""}};
    command.run = clean;
    return command;
}

}  // namespace harmony::host
