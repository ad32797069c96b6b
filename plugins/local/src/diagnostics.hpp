// Between the library's Problem and the SDK's Diagnostic.
#pragma once

#include <harmony/plugin/diagnostic.hpp>

#include "problem.hpp"

namespace harmony::local {

[[nodiscard]] inline tl::unexpected<plugin::Diagnostic> diagnose(Problem problem) {
    if (problem.code == "local.cancelled") return plugin::cancelled_failure();
    const bool invalid_parameter = problem.code.find(".invalid-") != std::string::npos;
    return plugin::failure(plugin::Diagnostic{.code = std::move(problem.code),
                                              .summary = std::move(problem.summary),
                                              .detail = std::move(problem.detail),
                                              .hint = std::move(problem.hint),
                                              .path = std::move(problem.path),
                                              .retryable = problem.retryable,
                                              .status = invalid_parameter ? HP_E_INVALID : HP_E_FAILED});
}

// Translates the value, or hands on what went wrong.
template <class T, class Translate>
[[nodiscard]] auto translated(Outcome<T> outcome, Translate translate)
    -> plugin::Result<decltype(translate(std::move(*outcome)))> {
    if (!outcome) return diagnose(std::move(outcome.error()));
    return translate(std::move(*outcome));
}
template <class T>
[[nodiscard]] plugin::Result<T> translated(Outcome<T> outcome) {
    if (!outcome) return diagnose(std::move(outcome.error()));
    if constexpr (std::is_void_v<T>) {
        return {};
    } else {
        return std::move(*outcome);
    }
}

}  // namespace harmony::local
