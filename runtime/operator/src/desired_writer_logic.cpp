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
    if (const auto* wanted = std::get_if<CheckBucket>(&job)) {
        check(wanted->keys);
        return std::nullopt;
    }
    if (std::holds_alternative<EnsureBuckets>(job)) {
        return conclude(make_buckets(), "making the buckets");
    }
    if (pause_) return std::exchange(pause_, std::nullopt);
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
        if (written) {
            last_write_failed_ = false;
            write_backoff_.reset();
        } else {
            if (std::exchange(last_write_failed_, true)) pause_ = write_backoff_.next();
            kLog.warning("a write failed; the bucket will be read again",
                         {{"error", written.error().text()}});
        }
    }
    events_.on_batch(batch.number, !uncertain_);
}

void DesiredWriterLogic::check(std::uint64_t keys) {
    if (uncertain_ || !known_) return;  // it is read anyway
    auto state = buckets_.state();
    const bool lost = state ? has_lost_entries(*known_, *state) || state->messages < keys
                            : state.error().kind() == ErrorKind::NotFound;
    if (!lost) {
        if (state) known_ = *std::move(state);
        return;  // no answer is no news: the next check asks again
    }
    uncertain_ = true;
    kLog.warning("desired-state has lost entries; it will be read again and completed",
                 {{"found", state ? std::to_string(state->messages) + " entries" : state.error().text()}});
    if (events_.on_lost) events_.on_lost();
}

Result<void> DesiredWriterLogic::make_buckets() {
    auto made = buckets_.make_buckets();
    if (made && events_.on_buckets) events_.on_buckets();
    return made;
}

Result<void> DesiredWriterLogic::load() {
    if (auto made = make_buckets(); !made) return made;
    auto state = buckets_.state();  // before the entries: what is lost while they are read shows later
    if (!state) return fail(state.error());
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
    known_ = *std::move(state);
    if (!chunk.entries.empty()) events_.on_snapshot(std::move(chunk));
    events_.on_snapshot(SnapshotEnded{});
    kLog.info("desired-state read", {{"keys", keys}});
    return {};
}

}  // namespace harmony::op
