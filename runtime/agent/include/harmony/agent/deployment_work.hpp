// Carries out one deployment's plan. Blocks: images are pulled, init containers run to their end, services
// get their grace period.
#pragma once

#include <chrono>
#include <stop_token>
#include <string>

#include "harmony/agent/plan.hpp"
#include "harmony/podman/container_runtime.hpp"
#include "harmony/result.hpp"

namespace harmony::agent {

// How an init container that did not succeed ended; the two read differently to whoever has to mend it.
[[nodiscard]] Error init_exited(const std::string& name, int exit_code);
[[nodiscard]] Error init_timed_out(const std::string& name, std::chrono::seconds waited);

// Stops at the first failure and leaves what is done as it is; the next plan goes on from there. Images come
// before anything is removed, so that a missing one costs no running container. Cancelled once `stop` is
// requested, between steps and inside those that wait.
[[nodiscard]] Result<void> perform(const ContainerPlan& plan, std::chrono::seconds grace,
                                   runtime::podman::ContainerRuntime& runtime, const std::stop_token& stop);

}  // namespace harmony::agent
