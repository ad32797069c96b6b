// An end-to-end scenario: proves a behaviour against the context it runs in.
#pragma once

#include <functional>
#include <harmony/plugin/capability.hpp>
#include <harmony/plugin/plan.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace harmony::plugin {

struct ScenarioInfo {
    std::string name;
    std::string summary;
};

struct ScenarioStep {
    std::string name;
    bool ok = false;
    std::string detail{};
    std::int64_t duration_ms = 0;

    static auto fields() {
        return harmony::plugin::fields(field("name", &ScenarioStep::name), field("ok", &ScenarioStep::ok),
                                       field("detail", &ScenarioStep::detail).omit_default(),
                                       field("duration_ms", &ScenarioStep::duration_ms));
    }
};

struct ScenarioArtifact {
    std::string name;
    std::string path;

    static auto fields() {
        return harmony::plugin::fields(field("name", &ScenarioArtifact::name),
                                       field("path", &ScenarioArtifact::path));
    }
};

// The last lines of something that took part, for a look at why it failed.
struct ScenarioLog {
    std::string name;
    std::vector<std::string> lines{};

    static auto fields() {
        return harmony::plugin::fields(field("name", &ScenarioLog::name),
                                       field("lines", &ScenarioLog::lines));
    }
};

// What a person may type to look at what was kept.
struct ScenarioCommand {
    std::string command;
    std::string explanation{};

    static auto fields() {
        return harmony::plugin::fields(field("command", &ScenarioCommand::command),
                                       field("explanation", &ScenarioCommand::explanation));
    }
};

struct ScenarioResult {
    bool passed = false;
    std::optional<std::string> skipped{};  // what the machine lacks; then passed is false
    std::vector<ScenarioStep> steps{};
    std::vector<ScenarioArtifact> artifacts{};
    std::vector<ScenarioLog> logs{};
    std::vector<ScenarioCommand> commands{};

    static auto fields() {
        using Self = ScenarioResult;
        return harmony::plugin::fields(field("passed", &Self::passed), field("skipped", &Self::skipped),
                                       field("steps", &Self::steps), field("artifacts", &Self::artifacts),
                                       field("logs", &Self::logs), field("commands", &Self::commands));
    }
};

namespace detail {

// The part of a ScenarioRun that does not depend on its parameters.
class ScenarioRecorder {
 public:
    explicit ScenarioRecorder(Call& call) : call_(call) {}

    Result<void> step(std::string name, const std::function<Result<void>()>& body);
    void artifact(std::string name, std::string path) {
        result_.artifacts.push_back({std::move(name), std::move(path)});
    }
    void log_lines(std::string name, std::vector<std::string> lines) {
        result_.logs.push_back({std::move(name), std::move(lines)});
    }
    void command(std::string command, std::string explanation) {
        result_.commands.push_back({std::move(command), std::move(explanation)});
    }
    tl::unexpected<Diagnostic> skip(std::string reason);
    Result<std::int64_t> score(std::string_view name, Purpose purpose, const Json& settings);
    // A failure that no step holds becomes a step of its own, named like the scenario.
    [[nodiscard]] Result<ScenarioResult> finish(const std::string& scenario, Result<void> outcome) &&;

 private:
    Call& call_;
    ScenarioResult result_;
};

}  // namespace detail

template <class Params, class... Capabilities>
class ScenarioRun : public CapabilityRun<Capabilities...> {
 public:
    ScenarioRun(Call& call, const Session& session, const Params& params, bool keep)
        : CapabilityRun<Capabilities...>(call, session), params_(params), keep_(keep), recorder_(call) {}

    [[nodiscard]] const Params& params() const { return params_; }
    // Leave everything running at the end, for a look at it.
    [[nodiscard]] bool keep() const { return keep_; }

    // Runs one step and records how it went and how long it took. Returns the body's own result:
    // `if (auto done = run.step("applied", ...); !done) return done;`
    Result<void> step(std::string name, const std::function<Result<void>()>& body) {
        return recorder_.step(std::move(name), body);
    }
    // A file, or an address, that helps to understand the outcome.
    void artifact(std::string name, std::string path) {
        recorder_.artifact(std::move(name), std::move(path));
    }
    // The last lines of something that took part; shown when the scenario has failed. No secrets.
    void log_lines(std::string name, std::vector<std::string> lines) {
        recorder_.log_lines(std::move(name), std::move(lines));
    }
    // Shown to whoever keeps what the scenario made: how to look at it.
    void command(std::string command, std::string explanation) {
        recorder_.command(std::move(command), std::move(explanation));
    }
    // Ends the scenario as skipped: `return run.skip("podman cannot ...")`. Only for what the machine lacks
    // and no capability names; a requirement that is not met is the host's to skip.
    [[nodiscard]] tl::unexpected<Diagnostic> skip(std::string reason) {
        return recorder_.skip(std::move(reason));
    }
    // Plans and applies a Score in the scenario's context, with its smoke test, or destroys it. The settings
    // are those of the Score's parameter struct. Returns the number of steps that were needed.
    template <class Settings>
    Result<std::int64_t> apply_score(std::string_view name, const Settings& settings) {
        return recorder_.score(name, Purpose::Apply, settings_json(settings));
    }
    template <class Settings>
    Result<std::int64_t> destroy_score(std::string_view name, const Settings& settings) {
        return recorder_.score(name, Purpose::Destroy, settings_json(settings));
    }
    // For the SDK.
    [[nodiscard]] detail::ScenarioRecorder& recorder() { return recorder_; }

 private:
    static Json settings_json(const Json& settings) { return settings; }
    template <class Settings>
    static Json settings_json(const Settings& settings) {
        return to_json(settings);
    }

    const Params& params_;
    bool keep_;
    detail::ScenarioRecorder recorder_;
};

// Derive from it, add `static inline const ScenarioInfo info{...};` and run().
template <Described Params = NoParameters, class... Capabilities>
class Scenario {
 public:
    using Parameters = Params;
    using Run = ScenarioRun<Params, Capabilities...>;

    virtual ~Scenario() = default;
    virtual Result<void> run(Run& run) = 0;

    static detail::Requirements requirements() { return detail::requirements_of<Capabilities...>(); }
};

}  // namespace harmony::plugin
