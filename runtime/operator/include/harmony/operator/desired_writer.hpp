// Writing KV buckets and reading desired-state back.
//
// Jobs are done in the order given. After anything has failed nothing more is written until load() has read
// the bucket anew, because what it holds is unknown; batches that wait meanwhile are reported as failed.
// Loading and making the buckets are tried until they succeed or the writer stops. While one write after the
// other fails, each reading waits longer. check() looks whether the
// bucket still is the one that was loaded: somebody may delete or purge it while the connection lasts.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "harmony/daemon/backoff.hpp"
#include "harmony/nats/bucket_state.hpp"
#include "harmony/nats/connection.hpp"
#include "harmony/operator/events.hpp"

namespace harmony::op {

// Called on the writer's thread; may block, but not for ever.
struct WriterEvents {
    std::function<void(std::uint64_t number, bool all_written)> on_batch;
    std::function<void(Event)> on_snapshot;  // SnapshotBegan, SnapshotChunk..., SnapshotEnded
    std::function<void()> on_loaded;         // the end of each load()
    std::function<void()> on_buckets{};      // all of them are there; may be left out
    std::function<void()> on_lost{};         // desired-state lacks what it had; may be left out
};

struct WriterOptions {
    int replicas = 1;
    std::chrono::seconds heartbeat_interval{30};
    std::function<bool()> may_write{};  // asked before each batch; may be left out
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
    // on_lost where desired-state has lost entries since it was loaded. So many keys are known to be in it,
    // with the batches handed over before.
    virtual void check(std::uint64_t keys) = 0;
    // Ends the thread; what waits is dropped.
    virtual void stop() = 0;
};

// The buckets as the writer needs them. Each call blocks until it is done or has failed.
class BucketAccess {
 public:
    virtual ~BucketAccess() = default;
    [[nodiscard]] virtual Result<void> make_buckets() = 0;
    // Every entry of desired-state.
    [[nodiscard]] virtual Result<void> load(
        const std::function<void(const std::string& key, std::string_view value)>& visit) = 0;
    // Of desired-state. NotFound where it is not there.
    [[nodiscard]] virtual Result<runtime::nats::BucketState> state() = 0;
    // In the order given. Fails where any write was refused or not acknowledged.
    [[nodiscard]] virtual Result<void> write(const WriteBatchAction& batch) = 0;
};

struct LoadBucket {};
struct EnsureBuckets {};
struct CheckBucket {
    std::uint64_t keys = 0;
};
using WriterJob = std::variant<WriteBatchAction, LoadBucket, EnsureBuckets, CheckBucket>;

// What the writer's thread does, without the thread.
class DesiredWriterLogic {
 public:
    // The buckets must outlive it.
    DesiredWriterLogic(BucketAccess& buckets, WriterEvents events)
        : buckets_(buckets), events_(std::move(events)) {}

    // One attempt at the job. A delay: it failed and has to be attempted again after it; nothing: it is done.
    [[nodiscard]] std::optional<std::chrono::milliseconds> attempt(const WriterJob& job);

 private:
    void write(const WriteBatchAction& batch);
    void check(std::uint64_t keys);
    [[nodiscard]] Result<void> make_buckets();
    [[nodiscard]] Result<void> load();
    [[nodiscard]] std::optional<std::chrono::milliseconds> conclude(const Result<void>& done,
                                                                    std::string_view what);

    BucketAccess& buckets_;
    const WriterEvents events_;
    runtime::daemon::Backoff backoff_;
    runtime::daemon::Backoff write_backoff_;  // of those that fail although reading succeeds
    bool last_write_failed_ = false;
    std::optional<std::chrono::milliseconds> pause_;  // before the next load()
    bool uncertain_ = false;
    std::optional<runtime::nats::BucketState> known_;  // of desired-state, since it was last loaded
};

// The connection must outlive it.
[[nodiscard]] std::unique_ptr<DesiredWriter> make_nats_desired_writer(
    runtime::nats::NatsConnection& connection, WriterOptions options, WriterEvents events);

}  // namespace harmony::op
