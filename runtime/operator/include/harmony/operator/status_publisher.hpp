// Writes statuses of Deployments and tells people on them.
//
// Thread `cluster-status`. The newest wish of a Deployment counts, and each is written at most once a second;
// a write that failed is made later, with what is wanted then. It is a server-side apply of `status` alone,
// so that conditions of others stay. An operator that does not lead drops what it was asked for.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "harmony/daemon/metrics.hpp"
#include "harmony/kubernetes/client.hpp"
#include "harmony/operator/cluster_events.hpp"

namespace harmony::op {

class StatusPublisher {
 public:
    virtual ~StatusPublisher() = default;
    virtual void publish(StatusWish wish) = 0;  // never blocks
    virtual void stop() = 0;
};

// Client and registry must outlive it.
[[nodiscard]] std::unique_ptr<StatusPublisher> start_status_publisher(
    runtime::kubernetes::KubernetesClient& client, std::string name_space, std::function<bool()> leading,
    runtime::daemon::MetricsRegistry& metrics);

}  // namespace harmony::op
