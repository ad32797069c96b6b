// The one way the host reports what went wrong with a plugin: the SDK's Diagnostic and Result.
#pragma once

#include <harmony/plugin/diagnostic.hpp>
#include <string>
#include <utility>

namespace harmony::host {

using plugin::Diagnostic;
using plugin::Result;

// code, one sentence, what to do next.
[[nodiscard]] inline Diagnostic diagnostic(std::string code, std::string summary, std::string hint = {}) {
    Diagnostic result;
    result.code = std::move(code);
    result.summary = std::move(summary);
    result.hint = std::move(hint);
    return result;
}

[[nodiscard]] inline tl::unexpected<Diagnostic> refuse(std::string code, std::string summary,
                                                       std::string hint = {}) {
    return tl::unexpected<Diagnostic>(diagnostic(std::move(code), std::move(summary), std::move(hint)));
}

}  // namespace harmony::host
