// Planning and carrying out: what apply, destroy and scenarios share.
//
// Planning has no side effect. Carrying out needs the context's lock, journals each step, and keeps a record
// of each Score. A Score that fails does not stop those that do not come after it. A Score's smoke test
// follows its steps; where the next one overlaps with it, the next one's steps come first.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "host/config/parameters.hpp"
#include "host/engine/journal.hpp"
#include "host/engine/plan.hpp"
#include "host/engine/records.hpp"
#include "host/engine/workspace.hpp"

namespace harmony::host {

enum class Purpose { Apply, Destroy };

// One Score of a run.
struct ScoreTask {
    std::string name;
    ScoreUnit unit;
    ResolvedParameters parameters;
    Instance instance;
    ScorePlan plan;
    std::optional<Problem> problem;  // planning it failed
};

struct ScoreResult {
    std::string name;
    std::string outcome;  // ok, unchanged, destroyed, failed, unverified, skipped, interrupted
    std::optional<Diagnostic> reason;
    std::size_t steps_done = 0;
    bool started = false;  // something of it may exist now
    nlohmann::json objects = nlohmann::json::array();
    std::vector<Check> checks;

    [[nodiscard]] bool good() const {
        return outcome == "ok" || outcome == "unchanged" || outcome == "destroyed";
    }
};

// Told what happens, while it happens.
class RunObserver : public PoolListener {
 public:
    virtual void score_started(const std::string& score, std::size_t steps) = 0;
    virtual void step_started(const std::string& score, const Step& step) = 0;
    virtual void step_finished(const std::string& score, const Step& step, const Diagnostic* failed) = 0;
    virtual void verify_started(const std::string& score) = 0;
    virtual void score_finished(const ScoreResult& result) = 0;
};

struct RunOptions {
    Purpose purpose = Purpose::Apply;
    bool delete_data = false;
    bool accept_new_steps = false;  // --yes: steps that planning again reveals need no second look
};

class Run {
 public:
    Run(Workspace& workspace, RunOptions options, RunObserver& observer)
        : workspace_(workspace), options_(options), observer_(observer) {}

    // Creates, validates and plans each task in order. A wrong parameter or requirement ends it; a plugin
    // that fails otherwise is its task's problem.
    [[nodiscard]] Outcome<void> plan(std::vector<ScoreTask>& tasks);

    // Called with the context's lock held, before this run's journal begins: was there another run since the
    // plans were made?
    void compare_runs();

    // Plans each task again and carries it out. Where no plan had a step nobody was asked meanwhile, so
    // without another run those plans are new enough. The caller holds the lock and has prepared the
    // topology.
    [[nodiscard]] Outcome<std::vector<ScoreResult>> carry_out(std::vector<ScoreTask>& tasks, Journal& journal,
                                                              const Records& records);

 private:
    [[nodiscard]] Outcome<void> plan_one(ScoreTask& task, const std::vector<std::string>& pending);
    [[nodiscard]] Outcome<ScorePlan> ask_plan(ScoreTask& task, const std::vector<std::string>& pending);
    // Its steps, unless something speaks against it. A good result is one that settle() has yet to test.
    void start(const std::vector<ScoreTask>& tasks, ScoreTask& task, ScoreResult& result);
    void carry_out_steps(ScoreTask& task, ScoreResult& result);
    // Smoke test, what exists, record.
    void settle(const std::vector<ScoreTask>& tasks, ScoreTask& task, ScoreResult& result);
    // The Score that keeps this one from going on, with what became of it: "BaseScore failed".
    [[nodiscard]] std::string blocker(const std::vector<ScoreTask>& tasks, const ScoreTask& task) const;
    [[nodiscard]] bool may_carry_out(const ScoreTask& task, const ScorePlan& fresh,
                                     ScoreResult& result) const;
    [[nodiscard]] bool carry_out_step(ScoreTask& task, const Step& step, ScoreResult& result);
    void verify(ScoreTask& task, ScoreResult& result);
    [[nodiscard]] Outcome<void> read_objects(ScoreTask& task, ScoreResult& result);
    [[nodiscard]] Outcome<void> keep_record(const ScoreTask& task, const ScoreResult& result,
                                            const std::string& outcome);
    void fail_with(ScoreResult& result, const Problem& problem) const;

    Workspace& workspace_;
    RunOptions options_;
    RunObserver& observer_;
    Journal* journal_ = nullptr;
    const Records* records_ = nullptr;
    std::string planned_after_;  // the newest run then
    bool others_ran_ = false;
    bool nothing_to_do_ = false;
    std::map<std::string, std::string> bad_;  // Score to what keeps others from going after it
    std::vector<std::string> unfinished_;
    std::optional<Problem> host_problem_;  // disk trouble: nothing further may start
};

[[nodiscard]] bool has_work(const std::vector<ScoreTask>& tasks);
[[nodiscard]] bool deletes_data(const std::vector<ScoreTask>& tasks);

}  // namespace harmony::host
