#include <chrono>
#include <harmony/plugin/scenario.hpp>

namespace harmony::plugin::detail {

namespace {

std::string explain(const Diagnostic& diagnostic) {
    std::string text = diagnostic.summary + " (" + diagnostic.code + ")";
    if (!diagnostic.detail.empty()) text += "\n" + diagnostic.detail;
    return text;
}

}  // namespace

Result<void> ScenarioRecorder::step(std::string name, const std::function<Result<void>()>& body) {
    if (call_.cancelled()) return cancelled_failure();
    call_.step({.name = name});
    const auto start = Call::Clock::now();
    auto outcome = body();
    const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(Call::Clock::now() - start);
    ScenarioStep step{.name = std::move(name),
                      .ok = outcome.has_value(),
                      .detail = outcome ? std::string() : explain(outcome.error()),
                      .duration_ms = took.count()};
    call_.step({.name = step.name,
                .ended = true,
                .ok = step.ok,
                .detail = step.detail,
                .duration_ms = step.duration_ms});
    result_.steps.push_back(std::move(step));
    return outcome;
}

tl::unexpected<Diagnostic> ScenarioRecorder::skip(std::string reason) {
    result_.skipped = reason;
    return failure("scenario.skipped", std::move(reason));
}

Result<std::int64_t> ScenarioRecorder::score(std::string_view name, Purpose purpose, const Json& settings) {
    auto answer = call_.invoke(
        "host.score", Json::object({{"name", name}, {"purpose", to_json(purpose)}, {"settings", settings}}));
    if (!answer) return failure(std::move(answer.error()));
    return (*answer)["steps"].integer_or(0);
}

Result<ScenarioResult> ScenarioRecorder::finish(const std::string& scenario, Result<void> outcome) && {
    if (!outcome && (outcome.error().status == HP_E_CANCELLED || outcome.error().status == HP_E_DEADLINE)) {
        return failure(std::move(outcome.error()));
    }
    if (result_.skipped) return std::move(result_);
    result_.passed = outcome.has_value();
    bool recorded = false;
    for (const auto& step : result_.steps) {
        if (!step.ok) recorded = true;
    }
    if (recorded) result_.passed = false;
    if (!outcome && !recorded) {
        result_.steps.push_back({.name = scenario, .ok = false, .detail = explain(outcome.error())});
    }
    return std::move(result_);
}

}  // namespace harmony::plugin::detail
