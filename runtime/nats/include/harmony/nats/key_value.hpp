// KV buckets for the server side: the operator, Scores and tests. Devices use direct_get.hpp.
//
// Written on NatsConnection alone, in the messages that the server documents, so that it runs unchanged on
// the fake. Needs the right to publish on $KV.<bucket>.>,
// $JS.API.STREAM.{INFO,CREATE,UPDATE,DELETE}.KV_<bucket>, $JS.API.DIRECT.GET.KV_<bucket>.>,
// $JS.API.CONSUMER.{CREATE,DELETE}.KV_<bucket>.> and $JS.FC.>.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harmony/nats/connection.hpp"
#include "harmony/nats/entry.hpp"
#include "harmony/result.hpp"

namespace harmony::runtime::nats {

enum class Storage { File, Memory };

struct BucketSettings {
    std::string name;
    int history = 1;
    Storage storage = Storage::File;
    std::chrono::milliseconds time_to_live{0};  // zero: values stay
    int replicas = 1;
    std::int64_t max_value_bytes = 0;  // a larger one is refused; zero: what the server allows
};

// Creates the bucket, or brings an existing one to these settings. Conflict: the server can't change it in
// place (storage differs). Unavailable: no JetStream there now. Idempotent.
[[nodiscard]] Result<void> ensure_bucket(NatsConnection& connection, const BucketSettings& settings,
                                         Milliseconds timeout);
// NotFound where it does not exist.
[[nodiscard]] Result<void> delete_bucket(NatsConnection& connection, std::string_view bucket,
                                         Milliseconds timeout);

// What a watch tells. All handlers run on the watch's own thread, one at a time; they may block (the server
// then waits), and must not destroy the watch.
struct WatchHandlers {
    // A replay of the whole bucket begins. Sent first, and again whenever the watch had to be made anew (the
    // server restarted, the bucket was recreated, messages were lost). What was known and is not repeated
    // before on_caught_up is gone: deletions in between are not told one by one.
    std::function<void()> on_replay = {};
    std::function<void(const Entry&)> on_entry = {};  // a value or a deletion marker, in order of revision
    std::function<void()> on_caught_up = {};  // the replay is complete, also where the bucket is empty
    std::function<void(const Error&)> on_trouble = {};  // optional: why the watch is being made anew
};

struct WatchOptions {
    Milliseconds request_timeout{5'000};
    // The server's sign of life when nothing changes. Three missed ones and the watch is made anew.
    Milliseconds idle_heartbeat{5'000};
    Milliseconds retry_first{100};  // back-off between attempts, doubled up to retry_max, jittered
    Milliseconds retry_max{10'000};
    // Beyond it the watch drops, notices the gap and replays. A server's flow control pauses after about a
    // MiB unanswered, some ten thousand small entries, so that this is a last resort.
    std::size_t max_queued_messages = 131'072;
};

// Stops when destroyed; no handler runs afterwards. The connection must outlive it.
class Watch {
 public:
    virtual ~Watch() = default;
    // How many replays have begun: 1 in an undisturbed life.
    [[nodiscard]] virtual std::uint64_t replays() const = 0;
    // Ask for a replay now, for example from on_connected(Again). Thread-safe, never blocks.
    virtual void restart() = 0;
};

// Thread-safe as far as the connection is. The connection must outlive it.
class KeyValue {
 public:
    KeyValue(NatsConnection& connection, std::string bucket, Milliseconds timeout = Milliseconds{5'000});

    [[nodiscard]] const std::string& bucket() const { return bucket_; }

    // The server has the value when these return (in memory: it may still lose it in a crash).
    [[nodiscard]] Result<std::uint64_t> put(std::string_view key, std::string_view value);
    [[nodiscard]] Result<std::uint64_t> del(std::string_view key);
    // Nothing where the key is absent, deleted or expired.
    [[nodiscard]] Result<std::optional<Entry>> get(std::string_view key);

    // Every live entry (deletion markers left out) whose key matches `filter`, a subject filter on keys such
    // as
    // `>` or `device-1.>`; in order of revision. The second form hands them over one by one, for large
    // buckets.
    [[nodiscard]] Result<std::vector<Entry>> load(std::string_view filter = ">");
    [[nodiscard]] Result<std::size_t> load(std::string_view filter,
                                           const std::function<void(const Entry&)>& on_entry);
    [[nodiscard]] Result<std::vector<std::string>> keys(std::string_view filter = ">");

    // Never fails: where the server or the bucket is away, it goes on trying.
    [[nodiscard]] std::unique_ptr<Watch> watch(std::string filter, WatchHandlers handlers,
                                               WatchOptions options = {});

 private:
    NatsConnection& connection_;
    std::string bucket_;
    Milliseconds timeout_;
};

struct FailedWrite {
    std::string key;
    Error error;
};

struct BatchOutcome {
    std::size_t written = 0;
    std::vector<FailedWrite> failed;  // whether a timed-out write took effect is unknown: write it again
};

struct BatchOptions {
    std::size_t max_in_flight = 4'096;  // unacknowledged writes; notes: beyond it the server only queues
    // A write unanswered for so long has failed, and put() waits no longer than this for room.
    Milliseconds ack_timeout{10'000};
};

// Many writes at full speed: publishes without waiting, keeps at most max_in_flight unacknowledged. One
// thread at a time; the connection must outlive it. Different buckets may be mixed.
class WriteBatch {
 public:
    [[nodiscard]] static Result<std::unique_ptr<WriteBatch>> open(NatsConnection& connection,
                                                                  BatchOptions options = {});
    virtual ~WriteBatch() = default;
    // Blocks while the window is full. Timeout: nothing was acknowledged for ack_timeout; Unavailable:
    // closed.
    [[nodiscard]] virtual Result<void> put(std::string_view bucket, std::string_view key,
                                           std::string_view value) = 0;
    [[nodiscard]] virtual Result<void> del(std::string_view bucket, std::string_view key) = 0;
    // Waits for the outstanding acknowledgements, and reports everything since the last finish().
    [[nodiscard]] virtual BatchOutcome finish() = 0;
};

}  // namespace harmony::runtime::nats
