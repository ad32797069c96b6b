#include "harmony/operator/cluster_resources.hpp"

#include <algorithm>

#include "harmony/daemon/logging.hpp"

namespace harmony::op {

namespace daemon = runtime::daemon;
using contracts::Timestamp;

namespace {

constexpr daemon::Logger kLog("resources");
constexpr std::int64_t kRetryFirst = 200'000;  // microseconds
constexpr std::int64_t kRetryMost = 15'000'000;
// After a write that was outrun: the watch tells at once what came first, unless it is interrupted.
constexpr std::int64_t kOutrunWait = 2'000'000;

std::size_t index(ClusterList which) {
    return static_cast<std::size_t>(which);
}

Timestamp later_by(Timestamp now, std::int64_t microseconds) {
    return Timestamp::from_microseconds(now.microseconds() + microseconds);
}

// A clock that was put back makes nobody wait for longer than it would have.
bool is_due(Timestamp at, Timestamp now) {
    const std::int64_t wait = at.microseconds() - now.microseconds();
    return wait <= 0 || wait > kRetryMost;
}

}  // namespace

ClusterResources::ClusterResources(std::string name_space, Reducer& reducer, ClusterPorts ports,
                                   daemon::HealthRegistry& health)
    : name_space_(std::move(name_space)),
      reducer_(reducer),
      ports_(std::move(ports)),
      flag_(health.add_flag(daemon::CheckKind::Readiness, "resources", "not listed yet")) {}

bool ClusterResources::settled() const {
    return due_.empty() && later_.empty() &&
           std::none_of(entries_.begin(), entries_.end(), [](const auto& e) { return e.second.job != 0; });
}

void ClusterResources::hear(ClusterEvent event, Timestamp now) {
    std::visit([&](const auto& one) { on(one, now); }, event);
}

void ClusterResources::on(const ListBegan& event, Timestamp) {
    list_[index(event.which)] = ++lists_;
    watched_[index(event.which)] = 0;
}

void ClusterResources::on(const ListEnded& event, Timestamp now) {
    const std::uint64_t list = list_[index(event.which)];
    if (event.which == ClusterList::Deployments) {
        std::vector<std::string> gone;
        for (const auto& [name, entry] : entries_) {
            if (entry.list < list) gone.push_back(name);
        }
        for (const std::string& name : gone)
            forget(name, now);
    } else {
        std::vector<std::string> gone;
        for (auto& [uid, record] : records_) {
            if (std::erase_if(record.parts, [&](const auto& part) { return part.second.second < list; }) > 0)
                look_for_parts(uid, record);
            if (record.list < list && !record.resource_version.empty()) gone.push_back(uid);
        }
        for (const std::string& uid : gone)
            on(RolloutRemoved{uid, "", 0}, now);
    }
    if (list <= needed_) return;
    const bool was_complete = complete();
    listed_[index(event.which)] = true;
    if (was_complete || !complete()) return;
    flag_->pass();
    for (auto& [name, entry] : entries_) {
        due_.insert(name);
        entry.published = entry.seen->status_hash;
    }
    for (auto& [uid, record] : records_) {
        if (!record.header.empty()) read_record(uid, record);
    }
    kLog.info("resources listed", {{"deployments", entries_.size()}});
}

void ClusterResources::on(const DeploymentSeen& event, Timestamp now) {
    const SeenDeployment& seen = *event.seen;
    const std::size_t list = index(ClusterList::Deployments);
    if (event.watched) {
        watched_[list] = std::max(watched_[list], seen.version);
    } else if (event.lists < list_[list] || seen.version <= watched_[list]) {
        return;  // the watch has told it, and perhaps more
    }
    const std::string& name = seen.metadata.name;
    Entry& entry = entries_[name];
    if (event.watched) entry.list = list_[list];
    // The answer to a write may have told what came later, also of another one of this name.
    if (entry.seen && seen.version != 0 && seen.version <= entry.seen->version) return;
    if (entry.seen && entry.seen->metadata.uid != seen.metadata.uid) {
        tell_gone(name, entry, now);
        notes_.forget(*entry.seen->metadata.uid);
        records_.erase(*entry.seen->metadata.uid);
        names_.erase(*entry.seen->metadata.uid);
        entry.status.reset();
        entry.published = 0;
    }
    if (!entry.status) entry.status = seen.status;
    // While this one acts nobody else writes it.
    if (entry.published == 0 || !acting()) entry.published = seen.status_hash;
    entry.seen = event.seen;
    names_[*seen.metadata.uid] = name;
    due_.insert(name);
}

void ClusterResources::on(const DeploymentRemoved& event, Timestamp now) {
    const std::size_t list = index(ClusterList::Deployments);
    watched_[list] = std::max(watched_[list], event.version);
    const auto found = entries_.find(event.name);
    if (found != entries_.end() && found->second.seen->metadata.uid == event.uid) forget(event.name, now);
}

void ClusterResources::forget(const std::string& name, Timestamp now) {
    const auto found = entries_.find(name);
    if (found == entries_.end()) return;
    tell_gone(name, found->second, now);
    const std::string uid = *found->second.seen->metadata.uid;
    notes_.forget(uid);
    records_.erase(uid);
    names_.erase(uid);
    entries_.erase(found);
    due_.erase(name);
}

void ClusterResources::on(const JobDone& event, Timestamp now) {
    const auto found = entries_.find(event.deployment);
    if (found == entries_.end()) return;
    Entry& entry = found->second;
    if (entry.job != event.number) return;  // of one of the same name before
    entry.job = 0;
    if (std::exchange(entry.wanted, false)) due_.insert(event.deployment);
    switch (event.outcome) {
        case JobOutcome::Done:
            entry.failures = 0;
            due_.insert(event.deployment);
            if (!std::exchange(entry.refusal, "").empty() && entry.told)
                publish_again(event.deployment, entry, now);
            return;
        case JobOutcome::NotLeading:
        case JobOutcome::Outrun:
            later_.emplace(later_by(now, kOutrunWait), event.deployment);
            return;
        case JobOutcome::Failed:
            break;
    }
    const std::int64_t delay = std::min(kRetryFirst << std::min(entry.failures++, 8), kRetryMost);
    entry.not_before = later_by(now, delay);
    if (!event.refusal.empty() && event.refusal != entry.refusal) {
        entry.refusal = event.refusal;
        publish_again(event.deployment, entry, now);
    }
    later_.emplace(entry.not_before, event.deployment);
}

void ClusterResources::on(const LeadershipChanged& event, Timestamp now) {
    leading_ = event.leading;
    unsaid_ = true;  // a status that was wished for as the lead changed was dropped
    if (!leading_) return give_up_removals(now);
    listed_[0] = listed_[1] = false;
    needed_ = lists_;
    flag_->fail("being listed anew by the new leader");
    ports_.list_anew();
}

void ClusterResources::on(const ClusterTrouble& event, Timestamp) {
    if (!complete()) flag_->fail(event.text);
}

void ClusterResources::on(const DeviceWithdrawn& event, Timestamp now) {
    if (acting() || devices_.erase(event.device) == 0) return;
    reducer_.apply(DeviceForgotten{event.device}, now);
}

void ClusterResources::adopt(Timestamp now) {
    while (!later_.empty() && is_due(later_.begin()->first, now)) {
        due_.insert(later_.begin()->second);
        later_.erase(later_.begin());
    }
    if (!complete()) return;
    for (const std::string& name : std::exchange(due_, {}))
        reconcile(name, now);
}

void ClusterResources::reconcile(const std::string& name, Timestamp now) {
    const auto found = entries_.find(name);
    if (found == entries_.end()) return;
    Entry& entry = found->second;
    const bool acts = acting();
    if (leading_ && !acts) {  // the lease is in doubt; whether it was lost is told soon
        due_.insert(name);
        return;
    }
    const SeenDeployment& seen = *entry.seen;
    const Record* record = record_of(entry);
    if (seen.metadata.deletion_timestamp && !seen.held) {
        tell_gone(name, entry, now);  // it is others that keep it
        return;
    }
    if (seen.metadata.deletion_timestamp) {
        static const Record kNone;
        if (contracts::DeploymentName::parse(name)) {
            tell(entry, record != nullptr ? *record : kNone, now);
        } else if (acts) {
            let_go(name, entry, now);  // no device can hold it, and the reducer never hears of it
        }
        return;
    }
    if (!seen.spec) {
        // The fleet keeps what it had.
        if (record != nullptr && record->kept->active) tell(entry, *record, now);
        publish_again(name, entry, now);
        return;
    }
    if (acts && prepare(name, entry, now)) return;
    if (taken_in(entry, record)) tell(entry, *record, now);
}

// What is missing before the fleet may hear of it.
bool ClusterResources::prepare(const std::string& name, Entry& entry, Timestamp now) {
    const SeenDeployment& seen = *entry.seen;
    if (!seen.held) {
        auto finalizers = seen.other_finalizers;
        finalizers.emplace_back(contracts::kFinalizer);
        submit(name, entry, SetFinalizer{std::move(finalizers), *seen.metadata.resource_version}, now);
        return true;
    }
    const Record* record = record_of(entry);
    const bool again = record != nullptr && (record->store_again || record->lacks_parts);
    if (taken_in(entry, record) && !again) {
        drop_parts(name, entry, now);
        return false;
    }
    const auto before = record != nullptr ? record->kept : std::nullopt;
    store_record(name, entry,
                 again && taken_in(entry, record) ? *before : with_spec(before, seen.document({})), now);
    return true;
}

void ClusterResources::tell(Entry& entry, const Record& record, Timestamp now) {
    const SeenDeployment& seen = *entry.seen;
    const auto name = contracts::DeploymentName::parse(seen.metadata.name);
    if (!name) return;
    static const KeptRollout kNone;
    const KeptRollout& kept = record.kept ? *record.kept : kNone;
    Told told{seen.metadata.generation, kept.generation, kept.record.version,
              seen.metadata.deletion_timestamp.has_value(), seen.spec.has_value()};
    if (entry.told == told) return;
    entry.told = told;
    contracts::Deployment document = seen.document(kept.active.value_or(contracts::DeploymentSpec{}));
    // A spec that is of no use stops a rollout where it is.
    if (!seen.spec) document.spec.paused = true;
    RolloutKnown rollout{*name, kept.record, {}};
    if (kept.record.in_progress()) {
        const auto known = reducer_.rollout_version(*name);
        kept.each_holding_since(known.value_or(-1),
                                [&](const Holding& holding) { rollout.holdings.push_back(holding); });
    }
    reducer_.apply(
        DeploymentKnown{std::move(document), kept.active,
                        entry.status ? entry.status->conditions : std::vector<contracts::Condition>{},
                        kept.record},
        now);
    if (!rollout.holdings.empty()) reducer_.apply(rollout, now);
}

void ClusterResources::tell_gone(const std::string& name, Entry& entry, Timestamp now) {
    if (!std::exchange(entry.told, std::nullopt)) return;
    if (const auto parsed = contracts::DeploymentName::parse(name)) {
        reducer_.apply(DeploymentGone{*parsed}, now);
        kLog.info("Deployment gone", {{"deployment", name}});
    }
}

void ClusterResources::submit(const std::string& name, Entry& entry, ClusterWork work, Timestamp now) {
    if (may_write(entry, now)) start(name, entry, std::move(work), now);
}

void ClusterResources::start(const std::string& name, Entry& entry, ClusterWork work, Timestamp now) {
    entry.job = ++jobs_;
    if (ports_.submit({name, entry.job, lists_, std::move(work)})) return;
    entry.job = 0;
    later_.emplace(later_by(now, kRetryFirst), name);
}

// If not, it is looked at again when the write under way has ended, or its time has come.
bool ClusterResources::may_write(Entry& entry, Timestamp now) {
    if (entry.job == 0) return is_due(entry.not_before, now);
    entry.wanted = true;
    return false;
}

void ClusterResources::advance_rollouts(Timestamp now) {
    for (const RolloutStep& step : reducer_.take_rollout_steps(kClusterStepDevices, now)) {
        const auto found = entries_.find(step.deployment.str());
        if (found == entries_.end() || found->second.job != 0) continue;
        Entry& entry = found->second;
        const Record* record = record_of(entry);
        // What the reducer does not know yet is told first, and the step made anew.
        if (!taken_in(entry, record) || record->kept->record.version != step.version) {
            if (entry.told) entry.told->rollout_version = -1;
            due_.insert(found->first);
            continue;
        }
        store_record(found->first, entry, with_step(*record->kept, step), now);
    }
}

void ClusterResources::release_deployments(Timestamp now) {
    for (const contracts::DeploymentName& name : reducer_.releasable_deployments()) {
        const auto found = entries_.find(name.str());
        if (found == entries_.end() || found->second.job != 0 || !found->second.seen->held) continue;
        let_go(found->first, found->second, now);
    }
}

// Takes the finalizer away, and before it the record. The cluster would remove that, too, but it learns of a
// kind half a minute after its definition, and does not look for owners of a kind that is gone.
void ClusterResources::let_go(const std::string& name, Entry& entry, Timestamp now) {
    const SeenDeployment& seen = *entry.seen;
    submit(name, entry,
           SetFinalizer{seen.other_finalizers, *seen.metadata.resource_version,
                        record_objects(*seen.metadata.uid)},
           now);
}

void ClusterResources::keep_statuses(const std::vector<StatusAction>& statuses, Timestamp now) {
    for (const StatusAction& action : statuses) {
        const auto found = entries_.find(action.deployment.str());
        if (found != entries_.end()) publish(found->first, found->second, action.status, now);
    }
    // What the leader before left unsaid.
    if (!acting()) {
        unsaid_ = true;
        return;
    }
    if (!std::exchange(unsaid_, false)) return;
    for (auto& [name, entry] : entries_) {
        if (entry.status) publish(name, entry, *entry.status, now);
    }
}

}  // namespace harmony::op
