// What the devices tell: the buckets device-info, device-state and device-heartbeat, watched and decoded.
//
// One bad key is logged, counted and left alone; it never stops the others.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <variant>

#include "harmony/contracts/device_info.hpp"
#include "harmony/daemon/metrics.hpp"
#include "harmony/nats/connection.hpp"
#include "harmony/operator/events.hpp"

namespace harmony::op {

enum class Source { DeviceInfo, DeviceState, DeviceHeartbeat };

// Called on the watches' own threads, in each bucket's order.
struct SourceEvents {
    std::function<void(contracts::DeviceInfo)> on_info;
    std::function<void(Event)> on_event;      // reports; may block: the bucket then waits
    std::function<void(Event)> on_heartbeat;  // must not block: a lost one is made good by the next
    std::function<void(Source)> on_caught_up;
    std::function<void()> on_trouble;  // a bucket may be missing
};

class BucketSources {
 public:
    virtual ~BucketSources() = default;
    virtual void restart() = 0;  // after a reconnect; never blocks
};

// Both must outlive it.
[[nodiscard]] std::unique_ptr<BucketSources> watch_buckets(runtime::nats::NatsConnection& connection,
                                                           runtime::daemon::MetricsRegistry& metrics,
                                                           SourceEvents events);

}  // namespace harmony::op
