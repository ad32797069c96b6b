// What ends a command early: a diagnostic for people and programs, and the exit code it means.
#pragma once

#include <harmony/host/diagnostics.hpp>
#include <string>
#include <tl/expected.hpp>
#include <utility>

namespace harmony::host {

// docs/reference/exit-codes.md
enum class ExitCode : int {
    Ok = 0,
    Failed = 1,
    Usage = 2,
    Declined = 3,
    Changes = 4,
    Interrupted = 130,
};

struct Problem {
    ExitCode exit = ExitCode::Failed;
    Diagnostic diagnostic;
};

template <class T>
using Outcome = tl::expected<T, Problem>;

[[nodiscard]] inline tl::unexpected<Problem> stop(ExitCode exit, Diagnostic what) {
    return tl::unexpected<Problem>(Problem{exit, std::move(what)});
}

// Wrong usage or configuration: nothing was started.
[[nodiscard]] inline tl::unexpected<Problem> usage_problem(std::string code, std::string summary,
                                                           std::string hint = {}) {
    return stop(ExitCode::Usage, diagnostic(std::move(code), std::move(summary), std::move(hint)));
}

[[nodiscard]] inline tl::unexpected<Problem> failure(std::string code, std::string summary,
                                                     std::string hint = {}) {
    return stop(ExitCode::Failed, diagnostic(std::move(code), std::move(summary), std::move(hint)));
}

}  // namespace harmony::host
