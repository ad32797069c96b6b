// Between a failure of the cluster's API and what the user is told.
#pragma once

#include <harmony/plugin/diagnostic.hpp>
#include <string>

#include "harmony/kubernetes/failure.hpp"

namespace harmony::cluster {

namespace api = runtime::kubernetes;

[[nodiscard]] plugin::Diagnostic describe(const api::Failure& failure);
[[nodiscard]] inline tl::unexpected<plugin::Diagnostic> diagnose(const api::Failure& failure) {
    return tl::unexpected<plugin::Diagnostic>(describe(failure));
}

}  // namespace harmony::cluster
