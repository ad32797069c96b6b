#include "harmony/operator/store_keeper.hpp"

#include <algorithm>
#include <utility>

#include "harmony/contracts/canonical_json.hpp"
#include "harmony/daemon/logging.hpp"
#include "harmony/daemon/random.hpp"
#include "harmony/operator/fleet_api.hpp"

namespace harmony::op {

namespace daemon = runtime::daemon;
using contracts::ApplyChange;
using contracts::Timestamp;

namespace {

constexpr daemon::Logger kLog("core");
constexpr std::int64_t kPage = 500;
constexpr std::size_t kStepDevices = 10'000;  // stored in one transaction
constexpr std::int64_t kRetryMicroseconds = 1'000'000;

std::string random_uid() {
    const std::uint64_t high = (runtime::daemon::random_bits() & 0xffffffffffff0fffU) | 0x4000U;  // version 4
    const std::uint64_t low =
        (runtime::daemon::random_bits() & 0x3fffffffffffffffU) | 0x8000000000000000U;  // RFC 4122
    const std::string hex = contracts::hex16(high) + contracts::hex16(low);
    return hex.substr(0, 8) + "-" + hex.substr(8, 4) + "-" + hex.substr(12, 4) + "-" + hex.substr(16, 4) +
           "-" + hex.substr(20);
}

bool waits(Timestamp again, Timestamp now) {
    const std::int64_t wait = again.microseconds() - now.microseconds();
    return wait > 0 && wait <= kRetryMicroseconds;  // longer where the clock went back
}

}  // namespace

StoreKeeper::StoreKeeper(std::unique_ptr<ResourceStore> store, Reducer& reducer, std::string name_space,
                         daemon::HealthRegistry& health)
    : store_(std::move(store)),
      reducer_(reducer),
      name_space_(std::move(name_space)),
      store_flag_(health.add_flag(daemon::CheckKind::Readiness, "store", "not read yet")) {}

void StoreKeeper::take_device(contracts::DeviceInfo info, Timestamp now) {
    if (removals_.contains(info.device_id)) return;
    reducer_.apply(DeviceKnown{info.device_id, info.labels}, now);
    const contracts::DeviceId id = info.device_id;
    unsaved_.insert_or_assign(id, std::move(info));
}

Result<void> StoreKeeper::restore(Timestamp now) {
    // Devices first: a selector is then answered from the index at once.
    auto read = store_->each_device_since(0, [&](const StoredDevice& device) {
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
    return {};
}

// With what is stored of its rollout and the reducer was not told yet.
Result<void> StoreKeeper::tell_deployment(StoredDeployment stored, Timestamp now) {
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

void StoreKeeper::store_devices(Timestamp now) {
    if (unsaved_.empty() || waits(devices_again_, now)) return;
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
    // Kept, and tried again.
    devices_again_ = Timestamp::from_microseconds(now.microseconds() + kRetryMicroseconds);
    store_flag_->fail(done.error().text());
    kLog.error("devices could not be stored", {{"error", done.error().text()}});
}

void StoreKeeper::keep_statuses(const std::vector<StatusAction>& statuses, Timestamp) {
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

void StoreKeeper::advance_rollouts(Timestamp now) {
    if (waits(rollouts_again_, now)) return;
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
Result<void> StoreKeeper::advance_rollout(const RolloutStep& step, Timestamp now) {
    RolloutKnown told{step.deployment, {}, {}};
    bool outdated = false;
    auto done = store_->transaction([&]() -> Result<void> {
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
    if (outdated) return adopt_deployments(now);  // another operator was first
    for (const contracts::DeviceId& device : step.devices)
        told.holdings.push_back({device, step.score});
    reducer_.apply(told, now);
    return {};
}

void StoreKeeper::release_deployments(Timestamp now) {
    if (waits(release_again_, now)) return;
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
            release_again_ = Timestamp::from_microseconds(now.microseconds() + kRetryMicroseconds);
            kLog.error("a Deployment could not be removed",
                       {{"deployment", name.str()}, {"error", done.error().text()}});
            return;
        }
        if (came_back) {
            if (const auto adopted = adopt_deployments(now); !adopted) {
                release_again_ = Timestamp::from_microseconds(now.microseconds() + kRetryMicroseconds);
                kLog.error("a Deployment that came back could not be read",
                           {{"deployment", name.str()}, {"error", adopted.error().text()}});
                return;
            }
            continue;
        }
        adopted_.erase(name.str());
        reducer_.apply(DeploymentGone{name}, now);
        kLog.info("Deployment gone", {{"deployment", name.str()}});
    }
}

void StoreKeeper::adopt(Timestamp now) {
    if (behind_ && waits(adopt_again_, now)) return;
    const auto adopted = catch_up(now);
    if (adopted) return;
    behind_ = true;
    adopt_again_ = Timestamp::from_microseconds(now.microseconds() + kRetryMicroseconds);
    store_flag_->fail(adopted.error().text());
    kLog.error("what others have stored could not be read; trying again",
               {{"error", adopted.error().text()}});
}

Result<void> StoreKeeper::catch_up(Timestamp now) {
    // The store tells of a change once; what could not be read then is still to be read.
    const auto changed = store_->changed_by_others();
    if (!changed) return fail(changed.error());
    if (!*changed && !behind_) return {};
    const auto revision = store_->revision();
    if (!revision) return fail(revision.error());
    const auto removals = store_->device_removals();
    if (!removals) return fail(removals.error());
    // Conditions alone are nobody else's business.
    if (*revision != seen_revision_ || *removals != adopted_removals_) {
        if (auto devices = adopt_devices(*removals, now); !devices) return devices;
        if (auto deployments = adopt_deployments(now); !deployments) return deployments;
        seen_revision_ = *revision;
    }
    if (std::exchange(behind_, false)) store_flag_->pass();
    return {};
}

Result<void> StoreKeeper::adopt_deployments(Timestamp now) {
    const auto versions = store_->deployment_versions();
    if (!versions) return fail(versions.error());
    std::map<std::string, std::string> found;
    for (const DeploymentVersion& version : *versions) {
        found[version.name.str()] = version.resource_version;
        const auto known = adopted_.find(version.name.str());
        if (known != adopted_.end() && known->second == version.resource_version &&
            reducer_.rollout_version(version.name) == version.rollout_version)
            continue;
        auto stored = store_->deployment(version.name);
        if (!stored) return fail(stored.error());
        if (!*stored) continue;  // gone since
        if (auto told = tell_deployment(std::move(**stored), now); !told) return told;
    }
    // Also those that came through this operator's own API, and were deleted and released by another since.
    for (const contracts::DeploymentName& name : reducer_.deployments()) {
        if (!found.contains(name.str())) reducer_.apply(DeploymentGone{name}, now);
    }
    adopted_ = std::move(found);
    return {};
}

Result<void> StoreKeeper::adopt_devices(std::int64_t removals, Timestamp now) {
    auto read = store_->each_device_since(adopted_revision_, [&](const StoredDevice& device) {
        adopted_revision_ = std::max(adopted_revision_, device.resource_version);
        if (unsaved_.contains(device.info.device_id)) return;  // it has said something newer since
        if (removals_.contains(device.info.device_id)) return;
        reducer_.apply(DeviceKnown{device.info.device_id, device.info.labels}, now);
    });
    if (!read || removals == adopted_removals_) return read;
    for (const contracts::DeviceId& id : reducer_.devices()) {
        const auto stored = store_->device(id);
        if (!stored) return fail(stored.error());
        if (*stored || unsaved_.contains(id)) continue;
        removals_.try_emplace(id);
        reducer_.apply(DeviceForgotten{id}, now);
    }
    adopted_removals_ = removals;
    return {};
}

ApiReply StoreKeeper::apply(const contracts::ApplyRequest& request, const std::string&, Timestamp now) {
    const auto name = request.deployment.name();
    if (!name) return fail(name.error());
    ApplyOutcome outcome;
    std::vector<Holding> missed;
    const auto done = store_->transaction([&]() -> Result<void> {
        const auto current = store_->deployment(*name);
        if (!current) return fail(current.error());
        auto merged = merge_apply(request.deployment, *current, name_space_, now);
        if (!merged) return fail(merged.error());
        outcome = std::move(*merged);
        if (outcome.change == ApplyChange::Unchanged || request.dry_run) return {};
        if (auto read = read_missed(*name, *current, missed); !read) return read;
        if (auto pruned = forget_unheld(*name, outcome.stored.rollout); !pruned) return pruned;
        contracts::ObjectMeta& meta = outcome.stored.deployment.metadata;
        if (!meta.uid) meta.uid = random_uid();
        const auto revision = store_->next_revision();
        if (!revision) return fail(revision.error());
        meta.resource_version = std::to_string(*revision);
        return store_->put_deployment(outcome.stored);
    });
    if (!done) return fail(done.error());
    if (outcome.change != ApplyChange::Unchanged && !request.dry_run) {
        reducer_.apply(DeploymentKnown{outcome.stored.deployment, outcome.stored.active,
                                       outcome.stored.conditions, outcome.stored.rollout},
                       now);
        if (!missed.empty())
            reducer_.apply(RolloutKnown{*name, outcome.stored.rollout, std::move(missed)}, now);
    }
    return contracts::ApplyReply{outcome.change, with_status(outcome.stored, reducer_)}.encode();
}

// What another operator has stored of the rollout, and the reducer was not told yet.
Result<void> StoreKeeper::read_missed(const contracts::DeploymentName& name,
                                      const std::optional<StoredDeployment>& current,
                                      std::vector<Holding>& missed) {
    const auto told = reducer_.rollout_version(name);
    if (!current || current->rollout.version == told) return {};
    return store_->each_holding_since(name, told.value_or(-1),
                                      [&](const Holding& holding) { missed.push_back(holding); });
}

// A score that is neither the base nor some device's is needed no more.
Result<void> StoreKeeper::forget_unheld(const contracts::DeploymentName& name, RolloutRecord& record) {
    if (record.older.size() < 2) return {};
    const auto held = store_->held_scores(name);
    if (!held) return fail(held.error());
    std::erase_if(record.older, [&](const contracts::Score& score) {
        const ScoreHash hash = hash_of(score);
        return hash != record.base && std::find(held->begin(), held->end(), hash) == held->end();
    });
    return {};
}

ApiReply StoreKeeper::delete_deployment(const contracts::DeploymentName& name, const std::string&,
                                        Timestamp now) {
    StoredDeployment marked;
    const auto done = store_->transaction([&]() -> Result<void> {
        const auto current = store_->deployment(name);
        if (!current) return fail(current.error());
        if (!*current) return fail(ErrorKind::NotFound, "Deployment " + name.str() + ": there is none");
        marked = **current;
        if (marked.deployment.metadata.deletion_timestamp) return {};
        const auto revision = store_->next_revision();
        if (!revision) return fail(revision.error());
        marked.deployment.metadata.deletion_timestamp = now;
        marked.deployment.metadata.resource_version = std::to_string(*revision);
        return store_->put_deployment(marked);
    });
    if (!done) return fail(done.error());
    reducer_.apply(DeploymentKnown{marked.deployment, marked.active, marked.conditions, marked.rollout}, now);
    return contracts::DeleteReply{name.str(), true}.encode();
}

ApiReply StoreKeeper::delete_device(const contracts::DeviceId& id, const std::string& reply_subject,
                                    Timestamp now) {
    const auto stored = store_->device(id);
    if (!stored) return fail(stored.error());
    if (!*stored && !unsaved_.contains(id))
        return fail(ErrorKind::NotFound, "device " + id.str() + ": there is none");
    // Another operator may have stored it just now.
    if (*stored && !removals_.contains(id) && !reducer_.knows_device(id))
        reducer_.apply(DeviceKnown{id, (*stored)->info.labels}, now);
    unsaved_.erase(id);
    Removal& removal = removals_[id];
    removal.stored = stored->has_value();
    removal.awaiting.push_back(reply_subject);
    reducer_.apply(DeviceForgotten{id}, now);
    return std::nullopt;
}

// Last in the store: where the operator ends before that, the device is still there to be deleted.
std::vector<LateReply> StoreKeeper::release_devices(Timestamp now) {
    std::vector<LateReply> replies;
    if (waits(remove_again_, now)) return replies;
    for (const contracts::DeviceId& id : reducer_.releasable_devices()) {
        const auto left = remove_from_store(id);
        std::vector<std::string>& awaiting = removals_[id].awaiting;
        const std::string reply = left ? contracts::DeleteReply{id.str(), false}.encode()
                                       : contracts::RemoteError::from_error(left.error()).encode();
        for (std::string& subject : std::exchange(awaiting, {}))
            replies.push_back({std::move(subject), reply});
        if (!left) {
            remove_again_ = Timestamp::from_microseconds(now.microseconds() + kRetryMicroseconds);
            kLog.error("a device could not be removed",
                       {{"device", id.str()}, {"error", left.error().text()}});
            return replies;
        }
        removals_.erase(id);
        reducer_.apply(DeviceGone{id}, now);
        if (*left) reducer_.apply(DeviceKnown{id, (*left)->info.labels}, now);
    }
    return replies;
}

// What is stored of it after that: where another operator has removed it, the device may be back.
Result<std::optional<StoredDevice>> StoreKeeper::remove_from_store(const contracts::DeviceId& id) {
    if (!removals_[id].stored) return store_->device(id);
    const auto done = store_->transaction([&]() -> Result<void> {
        auto removed = store_->remove_device(id);
        if (!removed && removed.error().kind() == ErrorKind::NotFound) return {};
        return removed;
    });
    if (!done) return fail(done.error());
    return std::nullopt;
}

}  // namespace harmony::op
