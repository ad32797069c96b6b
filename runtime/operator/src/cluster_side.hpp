// The operator's side towards a cluster: client, election, watches, writers; started when the API server
// answers.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "harmony/daemon/health.hpp"
#include "harmony/daemon/metrics.hpp"
#include "harmony/kubernetes/client.hpp"
#include "harmony/operator/cluster_resources.hpp"
#include "harmony/operator/cluster_worker.hpp"
#include "harmony/operator/config.hpp"
#include "harmony/operator/device_resources.hpp"
#include "harmony/operator/leader_election.hpp"
#include "harmony/operator/report_decoder.hpp"
#include "harmony/operator/status_publisher.hpp"

namespace harmony::op {

// For any thread.
struct ClusterSideEvents {
    std::function<void(ClusterEvent)> tell;  // may block, but not for ever
    std::function<void(const std::string& subject, std::string payload)> reply;
};

class ClusterSide {
 public:
    // Reads the kubeconfig and asks the API server once: InvalidInput, NotFound and PermissionDenied say what
    // has to be done first. A server that is away is no error.
    [[nodiscard]] static Result<std::unique_ptr<ClusterSide>> connect(
        const OperatorConfig& config, runtime::daemon::HealthRegistry& health,
        runtime::daemon::MetricsRegistry& metrics);
    ~ClusterSide() { stop(); }

    // Nothing is told before. Begins to watch, and to be a candidate, as soon as the server answers.
    [[nodiscard]] Result<void> start(ClusterSideEvents events);
    // Ends everything, at last the leadership: whatever writes elsewhere has to have ended.
    void stop();

    [[nodiscard]] ClusterPorts ports();
    [[nodiscard]] bool leading() const;
    // Reports go on to the Device resources on their way.
    [[nodiscard]] SourceEvents pass_on(SourceEvents events);

 private:
    ClusterSide(const OperatorConfig& config, std::unique_ptr<runtime::kubernetes::KubernetesClient> client,
                runtime::daemon::HealthRegistry& health, runtime::daemon::MetricsRegistry& metrics);

    void run(const std::stop_token& stop);
    [[nodiscard]] Result<void> begin();
    void lead(bool leading);
    void caught_up(Source source);

    const std::string name_space_;
    const KubernetesConfig config_;
    const std::chrono::seconds stale_after_;
    runtime::daemon::HealthRegistry& health_;
    runtime::daemon::MetricsRegistry& metrics_;
    std::shared_ptr<runtime::daemon::HealthRegistry::Flag> flag_;
    std::unique_ptr<runtime::kubernetes::KubernetesClient> client_;
    ClusterSideEvents events_;
    std::unique_ptr<ClusterWorker> worker_;
    std::unique_ptr<StatusPublisher> publisher_;
    std::unique_ptr<DeviceResources> devices_;
    std::mutex election_mutex_;
    std::unique_ptr<LeaderElection> election_;
    std::atomic<LeaderElection*> elected_{nullptr};
    std::atomic<bool> infos_told_{false};
    std::atomic<bool> heartbeats_told_{false};
    bool stopped_ = false;
    std::jthread thread_;  // last: ends first
};

}  // namespace harmony::op
