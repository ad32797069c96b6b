#include "harmony/operator/desired_writer.hpp"

#include <pthread.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <stop_token>
#include <thread>
#include <variant>

#include "harmony/contracts/canonical_json.hpp"
#include "harmony/contracts/kv.hpp"
#include "harmony/daemon/backoff.hpp"
#include "harmony/daemon/bounded_queue.hpp"
#include "harmony/daemon/logging.hpp"
#include "harmony/nats/key_value.hpp"

namespace harmony::op {

namespace nats = runtime::nats;
using namespace std::chrono_literals;

namespace {

constexpr runtime::daemon::Logger kLog("desired-writer");
constexpr std::size_t kChunkEntries = 1024;
constexpr std::size_t kJobs = 16;  // batches, plus loads and bucket checks that connections ask for
constexpr auto kRequestTimeout = 5s;

struct LoadJob {};
struct EnsureJob {};
using Job = std::variant<WriteBatchAction, LoadJob, EnsureJob>;

class NatsDesiredWriter final : public DesiredWriter {
 public:
    NatsDesiredWriter(nats::NatsConnection& connection, WriterOptions options, WriterEvents events)
        : connection_(connection), options_(options), events_(std::move(events)) {
        thread_ = std::jthread([this](const std::stop_token& stop) {
            pthread_setname_np(pthread_self(), "desired-writer");
            run(stop);
        });
    }
    ~NatsDesiredWriter() override { stop(); }

    void write(WriteBatchAction batch) override {
        const std::uint64_t number = batch.number;
        if (!jobs_.try_push(std::move(batch))) kLog.error("a batch was refused", {{"batch", number}});
    }
    void load() override { (void)jobs_.try_push(LoadJob{}); }
    void ensure_buckets() override {
        // One that waits already is enough.
        if (!ensure_waits_.exchange(true) && !jobs_.try_push(EnsureJob{})) ensure_waits_ = false;
    }
    void stop() override {
        jobs_.close();
        thread_.request_stop();
        if (thread_.joinable()) thread_.join();
    }

 private:
    void run(const std::stop_token& stop) {
        while (!stop.stop_requested()) {
            auto job = jobs_.pop(500ms);
            if (!job) {
                if (jobs_.closed()) return;
                continue;
            }
            if (auto* batch = std::get_if<WriteBatchAction>(&*job)) {
                events_.on_batch(batch->number, !uncertain_ && write_batch(*batch));
            } else if (std::holds_alternative<EnsureJob>(*job)) {
                ensure_waits_ = false;
                until_done(stop, "making the buckets", [this] { return make_buckets(); });
            } else {
                until_done(stop, "reading desired-state", [this] { return load_bucket(); });
                if (!stop.stop_requested()) events_.on_loaded();
            }
        }
    }

    template <class Work>
    void until_done(const std::stop_token& stop, std::string_view what, const Work& work) {
        runtime::daemon::Backoff backoff;
        while (!stop.stop_requested()) {
            const Result<void> done = work();
            if (done) return;
            kLog.warning("will be tried again", {{"what", what}, {"error", done.error().text()}});
            std::mutex mutex;
            std::condition_variable_any waiting;
            std::unique_lock lock(mutex);
            waiting.wait_for(lock, stop, backoff.next(), [] { return false; });
        }
    }

    Result<void> make_buckets() {
        for (const contracts::BucketSettings& wanted :
             contracts::bucket_settings(options_.replicas, options_.heartbeat_interval)) {
            nats::BucketSettings settings;
            settings.name = wanted.name;
            settings.history = wanted.history;
            settings.storage = wanted.storage == contracts::BucketStorage::Memory ? nats::Storage::Memory
                                                                                  : nats::Storage::File;
            settings.time_to_live = wanted.ttl;
            settings.replicas = wanted.replicas;
            if (auto made = nats::ensure_bucket(connection_, settings, kRequestTimeout); !made) {
                return fail(made.error().wrap("bucket " + wanted.name));
            }
        }
        return {};
    }

    Result<void> load_bucket() {
        if (auto made = make_buckets(); !made) return made;
        events_.on_snapshot(SnapshotBegan{});
        SnapshotChunk chunk;
        nats::KeyValue bucket(connection_, std::string(contracts::kDesiredStateBucket));
        const auto loaded = bucket.load(">", [&](const nats::Entry& entry) {
            chunk.entries.push_back({entry.key, contracts::fnv1a64(entry.value)});
            if (chunk.entries.size() < kChunkEntries) return;
            events_.on_snapshot(std::move(chunk));
            chunk = {};
        });
        if (!loaded) return fail(loaded.error());
        uncertain_ = false;
        if (!chunk.entries.empty()) events_.on_snapshot(std::move(chunk));
        events_.on_snapshot(SnapshotEnded{});
        kLog.info("desired-state read", {{"keys", *loaded}});
        return {};
    }

    bool write_batch(const WriteBatchAction& batch) {
        if (!writes_) {
            auto opened = nats::WriteBatch::open(connection_);
            if (!opened) return give_up(opened.error());
            writes_ = std::move(*opened);
        }
        std::optional<Error> refused;
        for (const KvWrite& write : batch.writes) {
            const auto sent = write.value ? writes_->put(write.bucket, write.key, *write.value)
                                          : writes_->del(write.bucket, write.key);
            if (sent) continue;
            refused = sent.error();
            break;
        }
        const nats::BatchOutcome outcome = writes_->finish();
        if (refused) return give_up(*refused);
        if (!outcome.failed.empty())
            return give_up(outcome.failed.front().error.wrap(outcome.failed.front().key));
        return true;
    }

    bool give_up(const Error& error) {
        uncertain_ = true;
        writes_.reset();
        kLog.warning("a write failed; the bucket will be read again", {{"error", error.text()}});
        return false;
    }

    nats::NatsConnection& connection_;
    const WriterOptions options_;
    const WriterEvents events_;
    runtime::daemon::BoundedQueue<Job> jobs_{kJobs};
    std::atomic<bool> ensure_waits_{false};
    std::unique_ptr<nats::WriteBatch> writes_;
    bool uncertain_ = false;
    std::jthread thread_;
};

}  // namespace

std::unique_ptr<DesiredWriter> make_nats_desired_writer(nats::NatsConnection& connection,
                                                        WriterOptions options, WriterEvents events) {
    return std::make_unique<NatsDesiredWriter>(connection, options, std::move(events));
}

}  // namespace harmony::op
