// How everything in a plugin reports what can fail in normal life.
#pragma once

#include <harmony/plugin.h>
#include <cstdint>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>

namespace harmony::plugin {

// What the user is told. `code` is stable and dotted ("nats.port-in-use"), `summary` one sentence: what was
// found, what was expected. Never put a secret into any of the texts: they are shown and recorded.
struct Diagnostic {
    std::string code;
    std::string summary;
    std::string detail{};               // more lines, such as the end of a log
    std::string hint{};                 // what to do next
    std::string path{};                 // the parameter at fault, as devices[0].id
    bool retryable = false;             // the same call may succeed later
    std::int32_t status = HP_E_FAILED;  // the HP_E_* value that crosses the boundary
    // Of a command that stands for another program: what harmony ends with; 0 leaves it to `status`.
    std::int32_t exit_code = 0;
};

template <class T>
using Result = tl::expected<T, Diagnostic>;

// It was tried and did not succeed.
[[nodiscard]] inline tl::unexpected<Diagnostic> failure(std::string code, std::string summary,
                                                        std::string hint = {}) {
    return tl::unexpected<Diagnostic>(
        Diagnostic{.code = std::move(code), .summary = std::move(summary), .hint = std::move(hint)});
}

// Passes somebody else's diagnostic on: `if (!result) return failure(result.error());`
[[nodiscard]] inline tl::unexpected<Diagnostic> failure(Diagnostic diagnostic) {
    return tl::unexpected<Diagnostic>(std::move(diagnostic));
}

// A parameter is wrong; path names it.
[[nodiscard]] inline tl::unexpected<Diagnostic> invalid_parameter(std::string path, std::string summary,
                                                                  std::string hint = {}) {
    return tl::unexpected<Diagnostic>(Diagnostic{.code = "parameters.invalid",
                                                 .summary = std::move(summary),
                                                 .hint = std::move(hint),
                                                 .path = std::move(path),
                                                 .status = HP_E_INVALID});
}

// The caller asked to stop, and the work was left in a state from which the same call can go on.
[[nodiscard]] inline tl::unexpected<Diagnostic> cancelled_failure() {
    return tl::unexpected<Diagnostic>(
        Diagnostic{.code = "call.cancelled", .summary = "the call was cancelled", .status = HP_E_CANCELLED});
}

}  // namespace harmony::plugin
