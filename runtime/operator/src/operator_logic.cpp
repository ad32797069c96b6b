#include "harmony/operator/operator_logic.hpp"

#include <algorithm>
#include <utility>

#include "harmony/contracts/kv.hpp"
#include "harmony/daemon/logging.hpp"

namespace harmony::op {

namespace daemon = runtime::daemon;
namespace nats = runtime::nats;
using contracts::Timestamp;

namespace {

constexpr daemon::Logger kLog("core");
constexpr std::size_t kBatchWrites = 4096;  // one window of the writer
constexpr std::int64_t kTickMicroseconds = 200'000;
constexpr std::int64_t kPage = 500;
constexpr const char* kForeignKey = "neither a device's deployment nor its index";
constexpr std::size_t kStepDevices = 10'000;  // stored in one transaction
constexpr std::int64_t kRetryMicroseconds = 1'000'000;

}  // namespace

OperatorLogic::OperatorLogic(std::unique_ptr<ResourceStore> store, OperatorOptions options,
                             OperatorPorts ports, daemon::HealthRegistry& health,
                             daemon::MetricsRegistry& metrics, Timestamp now)
    : store_(std::move(store)),
      reducer_(options.reducer),
      ports_(std::move(ports)),
      api_(*store_, reducer_, ignored_, {options.name_space, options.version, now},
           [this] { return readiness(); }),
      devices_(metrics.gauge("harmony_operator_devices", "Devices that are registered.")),
      online_(metrics.gauge("harmony_operator_devices_online", "Devices whose heartbeat is fresh.")),
      deployments_(metrics.gauge("harmony_operator_deployments", "Deployments in the store.")),
      waiting_(metrics.gauge("harmony_operator_devices_waiting",
                             "Devices whose desired state is still to be written.")),
      hints_(metrics.gauge("harmony_operator_hints_repeated",
                           "Times a device held something else than desired.")),
      ignored_gauge_(
          metrics.gauge("harmony_operator_ignored_entries", "Entries of the buckets that are ignored now.")),
      writes_(metrics.counter("harmony_operator_writes_total", "Writes handed to the buckets.")),
      failed_batches_(
          metrics.counter("harmony_operator_failed_batches_total", "Batches of writes that failed.")),
      requests_(metrics.counter("harmony_operator_api_requests_total", "Requests of the fleet API.")),
      sync_flag_(health.add_flag(daemon::CheckKind::Readiness, "desired-state", "not read yet")),
      store_flag_(health.add_flag(daemon::CheckKind::Readiness, "store", "not read yet")) {}

Result<void> OperatorLogic::restore(Timestamp now) {
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
            if (auto told = tell_deployment(std::move(stored), now); !told) return told;
        }
        if (page->size() < static_cast<std::size_t>(kPage)) break;
    }
    store_flag_->pass();
    const FleetCounts counts = reducer_.counts();
    kLog.info("resources read", {{"devices", counts.devices}, {"deployments", counts.deployments}});
    return {};
}

// With what is stored of its rollout and the reducer was not told yet.
Result<void> OperatorLogic::tell_deployment(StoredDeployment stored, Timestamp now) {
    const auto name = stored.deployment.name();
    if (!name) return fail(name.error());
    RolloutKnown rollout{*name, stored.rollout, {}};
    if (stored.rollout.in_progress()) {
        const auto told = reducer_.rollout_version(*name);
        auto read = store_->each_holding_since(
            *name, told.value_or(-1), [&](const Holding& holding) { rollout.holdings.push_back(holding); });
        if (!read) return read;
    }
    reducer_.apply(DeploymentKnown{std::move(stored.deployment), std::move(stored.active),
                                   std::move(stored.conditions), std::move(stored.rollout)},
                   now);
    if (!rollout.holdings.empty()) reducer_.apply(rollout, now);
    return {};
}

void OperatorLogic::handle(OperatorEvent item, Timestamp now) {
    if (auto* event = std::get_if<Event>(&item)) {
        reducer_.apply(*event, now);
    } else if (auto* info = std::get_if<contracts::DeviceInfo>(&item)) {
        reducer_.apply(DeviceKnown{info->device_id, info->labels}, now);
        unsaved_.insert_or_assign(info->device_id, std::move(*info));
    } else if (auto* request = std::get_if<nats::Message>(&item)) {
        answer(*request, now);
    } else if (auto* caught_up = std::get_if<CaughtUp>(&item)) {
        caught_up_[static_cast<std::size_t>(caught_up->source)] = true;
    } else if (std::holds_alternative<ConnectedAgain>(item)) {
        reducer_.apply(BucketUncertain{}, now);
        writer_->ensure_buckets();
    } else if (std::holds_alternative<BucketTrouble>(item)) {
        writer_->ensure_buckets();
    } else if (auto* done = std::get_if<BatchDone>(&item)) {
        --batches_in_flight_;
        if (done->all_written) {
            reducer_.apply(WritesAcknowledged{done->number}, now);
        } else {
            failed_batches_.add();
            reducer_.apply(BucketUncertain{}, now);
        }
    } else if (const auto* change = std::get_if<IgnoredChange>(&item)) {
        ignored_.take(*change, now);
    } else {
        load_in_flight_ = false;
        take_foreign_keys(now);
    }
}

void OperatorLogic::take_foreign_keys(Timestamp now) {
    const std::string bucket(contracts::kDesiredStateBucket);
    for (const std::string& key : reducer_.foreign_keys()) {
        if (ignored_.take({bucket, key, kForeignKey}, now))
            kLog.warning("an entry is left alone", {{"key", key}, {"error", kForeignKey}});
    }
    ignored_.replace(bucket, reducer_.foreign_keys(), kForeignKey, now);
}

void OperatorLogic::advance(Timestamp now) {
    adopt_changes_of_others(now);  // so that nothing is written that another has moved on from
    advance_rollouts(now);
    drive_writer(now);  // before the disk: a device need not wait for it
    store_devices(now);
    const std::int64_t since = now.microseconds() - last_tick_.microseconds();
    if (since >= kTickMicroseconds || since < 0) {
        last_tick_ = now;
        tick(now);
    }
    release_deployments(now);
}

Timestamp OperatorLogic::next_due() const {
    return Timestamp::from_microseconds(last_tick_.microseconds() + kTickMicroseconds);
}

bool OperatorLogic::settled() const {
    return ready_ && reducer_.settled() && unsaved_.empty() && !load_in_flight_ && batches_in_flight_ == 0;
}

void OperatorLogic::answer(const nats::Message& request, Timestamp now) {
    requests_.add();
    store_devices(now);  // so that a list shows every device that was heard of before
    ApiAnswer answer = api_.answer(request.subject, request.payload, now);
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

void OperatorLogic::store_devices(Timestamp now) {
    if (unsaved_.empty()) return;
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

void OperatorLogic::tick(Timestamp now) {
    reducer_.apply(Tick{}, now);
    store_conditions(now);
    publish_gauges();
}

void OperatorLogic::store_conditions(Timestamp now) {
    const auto statuses = reducer_.take_statuses(now);
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

void OperatorLogic::advance_rollouts(Timestamp now) {
    const std::int64_t wait = rollouts_again_.microseconds() - now.microseconds();
    if (!all_told() || (wait > 0 && wait <= kRetryMicroseconds)) return;
    for (const RolloutStep& step : reducer_.take_rollout_steps(kStepDevices, now)) {
        const auto done = advance_rollout(step, now);
        if (done) continue;
        rollouts_again_ = Timestamp::from_microseconds(now.microseconds() + kRetryMicroseconds);
        store_flag_->fail(done.error().text());
        kLog.error("a rollout's step could not be stored",
                   {{"deployment", step.deployment.str()}, {"error", done.error().text()}});
        return;
    }
}

// Stored first, then told: a key is never written for a step that a restart would not know of.
Result<void> OperatorLogic::advance_rollout(const RolloutStep& step, Timestamp now) {
    RolloutKnown told{step.deployment, {}, {}};
    bool outdated = false;
    const auto done = store_->transaction([&]() -> Result<void> {
        auto record = store_->rollout(step.deployment);
        if (!record) return fail(record.error());
        outdated = !*record || (*record)->version != step.version;
        if (outdated) return {};
        if (auto revision = store_->next_revision(); !revision) return fail(revision.error());
        told.record = step.finished ? finished(**record) : std::move(**record);
        if (!step.finished) ++told.record.version;
        if (auto put = store_->put_rollout(step.deployment, told.record); !put) return put;
        return store_->put_holdings(step.deployment, told.record.version, step.devices, step.score);
    });
    if (!done) return done;
    if (outdated) {  // another operator was first
        (void)adopt_deployments(now);
        return {};
    }
    for (const contracts::DeviceId& device : step.devices)
        told.holdings.push_back({device, step.score});
    reducer_.apply(told, now);
    return {};
}

void OperatorLogic::release_deployments(Timestamp now) {
    for (const contracts::DeploymentName& name : reducer_.releasable_deployments()) {
        bool came_back = false;
        const auto done = store_->transaction([&]() -> Result<void> {
            const auto stored = store_->deployment(name);
            if (!stored) return fail(stored.error());
            // Another operator has released it already, and it was applied anew since.
            came_back = *stored && !(*stored)->deployment.metadata.deletion_timestamp;
            if (came_back || !*stored) return {};
            if (auto revision = store_->next_revision(); !revision) return fail(revision.error());
            return store_->remove_deployment(name);
        });
        if (!done) {
            kLog.error("a Deployment could not be removed",
                       {{"deployment", name.str()}, {"error", done.error().text()}});
            return;
        }
        if (came_back) {
            if (!adopt_deployments(now)) return;
            continue;
        }
        adopted_.erase(name.str());
        reducer_.apply(DeploymentGone{name}, now);
        kLog.info("Deployment gone", {{"deployment", name.str()}});
    }
}

void OperatorLogic::adopt_changes_of_others(Timestamp now) {
    const auto changed = store_->changed_by_others();
    if (changed && !*changed) return;
    const auto revision = store_->revision();
    const auto removals = store_->device_removals();
    if (!changed || !revision || !removals) {
        store_flag_->fail((!changed    ? changed.error()
                           : !revision ? revision.error()
                                       : removals.error())
                              .text());
        return;
    }
    // Conditions alone are nobody else's business.
    if (*revision == seen_revision_ && *removals == adopted_removals_) return;
    adopt_devices(now);
    if (adopt_deployments(now)) seen_revision_ = *revision;
}

bool OperatorLogic::adopt_deployments(Timestamp now) {
    const auto versions = store_->deployment_versions();
    if (!versions) {
        kLog.error("resources could not be read", {{"error", versions.error().text()}});
        return false;
    }
    std::map<std::string, std::string> found;
    for (const DeploymentVersion& version : *versions) {
        found[version.name.str()] = version.resource_version;
        const auto known = adopted_.find(version.name.str());
        if (known != adopted_.end() && known->second == version.resource_version &&
            reducer_.rollout_version(version.name) == version.rollout_version)
            continue;
        auto stored = store_->deployment(version.name);
        if (stored && !*stored) continue;  // gone since
        const auto told = stored ? tell_deployment(std::move(**stored), now) : fail(stored.error());
        if (told) continue;
        kLog.error("a Deployment could not be read",
                   {{"deployment", version.name.str()}, {"error", told.error().text()}});
        return false;
    }
    // Also those that came through this operator's own API, and were deleted and released by another since.
    for (const contracts::DeploymentName& name : reducer_.deployments()) {
        if (!found.contains(name.str())) reducer_.apply(DeploymentGone{name}, now);
    }
    adopted_ = std::move(found);
    return true;
}

void OperatorLogic::adopt_devices(Timestamp now) {
    const auto read = store_->each_device_since(adopted_revision_, [&](const StoredDevice& device) {
        adopted_revision_ = std::max(adopted_revision_, device.resource_version);
        if (unsaved_.contains(device.info.device_id)) return;  // it has said something newer since
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

bool OperatorLogic::all_told() const {
    return std::all_of(caught_up_.begin(), caught_up_.end(), [](bool done) { return done; });
}

void OperatorLogic::drive_writer(Timestamp now) {
    if (!all_told()) return;
    if (!reducer_.in_sync()) {
        ready_ = false;
        sync_flag_->fail("the bucket is being read");
        if (load_in_flight_) return;
        load_in_flight_ = true;
        writer_->load();
        return;
    }
    while (batches_in_flight_ < DesiredWriter::kMaxBatches) {
        WriteBatchAction batch = reducer_.take_writes(kBatchWrites, now);
        if (batch.writes.empty()) break;
        writes_.add(batch.writes.size());
        ++batches_in_flight_;
        writer_->write(std::move(batch));
    }
    if (ready_) return;
    ready_ = true;
    sync_flag_->pass();
}

Readiness OperatorLogic::readiness() const {
    if (!ports_.connected()) return {false, "not connected to NATS"};
    if (!ready_) return {false, "the buckets have not been read yet"};
    return {true, ""};
}

void OperatorLogic::publish_gauges() {
    const FleetCounts counts = reducer_.counts();
    devices_.set(static_cast<double>(counts.devices));
    online_.set(static_cast<double>(counts.online));
    deployments_.set(static_cast<double>(counts.deployments));
    waiting_.set(static_cast<double>(counts.waiting_devices));
    hints_.set(static_cast<double>(counts.repeated_hints));
    ignored_gauge_.set(static_cast<double>(ignored_.size()));
}

}  // namespace harmony::op
