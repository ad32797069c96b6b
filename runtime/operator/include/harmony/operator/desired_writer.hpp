// The thread that writes KV buckets and reads desired-state back.
//
// Jobs are done in the order given. After a write has failed nothing more is written until load() has read
// the bucket anew, because what it holds is unknown; batches that wait meanwhile are reported as failed.
// Loading and making the buckets are tried until they succeed or the writer stops.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>

#include "harmony/nats/connection.hpp"
#include "harmony/operator/events.hpp"

namespace harmony::op {

// Called on the writer's thread; may block, but not for ever.
struct WriterEvents {
    std::function<void(std::uint64_t number, bool all_written)> on_batch;
    std::function<void(Event)> on_snapshot;  // SnapshotBegan, SnapshotChunk..., SnapshotEnded
    std::function<void()> on_loaded;         // the end of each load()
};

struct WriterOptions {
    int replicas = 1;
    std::chrono::seconds heartbeat_interval{30};
};

class DesiredWriter {
 public:
    // Batches that may wait; whoever calls write() keeps count with on_batch.
    static constexpr int kMaxBatches = 2;

    virtual ~DesiredWriter() = default;
    // None of these blocks.
    virtual void write(WriteBatchAction batch) = 0;
    virtual void load() = 0;            // makes the buckets, then reads desired-state
    virtual void ensure_buckets() = 0;  // makes those that are missing
    // Ends the thread; what waits is dropped.
    virtual void stop() = 0;
};

// The connection must outlive it.
[[nodiscard]] std::unique_ptr<DesiredWriter> make_nats_desired_writer(
    runtime::nats::NatsConnection& connection, WriterOptions options, WriterEvents events);

}  // namespace harmony::op
