// The running operator: sources, reducer, store, API and writer, joined by queues.
//
// Threads: `core` owns store, reducer and API; `desired-writer` writes the buckets; `state-lookup` reads
// reports for devices.get; the watches and the subscription have one each of the NATS client's. Whatever a
// thread tells another goes through a bounded queue. When core's queue is full, reports make their bucket
// wait, a heartbeat is dropped and counted (the next one says the same), and an API request is answered
// RuntimeUnavailable.
#pragma once

#include <memory>
#include <string>

#include "harmony/daemon/health.hpp"
#include "harmony/daemon/metrics.hpp"
#include "harmony/operator/config.hpp"
#include "harmony/result.hpp"

namespace harmony::op {

class OperatorService {
 public:
    virtual ~OperatorService() = default;
    // Ends every thread; idempotent. Also done on destruction.
    virtual void stop() = 0;
};

// Opens the store (its errors are returned) and starts everything else; NATS may come later. Both registries
// must outlive the service.
[[nodiscard]] Result<std::unique_ptr<OperatorService>> start_operator(
    OperatorConfig config, std::string version, runtime::daemon::HealthRegistry& health,
    runtime::daemon::MetricsRegistry& metrics);

}  // namespace harmony::op
