// The buckets that devices write, watched: a ReportDecoder behind a watch for each.
#pragma once

#include <memory>

#include "harmony/daemon/metrics.hpp"
#include "harmony/nats/connection.hpp"
#include "harmony/operator/report_decoder.hpp"

namespace harmony::op {

class BucketSources {
 public:
    virtual ~BucketSources() = default;
    virtual void restart() = 0;  // after a reconnect; never blocks
};

// The events are called on the watches' own threads. Connection and metrics must outlive it.
[[nodiscard]] std::unique_ptr<BucketSources> watch_buckets(runtime::nats::NatsConnection& connection,
                                                           runtime::daemon::MetricsRegistry& metrics,
                                                           SourceEvents events);

}  // namespace harmony::op
