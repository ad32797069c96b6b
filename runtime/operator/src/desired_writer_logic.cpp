#include <utility>

#include "harmony/contracts/canonical_json.hpp"
#include "harmony/daemon/logging.hpp"
#include "harmony/operator/desired_writer.hpp"

namespace harmony::op {

namespace {

constexpr runtime::daemon::Logger kLog("desired-writer");
constexpr std::size_t kChunkEntries = 1024;

}  // namespace

std::optional<std::chrono::milliseconds> DesiredWriterLogic::attempt(const WriterJob& job) {
    if (const auto* batch = std::get_if<WriteBatchAction>(&job)) {
        write(*batch);
        return std::nullopt;
    }
    if (std::holds_alternative<EnsureBuckets>(job)) {
        return conclude(make_buckets(), "making the buckets");
    }
    const auto again = conclude(load(), "reading desired-state");
    if (!again) events_.on_loaded();
    return again;
}

std::optional<std::chrono::milliseconds> DesiredWriterLogic::conclude(const Result<void>& done,
                                                                      std::string_view what) {
    if (done) {
        backoff_.reset();
        return std::nullopt;
    }
    // By the time it succeeds, the batches that wait behind it are old, and another operator may have written
    // newer values.
    uncertain_ = true;
    kLog.warning("will be tried again", {{"what", what}, {"error", done.error().text()}});
    return backoff_.next();
}

void DesiredWriterLogic::write(const WriteBatchAction& batch) {
    if (!uncertain_) {
        const auto written = buckets_.write(batch);
        uncertain_ = !written;
        if (!written) {
            kLog.warning("a write failed; the bucket will be read again",
                         {{"error", written.error().text()}});
        }
    }
    events_.on_batch(batch.number, !uncertain_);
}

Result<void> DesiredWriterLogic::make_buckets() {
    auto made = buckets_.make_buckets();
    if (made && events_.on_buckets) events_.on_buckets();
    return made;
}

Result<void> DesiredWriterLogic::load() {
    if (auto made = make_buckets(); !made) return made;
    events_.on_snapshot(SnapshotBegan{});
    SnapshotChunk chunk;
    std::int64_t keys = 0;
    const auto loaded = buckets_.load([&](const std::string& key, std::string_view value) {
        ++keys;
        chunk.entries.push_back({key, contracts::fnv1a64(value)});
        if (chunk.entries.size() < kChunkEntries) return;
        events_.on_snapshot(std::exchange(chunk, {}));
    });
    if (!loaded) return loaded;
    uncertain_ = false;
    if (!chunk.entries.empty()) events_.on_snapshot(std::move(chunk));
    events_.on_snapshot(SnapshotEnded{});
    kLog.info("desired-state read", {{"keys", keys}});
    return {};
}

}  // namespace harmony::op
