// What went wrong, in the shape in which it leaves the plugin.
//
// The code is stable and dotted ("process-host.port-in-use"): it crosses the supervisor's control socket and
// the plugin boundary unchanged, which the kinds of harmony::Error cannot express. No secret appears in any
// field.
#pragma once

#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>

namespace harmony::local {

struct Problem {
    std::string code;
    std::string summary;  // one sentence: what was found, what was expected
    std::string detail;   // may be empty: several lines of evidence, such as the end of a log
    std::string hint;     // may be empty: what to do next
    std::string path;     // may be empty: the parameter at fault
    bool retryable = false;
};

template <class T>
using Outcome = tl::expected<T, Problem>;

[[nodiscard]] inline tl::unexpected<Problem> problem(std::string code, std::string summary,
                                                     std::string hint = {}) {
    return tl::unexpected<Problem>(
        Problem{std::move(code), std::move(summary), {}, std::move(hint), {}, false});
}

// A parameter that breaks the specification of its capability.
[[nodiscard]] inline tl::unexpected<Problem> invalid(std::string code, std::string path,
                                                     std::string summary) {
    return tl::unexpected<Problem>(
        Problem{std::move(code), std::move(summary), {}, {}, std::move(path), false});
}

// The operating system refused: "cannot <what>: <strerror(error)>", code local.io.
[[nodiscard]] tl::unexpected<Problem> system_problem(std::string_view what, int error);

// The same problem handed on to a caller that expects another type.
[[nodiscard]] inline tl::unexpected<Problem> pass_on(Problem problem) {
    return tl::unexpected<Problem>(std::move(problem));
}

}  // namespace harmony::local
