// The context of its own that a scenario works in, beside the user's: made when the scenario begins, taken
// away when it ends, also when it failed or was interrupted. What a killed run has left is found by its
// folder.
#pragma once

#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "host/cli/application.hpp"
#include "host/engine/context_lock.hpp"
#include "host/engine/run.hpp"

namespace harmony::host {

// A context of an earlier scenario that is still there.
struct ScenarioLeftover {
    std::string context;
    std::string scenario;
    bool kept = false;     // on purpose: it is among the user's contexts
    bool running = false;  // its scenario still runs, in another process
};

[[nodiscard]] Outcome<std::vector<ScenarioLeftover>> scenario_leftovers(const Application& application);

// Borrows application and observer.
class ScenarioContext {
 public:
    // A fresh one on the Topology of `base`. Nothing is written yet.
    [[nodiscard]] static Outcome<std::unique_ptr<ScenarioContext>> open(Application& application,
                                                                        const Context& base,
                                                                        const std::string& scenario,
                                                                        RunObserver& observer);
    // That of an earlier scenario, to take it away. Code run.locked while that scenario runs.
    [[nodiscard]] static Outcome<std::unique_ptr<ScenarioContext>> adopt(Application& application,
                                                                         const std::string& name,
                                                                         RunObserver& observer);

    [[nodiscard]] const std::string& name() const { return workspace_.options().context.name; }
    [[nodiscard]] Workspace& workspace() { return workspace_; }

    // Notes on disk that it is there, and is in use for as long as this object lives.
    [[nodiscard]] Outcome<void> begin();
    // host.score of the scenario (plugin-api/spec/methods.md).
    [[nodiscard]] tl::expected<nlohmann::json, Diagnostic> serve(const nlohmann::json& params);
    // Leaves it to the user, as a context of theirs.
    [[nodiscard]] Outcome<void> keep();
    // Destroys every Score with its data, last first, and removes the state folder. What cannot be destroyed
    // stays, to be found by the next run.
    [[nodiscard]] Outcome<void> clean();

 private:
    ScenarioContext(Application& application, Workspace workspace, std::string scenario,
                    RunObserver& observer)
        : application_(application),
          workspace_(std::move(workspace)),
          scenario_(std::move(scenario)),
          observer_(observer) {}

    [[nodiscard]] Outcome<std::size_t> run_score(const nlohmann::json& params);
    [[nodiscard]] Outcome<ScoreTask> task(const std::string& score, const nlohmann::json& settings);
    [[nodiscard]] Outcome<std::vector<ScoreTask>> removal_tasks();
    [[nodiscard]] Outcome<void> forget();

    Application& application_;
    Workspace workspace_;
    std::string scenario_;
    RunObserver& observer_;
    std::optional<ContextLock> lock_;
    std::map<std::string, nlohmann::json> settings_;  // as given, with secrets, which records leave out
};

// Takes away what an earlier scenario has left, and tells how it goes. Exit code Interrupted after Ctrl-C.
[[nodiscard]] Outcome<void> take_away(Application& application, const std::string& context);

}  // namespace harmony::host
