#include "host/commands/scenario_context.hpp"

#include <algorithm>
#include <filesystem>

#include "host/commands/score_runs.hpp"
#include "host/config/files.hpp"
#include "host/engine/selection.hpp"
#include "host/output/progress.hpp"

namespace harmony::host {
namespace {

using nlohmann::json;

constexpr const char* kPrefix = "e2e-";

// Beside the lock and the journal that every context has.
std::string scenario_folder(const std::string& state_folder) {
    return state_folder + "/scenario";
}

std::string scenario_file(const std::string& state_folder) {
    return scenario_folder(state_folder) + "/context.json";
}

struct Noted {
    Context context;
    std::string scenario;
};

std::optional<Noted> read_note(const Application& application, const std::string& name) {
    const auto text = read_file(scenario_file(application.paths().context_state(name)));
    if (!text || !*text) return std::nullopt;
    try {
        const json note = json::parse(**text);
        return Noted{{name, note.at("topology").get<std::string>(), note.at("settings")},
                     note.at("scenario").get<std::string>()};
    } catch (const json::exception&) {
        return std::nullopt;
    }
}

Outcome<Workspace> open_workspace(Application& application, const Context& context, RunObserver& observer) {
    return application.workspace(context, new_run_id(), &observer);
}

}  // namespace

Outcome<std::vector<ScenarioLeftover>> scenario_leftovers(const Application& application) {
    const auto contexts = application.contexts();
    if (!contexts) return tl::unexpected(contexts.error());
    std::vector<ScenarioLeftover> found;
    std::error_code absent;
    const std::filesystem::path all(application.paths().context_state(""));
    for (std::filesystem::directory_iterator entry(all, absent), end; entry != end; entry.increment(absent)) {
        const std::string name = entry->path().filename().string();
        if (!name.starts_with(kPrefix)) continue;
        const auto note = read_note(application, name);
        if (!note) continue;  // a context that a user has called so
        const std::string folder = application.paths().context_state(name);
        found.push_back({name, note->scenario, contexts->find(name).has_value(),
                         ContextLock::held(scenario_folder(folder))});
    }
    std::ranges::sort(found, {}, &ScenarioLeftover::context);
    return found;
}

Outcome<std::unique_ptr<ScenarioContext>> ScenarioContext::open(Application& application, const Context& base,
                                                                const std::string& scenario,
                                                                RunObserver& observer) {
    Context context = base;
    const std::string id = new_run_id();
    context.name = kPrefix + id.substr(id.size() - 8);
    auto workspace = open_workspace(application, context, observer);
    if (!workspace) return tl::unexpected(workspace.error());
    return std::unique_ptr<ScenarioContext>(
        new ScenarioContext(application, std::move(*workspace), scenario, observer));
}

Outcome<std::unique_ptr<ScenarioContext>> ScenarioContext::adopt(Application& application,
                                                                 const std::string& name,
                                                                 RunObserver& observer) {
    const auto note = read_note(application, name);
    if (!note) return usage_problem("usage.unknown-context", "there is no scenario's context " + name);
    auto workspace = open_workspace(application, note->context, observer);
    if (!workspace) return tl::unexpected(workspace.error());
    std::unique_ptr<ScenarioContext> context(
        new ScenarioContext(application, std::move(*workspace), note->scenario, observer));
    auto lock =
        ContextLock::acquire(scenario_folder(context->workspace_.options().state_folder), "e2e clean");
    if (!lock) return tl::unexpected(lock.error());
    context->lock_.emplace(std::move(*lock));
    return context;
}

Outcome<void> ScenarioContext::begin() {
    const auto& options = workspace_.options();
    auto lock = ContextLock::acquire(scenario_folder(options.state_folder), "e2e run " + scenario_);
    if (!lock) return tl::unexpected(lock.error());
    lock_.emplace(std::move(*lock));
    const json note = {{"scenario", scenario_},
                       {"topology", options.context.topology},
                       {"settings", options.context.settings}};
    return write_file(scenario_file(options.state_folder), note.dump() + "\n");
}

tl::expected<json, Diagnostic> ScenarioContext::serve(const json& params) {
    auto done = run_score(params);
    if (!done) return tl::unexpected(done.error().diagnostic);
    return json{{"steps", *done}};
}

Outcome<ScoreTask> ScenarioContext::task(const std::string& score, const json& settings) {
    auto unit = application_.contributions().score(score);
    if (!unit) return tl::unexpected(unit.error());
    ParameterInputs inputs;
    inputs.recorded = &settings;
    inputs.recorded_first = true;
    auto parameters = resolve_parameters(score, unit->schema, inputs);
    if (!parameters) return tl::unexpected(parameters.error());
    ScoreTask task;
    task.name = score;
    task.unit = std::move(*unit);
    task.parameters = std::move(*parameters);
    return task;
}

Outcome<std::size_t> ScenarioContext::run_score(const json& params) {
    const auto name = params.find("name");
    if (name == params.end() || !name->is_string())
        return usage_problem("usage.unknown-score", "a scenario named no Score to apply or destroy");
    const std::string score = *name;
    const json settings = params.contains("settings") ? params["settings"] : json::object();
    const bool apply = !params.contains("purpose") || params["purpose"] == "apply";
    auto made = task(score, settings);
    if (!made) return tl::unexpected(made.error());
    if (apply) settings_[score] = settings;
    std::vector<ScoreTask> tasks;
    tasks.push_back(std::move(*made));
    Run run(workspace_, {apply ? Purpose::Apply : Purpose::Destroy, true, true}, observer_);
    if (auto planned = run.plan(tasks); !planned) return tl::unexpected(planned.error());
    // Each call is a run with a journal of its own.
    auto results = carry_out(workspace_, run, tasks, "e2e", new_run_id());
    if (!results) return tl::unexpected(results.error());
    const auto& result = results->front();
    if (result.good()) return result.steps_done;
    return stop(ExitCode::Failed,
                result.reason.value_or(diagnostic("run.failed", score + " " + result.outcome)));
}

Outcome<void> ScenarioContext::keep() {
    auto contexts = application_.contexts();
    if (!contexts) return tl::unexpected(contexts.error());
    if (auto created = contexts->create(workspace_.options().context); !created) return created;
    return contexts->save(application_.paths().contexts_file());
}

Outcome<std::vector<ScoreTask>> ScenarioContext::removal_tasks() {
    const auto records = Records(workspace_.options().state_folder).all();
    if (!records) return tl::unexpected(records.error());
    std::map<std::string, ScoreTask> by_name;
    std::map<std::string, std::vector<std::string>> after;
    std::vector<std::string> names;
    for (const auto& [name, record] : *records) {
        const auto given = settings_.find(name);
        auto made = task(name, given != settings_.end() ? given->second : record.settings);
        if (!made) return tl::unexpected(made.error());
        after[name] = made->unit.manifest.after;
        names.push_back(name);
        by_name[name] = std::move(*made);
    }
    auto order = order_scores(names, after);
    if (!order) return tl::unexpected(order.error());
    std::ranges::reverse(*order);
    std::vector<ScoreTask> tasks;
    for (const auto& name : *order)
        tasks.push_back(std::move(by_name[name]));
    return tasks;
}

Outcome<void> ScenarioContext::clean() {
    auto tasks = removal_tasks();
    if (!tasks) return tl::unexpected(tasks.error());
    if (!tasks->empty()) {
        Run run(workspace_, {Purpose::Destroy, true, true}, observer_);
        if (auto planned = run.plan(*tasks); !planned) return tl::unexpected(planned.error());
        auto results = carry_out(workspace_, run, *tasks, "e2e", new_run_id());
        if (!results) return tl::unexpected(results.error());
        for (const auto& result : *results) {
            if (!result.good())
                return stop(ExitCode::Failed, result.reason.value_or(diagnostic(
                                                  "run.failed", result.name + " " + result.outcome)));
        }
    }
    if (auto released = workspace_.release(); !released) return released;
    return forget();
}

Outcome<void> ScenarioContext::forget() {
    auto contexts = application_.contexts();
    if (!contexts) return tl::unexpected(contexts.error());
    if (contexts->find(name())) {
        if (auto removed = contexts->remove(name()); !removed) return removed;
        if (auto saved = contexts->save(application_.paths().contexts_file()); !saved) return saved;
    }
    std::error_code problem;
    std::filesystem::remove_all(workspace_.options().state_folder, problem);
    if (problem)
        return failure("host.io",
                       "cannot remove " + workspace_.options().state_folder + ": " + problem.message());
    return {};
}

Outcome<void> take_away(Application& application, const std::string& context) {
    ScenarioProgress progress(application.streams(), application.err_style(), application.verbose());
    auto adopted = ScenarioContext::adopt(application, context, progress);
    if (!adopted) return tl::unexpected(adopted.error());
    auto cleaned = (*adopted)->clean();
    if (!cleaned && (*adopted)->workspace().pool().interrupted())
        cleaned.error().exit = ExitCode::Interrupted;
    return cleaned;
}

}  // namespace harmony::host
