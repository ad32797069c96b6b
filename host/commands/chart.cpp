#include <ostream>

#include "host/commands/registry.hpp"
#include "host/commands/score_runs.hpp"
#include "host/engine/rendered_folder.hpp"
#include "host/engine/rendering.hpp"
#include "host/output/progress.hpp"
#include "host/output/table.hpp"

namespace harmony::host {
namespace {

using nlohmann::json;

constexpr const char* kHelmChart = "helm-chart/1";
constexpr const char* kInto = "into";

bool can_chart(const ScoreUnit& unit) {
    return std::ranges::find(unit.manifest.renders, kHelmChart) != unit.manifest.renders.end();
}

Outcome<void> check_chart(Application& application, const ScoreUnit& unit) {
    if (can_chart(unit)) return {};
    std::string able;
    for (const auto& name : application.contributions().score_names()) {
        auto other = application.contributions().score(name);
        if (other && can_chart(*other)) able += (able.empty() ? "" : ", ") + name;
    }
    return usage_problem("usage.no-chart", unit.manifest.name + " can't be written as a chart",
                         able.empty() ? "no Score that is installed can" : "these can: " + able);
}

// An instance without a topology: it can reach nothing.
Outcome<std::vector<RenderedFile>> render(Application& application, const ScoreTask& task,
                                          PoolListener* listener) {
    PluginPool& pool = application.pool(listener);
    const json session = {{"context", ""},
                          {"run_id", ""},
                          {"state_dir", ""},
                          {"program_dirs", json::array()},
                          {"capabilities", json::array()}};
    auto instance = pool.create({task.unit.entry,
                                 "score",
                                 task.name,
                                 Schema(task.unit.schema).without_secrets(task.parameters.settings),
                                 session,
                                 {}});
    if (!instance) return tl::unexpected(instance.error());
    if (auto valid = pool.invoke(*instance, "score.validate", json::object()); !valid)
        return tl::unexpected(valid.error());
    auto answer = pool.invoke(*instance, "score.render", {{"format", kHelmChart}});
    if (!answer) return tl::unexpected(answer.error());
    return parse_rendering(task.unit.entry->plugin.id, *answer);
}

const char* name_of(FileChange change) {
    switch (change) {
        case FileChange::Created:
            return "created";
        case FileChange::Updated:
            return "updated";
        case FileChange::Unchanged:
            return "unchanged";
        case FileChange::Removed:
            return "removed";
    }
    return "";
}

ExitCode report(Application& application, const ScoreTask& task, const std::string& folder,
                const std::vector<FileOutcome>& files) {
    json list = json::array();
    Table table({"FILE", "CHANGE"});
    for (const auto& file : files) {
        table.add({file.path, name_of(file.change)});
        list.push_back({{"path", file.path}, {"change", name_of(file.change)}});
    }
    if (application.print_json("chart/1", {{"score", task.name}, {"folder", folder}, {"files", list}}))
        return ExitCode::Ok;
    table.print(application.streams().out, application.out_style());
    return ExitCode::Ok;
}

Outcome<ExitCode> chart(Application& application, const ParsedArguments& arguments) {
    const std::string name = *arguments.text("score");
    auto unit = application.contributions().score(name);
    if (!unit) return tl::unexpected(unit.error());
    if (auto able = check_chart(application, *unit); !able) return tl::unexpected(able.error());
    ParsedArguments selection = arguments;
    selection.put("filter", {name});
    auto preparation = prepare_scores(application, selection, Purpose::Apply);
    if (!preparation) return tl::unexpected(preparation.error());
    const ScoreTask& task = preparation->tasks.front();
    Progress progress(application.streams(), application.err_style(), application.verbose());
    auto files = render(application, task, &progress);
    if (!files) return tl::unexpected(files.error());
    const std::string folder = *arguments.text(kInto);
    if (folder.empty()) return usage_problem("usage.argument", "--into: found \"\", expected a folder");
    auto written = write_rendering(folder, name, *files);
    if (!written) return tl::unexpected(written.error());
    return report(application, task, folder, *written);
}

}  // namespace

CommandSpec chart_command() {
    CommandSpec command;
    command.path = {"chart"};
    command.summary = "Write a Score as a Helm chart, for those who deploy by GitOps";
    command.description =
        "Writes the objects that apply would apply as the templates of a chart, with the Score's parameters "
        "as "
        "its\n"
        "values. What is given here becomes a default of the chart. Nothing is deployed, no cluster is "
        "asked, "
        "and no\n"
        "secret is written: the chart's own README says which Secret it expects. Files that harmony did not "
        "write, or\n"
        "that were changed since, are never overwritten.";
    command.arguments = {{.name = "score",
                          .summary = "a Score that can be written as a chart",
                          .value_name = "SCORE",
                          .positional = true,
                          .required = true,
                          .completes = Completes::Scores},
                         {.name = kInto,
                          .summary = "the folder of the chart; made when it is missing",
                          .value_name = "DIR",
                          .required = true,
                          .short_name = 'o',
                          .completes = Completes::Files}};
    for (auto& argument : selection_arguments())
        if (argument.name == "file" || argument.name == "set") command.arguments.push_back(argument);
    command.examples = {
        {"harmony chart FleetOperatorScore -o deploy/fleet-operator", "a chart in a folder of its own"},
        {"harmony chart FleetOperatorScore -o deploy/fleet-operator --set replicas=2",
         "with another default; the same folder again after an update of Harmony"},
        {"harmony chart FleetOperatorScore -o deploy/fleet-operator --output json",
         "which files it has, for a program"},
    };
    command.run = chart;
    command.extend = [](Application& application, const ParsedArguments& arguments) {
        ParsedArguments selection = arguments;
        if (const auto name = arguments.text("score")) selection.put("filter", {*name});
        return score_flags(application, selection);
    };
    return command;
}

}  // namespace harmony::host
