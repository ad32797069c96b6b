// Performs ClusterJobs on the API, and watches what the operator hears.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "harmony/kubernetes/client.hpp"
#include "harmony/operator/cluster_events.hpp"

namespace harmony::op {

struct ClusterWorkerPorts {
    std::function<void(ClusterEvent)> tell;  // may block, but not for ever
    std::function<bool()> leading;
    std::function<void(const std::string& subject, std::string payload)> reply;
};

// Each request that only a leader may make is made once, and has ended this long after having asked whether
// this one leads: less than a lease has left when its holder stands down, as a standby sees it that counts
// from a renew interval before the renewal.
inline constexpr std::chrono::milliseconds kLeaderDeadline{1'900};
[[nodiscard]] inline runtime::kubernetes::CallLimits leader_limits() {
    runtime::kubernetes::CallLimits limits;
    limits.deadline = kLeaderDeadline;
    limits.attempts = 1;  // the next attempt asks anew who leads
    return limits;
}

// One job, without the thread. Whatever it learned is told before it returns.
void perform(runtime::kubernetes::KubernetesClient& client, const std::string& name_space,
             const ClusterJob& job, const ClusterWorkerPorts& ports);

// Threads `cluster-write`, few, so that many Deployments that change at once don't wait for each other's
// round trips; a Deployment's own jobs never run at the same time, since whoever submits them waits.
class ClusterWorker {
 public:
    virtual ~ClusterWorker() = default;
    // None of these blocks. False: too many wait.
    [[nodiscard]] virtual bool submit(ClusterJob job) = 0;
    // Ends the watches and begins new ones.
    virtual void list_anew() = 0;
    // Ends threads and watches; what waits is dropped.
    virtual void stop() = 0;
};

// The client must outlive it. Watches begin with the first list_anew().
[[nodiscard]] std::unique_ptr<ClusterWorker> start_cluster_worker(
    runtime::kubernetes::KubernetesClient& client, std::string name_space, ClusterWorkerPorts ports);

}  // namespace harmony::op
