// Makes this device's containers what its desired state says, and its states what the containers are.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

#include "harmony/agent/clock.hpp"
#include "harmony/agent/deployment_work.hpp"
#include "harmony/agent/desired_store.hpp"
#include "harmony/agent/plan.hpp"
#include "harmony/agent/state_book.hpp"
#include "harmony/daemon/backoff.hpp"
#include "harmony/podman/container_runtime.hpp"

namespace harmony::agent {

// Each worker asks for a runtime of its own, so that one that waits does not hold up another.
using RuntimeFactory = std::function<std::shared_ptr<runtime::podman::ContainerRuntime>()>;
// Runs the work, on a thread or at once.
using Executor = std::function<void(std::function<void()>)>;

// New work begins while fewer workers than this call podman. One that only waits for something (a pull, an
// init container, a grace period) is not counted, so that no deployment waits for another's: there are at
// most as many threads as deployments on the device (contracts::kMaxDeploymentsPerDevice).
inline constexpr int kMaxDeploymentsAtWork = 4;
// A worker that waits tells what for after this long, then at this interval: each is a write to the broker.
inline constexpr std::chrono::seconds kProgressAfter{2};
inline constexpr std::chrono::seconds kProgressInterval{30};
// A container that podman restarted by itself counts as failing until it has run for this long.
inline constexpr std::chrono::seconds kSettleTime{10};
// For this long a runtime that does not answer changes nothing about states that are known.
inline constexpr std::chrono::seconds kRuntimeGrace{10};
inline constexpr runtime::daemon::BackoffPolicy kAttemptBackoff{std::chrono::seconds(1),
                                                                std::chrono::seconds(60), 0.5};

struct ReconcilerOptions {
    contracts::DeviceId device;
    bool runtime_enabled = true;
    // Called from a worker when it is done: tick() has something to collect.
    std::function<void()> wake;
    PathCheck path_check = check_path;
};

// Not thread-safe but for what its workers hand in: it belongs to the reconcile thread.
class Reconciler {
 public:
    Reconciler(ReconcilerOptions options, RuntimeFactory runtimes, Executor executor, StateBook& book,
               const Clock& clock);

    // Until this is called once, containers that no known deployment explains are left alone.
    void set_desired(const HeldDesired& held);

    // Looks, plans, gives plans to workers and writes states into the book.
    void tick();
    // When tick() has something to do before the slow timer; nothing: only after an event.
    [[nodiscard]] std::optional<SteadyTime> next_due() const { return next_due_; }

    [[nodiscard]] Result<void> runtime_state() const;
    // As podman last described itself; nothing while it has not answered.
    [[nodiscard]] const std::optional<runtime::podman::RuntimeInfo>& runtime_info() const {
        return runtime_info_;
    }

    // Asks workers to end. True once none is at work.
    void cancel_work();
    [[nodiscard]] bool idle() const;

 private:
    struct Deployment {
        std::optional<ContainerSet> desired;  // none: has to go, or the score is invalid
        std::string invalid;                  // why the score cannot be run
        bool removing = false;
        std::string score_hash;
        runtime::daemon::Backoff backoff{kAttemptBackoff};
        SteadyTime next_attempt{};
        std::optional<SteadyTime> last_attempt;
        std::optional<std::string> failure;  // of the last attempt at this score
        // Since the deployment last ran as it should, the init containers have ended well: what failed after
        // them is tried again without them.
        bool initialized = false;
        bool at_work = false;
        SteadyTime progress_due{};
        std::stop_source stop;
        std::vector<std::string> started_here;  // ids that the worker at work starts again
    };
    using Containers = std::vector<runtime::podman::Container>;
    struct Finished {
        contracts::DeploymentName name;
        Performed performed;
    };
    // Shared with workers, which may outlive the reconciler.
    struct Mailbox {
        std::mutex mutex;
        std::vector<Finished> finished;
        std::map<contracts::DeploymentName, std::string> progress;
        int at_work = 0;
        int waiting = 0;       // of those at work
        bool refused = false;  // work was wanted while too many were at it
    };
    class Pace;

    void set_score(Deployment& deployment, const contracts::DeploymentName& name, const std::string& value);
    void start_over(Deployment& deployment);
    void collect_finished();
    void take_result(Deployment& deployment, const contracts::DeploymentName& name,
                     const Performed& performed);
    void disable_all();
    void report_unavailable(const Error& error);
    std::optional<std::map<contracts::DeploymentName, Containers>> observe();
    void notice_restarts(const Containers& containers);
    // True where the deployment is gone for good.
    bool step(const contracts::DeploymentName& name, Deployment& deployment, const Containers& containers);
    void settle(const contracts::DeploymentName& name, Deployment& deployment, const Containers& containers);
    void report(const contracts::DeploymentName& name, const Deployment& deployment, Assessment assessment);
    void report_progress(const contracts::DeploymentName& name, Deployment& deployment,
                         const Containers& containers);
    void report_wanted(const contracts::DeploymentName& name, const Deployment& deployment,
                       const Containers& containers, bool only_starts);
    void start_work(const contracts::DeploymentName& name, Deployment& deployment, ContainerPlan plan);
    [[nodiscard]] std::function<void()> work_of(const contracts::DeploymentName& name,
                                                const Deployment& deployment, ContainerPlan plan) const;
    void wake_at(SteadyTime when);

    ReconcilerOptions options_;
    runtime::podman::Labels owned_labels_;
    RuntimeFactory runtimes_;
    Executor executor_;
    StateBook& book_;
    const Clock& clock_;
    std::shared_ptr<runtime::podman::ContainerRuntime> runtime_;
    std::map<contracts::DeploymentName, Deployment> deployments_;
    bool desired_known_ = false;
    std::shared_ptr<Mailbox> mailbox_ = std::make_shared<Mailbox>();
    std::map<std::string, std::int64_t> started_at_;  // by container id
    // When a container was first seen to have been started again by podman itself; by id.
    std::map<std::string, SteadyTime> restarted_;
    std::optional<SteadyTime> unavailable_since_;
    std::string unavailable_reason_;
    runtime::daemon::Backoff unavailable_backoff_;
    std::optional<runtime::podman::RuntimeInfo> runtime_info_;
    std::optional<SteadyTime> next_due_;
};

}  // namespace harmony::agent
