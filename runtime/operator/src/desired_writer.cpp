#include "harmony/operator/desired_writer.hpp"

#include <pthread.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <stop_token>
#include <thread>

#include "harmony/contracts/kv.hpp"
#include "harmony/daemon/bounded_queue.hpp"
#include "harmony/daemon/logging.hpp"
#include "harmony/nats/key_value.hpp"

namespace harmony::op {

namespace nats = runtime::nats;
using namespace std::chrono_literals;

namespace {

constexpr runtime::daemon::Logger kLog("desired-writer");
constexpr std::size_t kJobs = 16;  // batches, plus loads and bucket checks that connections ask for
constexpr auto kRequestTimeout = 5s;

class NatsBuckets final : public BucketAccess {
 public:
    NatsBuckets(nats::NatsConnection& connection, WriterOptions options)
        : connection_(connection), options_(options) {}

    Result<void> make_buckets() override {
        for (const contracts::BucketSettings& wanted :
             contracts::bucket_settings(options_.replicas, options_.heartbeat_interval)) {
            nats::BucketSettings settings;
            settings.name = wanted.name;
            settings.history = wanted.history;
            settings.storage = wanted.storage == contracts::BucketStorage::Memory ? nats::Storage::Memory
                                                                                  : nats::Storage::File;
            settings.time_to_live = wanted.ttl;
            settings.replicas = wanted.replicas;
            settings.max_value_bytes = wanted.max_value_bytes;
            if (auto made = nats::ensure_bucket(connection_, settings, kRequestTimeout); !made) {
                return fail(made.error().wrap("bucket " + wanted.name));
            }
        }
        return {};
    }

    Result<void> load(
        const std::function<void(const std::string& key, std::string_view value)>& visit) override {
        nats::KeyValue bucket(connection_, std::string(contracts::kDesiredStateBucket));
        const auto loaded =
            bucket.load(">", [&](const nats::Entry& entry) { visit(entry.key, entry.value); });
        if (!loaded) return fail(loaded.error());
        return {};
    }

    Result<nats::BucketState> state() override {
        return nats::bucket_state(connection_, contracts::kDesiredStateBucket, kRequestTimeout);
    }

    Result<void> write(const WriteBatchAction& batch) override {
        if (options_.may_write && !options_.may_write())
            return fail(ErrorKind::Cancelled, "another operator leads");
        auto written = try_write(batch);
        if (!written) writes_.reset();  // answers that are still to come belong to nobody
        return written;
    }

 private:
    Result<void> try_write(const WriteBatchAction& batch) {
        if (!writes_) {
            auto opened = nats::WriteBatch::open(connection_);
            if (!opened) return fail(opened.error());
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
        if (refused) return fail(*refused);
        if (outcome.failed.empty()) return {};
        return fail(outcome.failed.front().error.wrap(outcome.failed.front().key));
    }

    nats::NatsConnection& connection_;
    const WriterOptions options_;
    std::unique_ptr<nats::WriteBatch> writes_;
};

class NatsDesiredWriter final : public DesiredWriter {
 public:
    NatsDesiredWriter(nats::NatsConnection& connection, WriterOptions options, WriterEvents events)
        : buckets_(connection, options), logic_(buckets_, std::move(events)) {
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
    void load() override { (void)jobs_.try_push(LoadBucket{}); }
    void ensure_buckets() override {
        // One that waits already is enough.
        if (!ensure_waits_.exchange(true) && !jobs_.try_push(EnsureBuckets{})) ensure_waits_ = false;
    }
    void check(std::uint64_t keys) override {
        if (!check_waits_.exchange(true) && !jobs_.try_push(CheckBucket{keys})) check_waits_ = false;
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
            if (std::holds_alternative<EnsureBuckets>(*job)) ensure_waits_ = false;
            if (std::holds_alternative<CheckBucket>(*job)) check_waits_ = false;
            while (!stop.stop_requested()) {
                const auto again = logic_.attempt(*job);
                if (!again) break;
                std::mutex mutex;
                std::condition_variable_any waiting;
                std::unique_lock lock(mutex);
                waiting.wait_for(lock, stop, *again, [] { return false; });
            }
        }
    }

    NatsBuckets buckets_;
    DesiredWriterLogic logic_;
    runtime::daemon::BoundedQueue<WriterJob> jobs_{kJobs};
    std::atomic<bool> ensure_waits_{false};
    std::atomic<bool> check_waits_{false};
    std::jthread thread_;
};

}  // namespace

std::unique_ptr<DesiredWriter> make_nats_desired_writer(nats::NatsConnection& connection,
                                                        WriterOptions options, WriterEvents events) {
    return std::make_unique<NatsDesiredWriter>(connection, options, std::move(events));
}

}  // namespace harmony::op
