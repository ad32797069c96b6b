// Carries out one deployment's plan. Blocks: images are pulled, init containers run to their end, services
// get their grace period.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <variant>

#include "harmony/agent/plan.hpp"
#include "harmony/podman/container_runtime.hpp"
#include "harmony/result.hpp"

namespace harmony::agent {

// How an init container ended. The two read differently to whoever has to mend it.
struct Exited {
    int exit_code = 0;
    bool operator==(const Exited&) const = default;
};
struct TimedOut {
    std::chrono::seconds waited{0};
    bool operator==(const TimedOut&) const = default;
};
using InitOutcome = std::variant<Exited, TimedOut>;

// Why it fails the deployment; nothing where it exited with 0.
[[nodiscard]] std::optional<Error> init_failure(const std::string& container, const InitOutcome& outcome);

// Work beside other work. Called on the worker's thread.
class WorkPace {
 public:
    virtual ~WorkPace() = default;
    // Around what waits for something outside (a pull, an init container, a grace period): the device's other
    // deployments go on meanwhile.
    virtual void wait_begins() = 0;
    virtual void wait_ends() = 0;
    // What it waits for, in a few words, as often as it likes.
    virtual void progress(std::string text) = 0;
};

// NotFound where a path that a volume names does not exist on this device.
using PathCheck = std::function<Result<void>(const std::string& path)>;
[[nodiscard]] Result<void> check_path(const std::string& path);

struct WorkTools {
    runtime::podman::ContainerRuntime& runtime;
    WorkPace& pace;
    const PathCheck& path_check;
    std::stop_token stop;
};

struct Performed {
    Result<void> outcome;
    bool initialized = false;  // every init container of the plan has ended well
};

// Stops at the first failure and leaves what is done as it is; the next plan goes on from there. What can be
// known beforehand comes first: a volume or an image that is missing costs no running container. A container
// gets the stop signal and the grace period that it was created with. Cancelled once `stop` is requested,
// between steps and inside those that wait, except for a grace period.
[[nodiscard]] Performed perform(const ContainerPlan& plan, const WorkTools& tools);

}  // namespace harmony::agent
