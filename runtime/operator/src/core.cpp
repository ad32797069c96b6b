#include "core.hpp"

#include <pthread.h>

#include <algorithm>
#include <utility>

#include "harmony/daemon/logging.hpp"

namespace harmony::op {

namespace daemon = runtime::daemon;
namespace nats = runtime::nats;
using contracts::Timestamp;
using namespace std::chrono_literals;

namespace {

constexpr daemon::Logger kLog("core");
constexpr std::size_t kQueueItems = 65'536;
constexpr int kItemsPerTurn = 4096;         // then the store is written and the writer fed
constexpr std::size_t kBatchWrites = 4096;  // one window of the writer
constexpr auto kTurn = 20ms;
constexpr std::int64_t kTickMicroseconds = 200'000;
constexpr std::int64_t kStuckAfterSeconds = 60;
constexpr std::int64_t kPage = 500;

}  // namespace

Core::Core(std::unique_ptr<ResourceStore> store, CoreOptions options, CorePorts ports,
           daemon::HealthRegistry& health, daemon::MetricsRegistry& metrics)
    : store_(std::move(store)),
      reducer_(options.reducer),
      ports_(std::move(ports)),
      api_(*store_, reducer_, {options.name_space, options.version, Timestamp::now()},
           [this] { return readiness(); }),
      queue_(kQueueItems),
      devices_(metrics.gauge("harmony_operator_devices", "Devices that are registered.")),
      online_(metrics.gauge("harmony_operator_devices_online", "Devices whose heartbeat is fresh.")),
      deployments_(metrics.gauge("harmony_operator_deployments", "Deployments in the store.")),
      waiting_(metrics.gauge("harmony_operator_devices_waiting",
                             "Devices whose desired state is still to be written.")),
      hints_(metrics.gauge("harmony_operator_hints_repeated",
                           "Times a device held something else than desired.")),
      writes_(metrics.counter("harmony_operator_writes_total", "Writes handed to the buckets.")),
      failed_batches_(
          metrics.counter("harmony_operator_failed_batches_total", "Batches of writes that failed.")),
      dropped_heartbeats_(
          metrics.counter("harmony_operator_heartbeats_dropped_total", "Heartbeats lost to a full queue.")),
      requests_(metrics.counter("harmony_operator_api_requests_total", "Requests of the fleet API.")),
      sync_flag_(health.add_flag(daemon::CheckKind::Readiness, "desired-state", "not read yet")),
      store_flag_(health.add_flag(daemon::CheckKind::Readiness, "store", "not read yet")) {
    alive_at_ = Timestamp::now().seconds();
    health.add(daemon::CheckKind::Health, "core", [this]() -> Result<void> {
        const std::int64_t silence = Timestamp::now().seconds() - alive_at_.load();
        if (silence < kStuckAfterSeconds) return {};
        return fail(ErrorKind::Internal, "no turn for " + std::to_string(silence) + " s");
    });
}

Result<void> Core::restore() {
    const Timestamp now = Timestamp::now();
    // Devices first: a selector is then answered from the index at once.
    const auto read = store_->each_device_since(0, [&](const StoredDevice& device) {
        adopted_revision_ = std::max(adopted_revision_, device.resource_version);
        reducer_.apply(DeviceKnown{device.info.device_id, device.info.labels}, now);
    });
    if (!read) return read;
    auto removals = store_->device_removals();
    if (!removals) return fail(removals.error());
    adopted_removals_ = *removals;
    std::string after;
    for (;;) {
        auto page = store_->deployments(after, kPage);
        if (!page) return fail(page.error());
        for (StoredDeployment& stored : *page) {
            after = stored.deployment.metadata.name;
            adopted_[after] = stored.deployment.metadata.resource_version.value_or("");
            reducer_.apply(DeploymentKnown{std::move(stored.deployment), std::move(stored.active),
                                           std::move(stored.conditions)},
                           now);
        }
        if (page->size() < static_cast<std::size_t>(kPage)) break;
    }
    store_flag_->pass();
    const FleetCounts counts = reducer_.counts();
    kLog.info("resources read", {{"devices", counts.devices}, {"deployments", counts.deployments}});
    return {};
}

void Core::start(DesiredWriter& writer) {
    writer_ = &writer;
    thread_ = std::jthread([this](const std::stop_token& stop) {
        pthread_setname_np(pthread_self(), "core");
        run(stop);
    });
}

void Core::stop() {
    queue_.close();
    thread_.request_stop();
    if (thread_.joinable()) thread_.join();
}

void Core::push(Item item) {
    while (!queue_.closed() && !queue_.push(item, 200ms)) {
    }
}

void Core::post(Event event) {
    push(std::move(event));
}
void Core::post_info(contracts::DeviceInfo info) {
    push(std::move(info));
}
void Core::post_caught_up(Source source) {
    push(CaughtUp{source});
}
void Core::post_batch(std::uint64_t number, bool all_written) {
    push(BatchDone{number, all_written});
}
void Core::post_loaded() {
    push(Loaded{});
}
void Core::post_connected() {
    (void)queue_.try_push(ConnectedAgain{});
}
void Core::post_trouble() {
    (void)queue_.try_push(Trouble{});
}
bool Core::try_post_request(nats::Message request) {
    return queue_.try_push(std::move(request));
}
void Core::try_post_heartbeat(Event event) {
    if (!queue_.try_push(std::move(event))) dropped_heartbeats_.add();
}

void Core::run(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
        auto item = queue_.pop(kTurn);
        for (int taken = 0; item && taken < kItemsPerTurn; ++taken) {
            take(*item);
            item = queue_.pop(0ms);
        }
        if (item) take(*item);
        drive_writer();  // before the disk: a device need not wait for it
        store_devices();
        const Timestamp now = Timestamp::now();
        const std::int64_t since = now.microseconds() - last_tick_.microseconds();
        if (since >= kTickMicroseconds || since < 0) {
            last_tick_ = now;
            on_tick();
        }
        release_deployments();
    }
}

void Core::take(Item& item) {
    const Timestamp now = Timestamp::now();
    if (auto* event = std::get_if<Event>(&item)) {
        reducer_.apply(*event, now);
    } else if (auto* info = std::get_if<contracts::DeviceInfo>(&item)) {
        reducer_.apply(DeviceKnown{info->device_id, info->labels}, now);
        unsaved_.insert_or_assign(info->device_id, std::move(*info));
    } else if (auto* request = std::get_if<nats::Message>(&item)) {
        answer(*request);
    } else if (auto* caught_up = std::get_if<CaughtUp>(&item)) {
        caught_up_[static_cast<std::size_t>(caught_up->source)] = true;
    } else if (std::holds_alternative<ConnectedAgain>(item)) {
        // The server may have lost what it had, and writes on the way may be gone.
        reducer_.apply(BucketUncertain{}, now);
        writer_->ensure_buckets();
    } else if (std::holds_alternative<Trouble>(item)) {
        writer_->ensure_buckets();
    } else if (auto* done = std::get_if<BatchDone>(&item)) {
        --batches_in_flight_;
        if (done->all_written) {
            reducer_.apply(WritesAcknowledged{done->number}, now);
        } else {
            failed_batches_.add();
            reducer_.apply(BucketUncertain{}, now);
        }
    } else {
        load_in_flight_ = false;
    }
}

void Core::answer(const nats::Message& request) {
    requests_.add();
    store_devices();  // so that a list shows every device that was heard of before
    ApiAnswer answer = api_.answer(request.subject, request.payload, Timestamp::now());
    if (request.reply.empty()) return;
    if (!answer.incomplete) {
        ports_.reply(request.reply, std::move(answer.reply));
        return;
    }
    if (ports_.look_up({request.reply, std::move(*answer.incomplete), std::move(answer.wanted)})) return;
    ports_.reply(request.reply, contracts::RemoteError{contracts::RemoteErrorKind::RuntimeUnavailable,
                                                       "too many requests wait"}
                                    .encode());
}

void Core::store_devices() {
    if (unsaved_.empty()) return;
    const Timestamp now = Timestamp::now();
    const auto done = store_->transaction([&]() -> Result<void> {
        for (const auto& [id, info] : unsaved_) {
            if (auto put = store_->put_device(info, now); !put) return put;
        }
        return {};
    });
    if (done) {
        unsaved_.clear();
        store_flag_->pass();
        return;
    }
    // Kept, and tried again next turn.
    store_flag_->fail(done.error().text());
    kLog.error("devices could not be stored", {{"error", done.error().text()}});
}

void Core::on_tick() {
    const Timestamp now = Timestamp::now();
    alive_at_ = now.seconds();
    reducer_.apply(Tick{}, now);
    adopt_changes_of_others();
    store_conditions();
    publish_gauges();
}

void Core::store_conditions() {
    const auto statuses = reducer_.take_statuses(Timestamp::now());
    if (std::none_of(statuses.begin(), statuses.end(),
                     [](const StatusAction& s) { return s.conditions_changed; }))
        return;
    const auto done = store_->transaction([&]() -> Result<void> {
        for (const StatusAction& status : statuses) {
            if (!status.conditions_changed) continue;
            if (auto put = store_->put_conditions(status.deployment, status.status.conditions); !put)
                return put;
        }
        return {};
    });
    // Only transition times are lost by that.
    if (!done) kLog.warning("conditions could not be stored", {{"error", done.error().text()}});
}

void Core::release_deployments() {
    for (const contracts::DeploymentName& name : reducer_.releasable_deployments()) {
        const auto done =
            store_->transaction([&]() -> Result<void> { return store_->remove_deployment(name); });
        if (!done) {
            kLog.error("a Deployment could not be removed",
                       {{"deployment", name.str()}, {"error", done.error().text()}});
            return;
        }
        adopted_.erase(name.str());
        reducer_.apply(DeploymentGone{name}, Timestamp::now());
        kLog.info("Deployment gone", {{"deployment", name.str()}});
    }
}

void Core::adopt_changes_of_others() {
    const auto changed = store_->changed_by_others();
    if (!changed) {
        store_flag_->fail(changed.error().text());
        return;
    }
    if (!*changed) return;
    adopt_devices();
    adopt_deployments();
}

void Core::adopt_deployments() {
    const Timestamp now = Timestamp::now();
    std::map<std::string, std::string> found;
    std::string after;
    for (;;) {
        auto page = store_->deployments(after, kPage);
        if (!page) {
            kLog.error("resources could not be read", {{"error", page.error().text()}});
            return;
        }
        for (StoredDeployment& stored : *page) {
            after = stored.deployment.metadata.name;
            const std::string version = stored.deployment.metadata.resource_version.value_or("");
            found[after] = version;
            if (const auto known = adopted_.find(after); known != adopted_.end() && known->second == version)
                continue;
            reducer_.apply(DeploymentKnown{std::move(stored.deployment), std::move(stored.active),
                                           std::move(stored.conditions)},
                           now);
        }
        if (page->size() < static_cast<std::size_t>(kPage)) break;
    }
    for (const auto& [name, version] : adopted_) {
        if (found.contains(name)) continue;
        if (const auto gone = contracts::DeploymentName::parse(name))
            reducer_.apply(DeploymentGone{*gone}, now);
    }
    adopted_ = std::move(found);
}

void Core::adopt_devices() {
    const Timestamp now = Timestamp::now();
    const auto read = store_->each_device_since(adopted_revision_, [&](const StoredDevice& device) {
        adopted_revision_ = std::max(adopted_revision_, device.resource_version);
        reducer_.apply(DeviceKnown{device.info.device_id, device.info.labels}, now);
    });
    const auto removals = store_->device_removals();
    if (!read || !removals) {
        kLog.error("devices could not be read", {{"error", (read ? removals.error() : read.error()).text()}});
        return;
    }
    if (*removals == adopted_removals_) return;
    adopted_removals_ = *removals;
    for (const contracts::DeviceId& id : reducer_.devices()) {
        const auto stored = store_->device(id);
        if (stored && !*stored && !unsaved_.contains(id)) reducer_.apply(DeviceForgotten{id}, now);
    }
}

void Core::drive_writer() {
    const bool all_told = std::all_of(caught_up_.begin(), caught_up_.end(), [](bool done) { return done; });
    if (!all_told) return;
    if (!reducer_.in_sync()) {
        ready_ = false;
        sync_flag_->fail("the bucket is being read");
        if (load_in_flight_) return;
        load_in_flight_ = true;
        writer_->load();
        return;
    }
    while (batches_in_flight_ < DesiredWriter::kMaxBatches) {
        WriteBatchAction batch = reducer_.take_writes(kBatchWrites, Timestamp::now());
        if (batch.writes.empty()) break;
        writes_.add(batch.writes.size());
        ++batches_in_flight_;
        writer_->write(std::move(batch));
    }
    if (ready_) return;
    ready_ = true;
    sync_flag_->pass();
}

Readiness Core::readiness() const {
    if (!ports_.connected()) return {false, "not connected to NATS"};
    if (!ready_) return {false, "the buckets have not been read yet"};
    return {true, ""};
}

void Core::publish_gauges() {
    const FleetCounts counts = reducer_.counts();
    devices_.set(static_cast<double>(counts.devices));
    online_.set(static_cast<double>(counts.online));
    deployments_.set(static_cast<double>(counts.deployments));
    waiting_.set(static_cast<double>(counts.waiting_devices));
    hints_.set(static_cast<double>(counts.repeated_hints));
}

}  // namespace harmony::op
