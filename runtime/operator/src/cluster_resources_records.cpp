// Records of rollouts, statuses, and what the fleet API reads and wants.
#include <algorithm>

#include "harmony/daemon/logging.hpp"
#include "harmony/operator/cluster_resources.hpp"
#include "harmony/operator/fleet_api.hpp"

namespace harmony::op {

using contracts::Timestamp;

namespace {

constexpr runtime::daemon::Logger kLog("resources");
constexpr auto kRollouts = static_cast<std::size_t>(ClusterList::Rollouts);

// Over what the reducer derives from the spec before.
void mark(contracts::DeploymentStatus& status, std::string_view reason, const std::string& problem,
          const std::vector<contracts::Condition>& before, Timestamp now) {
    status.conditions.clear();
    for (const auto& [type, holds] :
         {std::pair(contracts::kConditionReady, false), std::pair(contracts::kConditionProgressing, false),
          std::pair(contracts::kConditionDegraded, true)}) {
        contracts::Condition condition;
        condition.type = type;
        condition.status = holds ? contracts::ConditionStatus::True : contracts::ConditionStatus::False;
        condition.reason = reason;
        condition.message = problem;
        const auto same = std::find_if(before.begin(), before.end(), [&](const auto& other) {
            return other.type == condition.type && other.status == condition.status;
        });
        condition.last_transition_time = same == before.end() ? now : same->last_transition_time;
        status.conditions.push_back(std::move(condition));
    }
}

// A condition that the operator before had seen begin has not begun anew with this one.
void keep_transitions(contracts::DeploymentStatus& status,
                      const std::optional<contracts::DeploymentStatus>& stored) {
    if (!stored) return;
    for (contracts::Condition& condition : status.conditions) {
        for (const contracts::Condition& known : stored->conditions) {
            if (known.type == condition.type && known.status == condition.status)
                condition.last_transition_time = known.last_transition_time;
        }
    }
}

}  // namespace

RolloutOwner ClusterResources::owner(const Entry& entry) const {
    return {name_space_, entry.seen->metadata.name, *entry.seen->metadata.uid};
}

void ClusterResources::on(const RolloutSeen& event, Timestamp) {
    const SeenRollout& seen = *event.seen;
    if (event.watched) {
        watched_[kRollouts] = std::max(watched_[kRollouts], seen.version);
    } else if (event.lists < list_[kRollouts] || !names_.contains(seen.uid)) {
        return;
    }
    if (!seen.part.empty()) return take_part(event);
    Record& record = records_[seen.uid];
    const std::uint64_t list = event.watched ? list_[kRollouts] : record.list;
    if (seen.version != 0 && seen.version <= record.version) {
        record.list = list;
        return;
    }
    record.resource_version = seen.resource_version;
    record.version = seen.version;
    record.list = list;
    record.header = seen.text;
    read_record(seen.uid, record);
}

void ClusterResources::take_part(const RolloutSeen& event) {
    const SeenRollout& seen = *event.seen;
    // Without a version: it was there already, whatever the watch has told.
    if (!event.watched && seen.version != 0 && seen.version <= watched_[kRollouts]) return;
    Record& record = records_[seen.uid];
    record.parts.insert_or_assign(seen.part, std::pair(seen.text, list_[kRollouts]));
    if (record.lacks_parts) look_for_parts(seen.uid, record);
    if (!record.header.empty()) read_record(seen.uid, record);
}

// Whether a part is missing that the stored header names.
void ClusterResources::look_for_parts(const std::string& uid, Record& record) {
    if (!record.kept) return;
    const auto stored = [&](const std::string& part) { return record.parts.contains(part); };
    record.lacks_parts = !encode_rollout(*record.kept, stored).parts.empty();
    const auto name = names_.find(uid);
    if (record.lacks_parts && name != names_.end()) due_.insert(name->second);
}

void ClusterResources::read_record(const std::string& uid, Record& record) {
    auto decoded = decode_rollout(record.header, [&](const std::string& part) -> const std::string* {
        const auto found = record.parts.find(part);
        return found == record.parts.end() ? nullptr : &found->second.first;
    });
    if (decoded) {
        record.header.clear();
        record.kept = std::move(*decoded);
        record.store_again = false;
        record.lacks_parts = false;
    } else if (complete()) {
        // Somebody has changed or removed what is ours: what is known is stored again.
        record.store_again = true;
        kLog.error("a rollout's record is damaged and is stored again",
                   {{"object", rollout_object_name(uid, "")}, {"error", decoded.error().text()}});
    }
    if (const auto name = names_.find(uid); name != names_.end()) due_.insert(name->second);
}

void ClusterResources::on(const RolloutRemoved& event, Timestamp) {
    watched_[kRollouts] = std::max(watched_[kRollouts], event.version);
    const auto found = records_.find(event.uid);
    if (found == records_.end()) return;
    Record& record = found->second;
    if (!event.part.empty()) {
        if (record.parts.erase(event.part) > 0) look_for_parts(event.uid, record);
        return;
    }
    const auto name = names_.find(event.uid);
    if (name == names_.end()) {  // with its Deployment
        records_.erase(found);
        return;
    }
    record.resource_version.clear();
    record.version = event.version;  // what is older is no news
    record.store_again = record.kept.has_value();
    due_.insert(name->second);
}

const ClusterResources::Record* ClusterResources::record_of(const Entry& entry) const {
    const auto found = records_.find(*entry.seen->metadata.uid);
    return found != records_.end() && found->second.kept ? &found->second : nullptr;
}

bool ClusterResources::taken_in(const Entry& entry, const Record* record) {
    return record != nullptr && entry.seen->held &&
           record->kept->generation == entry.seen->metadata.generation;
}

void ClusterResources::store_record(const std::string& name, Entry& entry, const KeptRollout& next,
                                    Timestamp now) {
    if (!may_write(entry, now)) return;
    const auto found = records_.find(*entry.seen->metadata.uid);
    const Record* record = found == records_.end() ? nullptr : &found->second;
    StoreRollout work{
        owner(entry),
        encode_rollout(
            next, [&](const std::string& part) { return record != nullptr && record->parts.contains(part); }),
        record != nullptr ? record->resource_version : ""};
    start(name, entry, std::move(work), now);
}

// Parts that the stored header does not name any more.
void ClusterResources::drop_parts(const std::string& name, Entry& entry, Timestamp now) {
    const auto found = records_.find(*entry.seen->metadata.uid);
    if (found == records_.end() || found->second.parts.empty() || !found->second.kept || entry.job != 0)
        return;
    const auto needed = encode_rollout(*found->second.kept, [](const std::string&) { return true; }).names;
    DropParts work{owner(entry), {}};
    for (const auto& [part, text] : found->second.parts) {
        if (!needed.contains(part)) work.parts.push_back(part);
    }
    if (work.parts.empty()) return;
    for (const std::string& part : work.parts)
        found->second.parts.erase(part);
    start(name, entry, std::move(work), now);
}

std::vector<std::string> ClusterResources::record_objects(const std::string& uid) const {
    std::vector<std::string> names;
    const auto found = records_.find(uid);
    if (found == records_.end()) return names;
    if (!found->second.resource_version.empty()) names.push_back(rollout_object_name(uid, ""));
    for (const auto& [part, text] : found->second.parts)
        names.push_back(rollout_object_name(uid, part));
    return names;
}

void ClusterResources::publish(const std::string& name, Entry& entry, contracts::DeploymentStatus status,
                               Timestamp now) {
    const SeenDeployment& seen = *entry.seen;
    const auto known = entry.status ? entry.status->conditions : std::vector<contracts::Condition>{};
    if (!seen.spec && !seen.metadata.deletion_timestamp) {
        status.observed_generation = seen.metadata.generation;
        mark(status, kReasonInvalidSpec, seen.problem, known, now);
    } else if (!entry.refusal.empty()) {
        mark(status, kReasonNotStored, entry.refusal, known, now);
    }
    keep_transitions(status, seen.status);
    const auto before = std::exchange(entry.status, status);
    if (!acting()) {
        unsaid_ = true;
        return;
    }
    StatusWish wish{name, *seen.metadata.uid, status_text(status), {}};
    const std::uint64_t hash = status_hash(wish.status);
    wish.notes = notes_.pass(wish.uid, notes_of_change(before, status), now);
    if (hash == std::exchange(entry.published, hash)) {
        if (wish.notes.empty()) return;
        wish.status.clear();
    }
    ports_.publish(std::move(wish));
}

void ClusterResources::publish_again(const std::string& name, Entry& entry, Timestamp now) {
    const auto parsed = contracts::DeploymentName::parse(name);
    auto status = parsed ? reducer_.status(*parsed) : std::nullopt;
    if (!status) status = entry.status;
    publish(name, entry, status.value_or(contracts::DeploymentStatus{}), now);
}

void ClusterResources::take_device(contracts::DeviceInfo info, Timestamp now) {
    if (removals_.contains(info.device_id)) return;
    reducer_.apply(DeviceKnown{info.device_id, info.labels}, now);
    const auto [place, fresh] = devices_.try_emplace(info.device_id);
    if (fresh) place->second.registered_at = info.updated_at;
    if (!fresh && place->second.info.same_content(info)) return;
    place->second.info = std::move(info);
    place->second.resource_version = ++device_revision_;
}

ApiReply ClusterResources::apply(const contracts::ApplyRequest& request, const std::string& reply_subject,
                                 Timestamp) {
    const auto& wanted = request.deployment.metadata.name_space;
    if (wanted && *wanted != name_space_) {
        return fail(ErrorKind::InvalidInput, "metadata.namespace: found \"" + *wanted +
                                                 "\", this operator serves \"" + name_space_ + "\"");
    }
    if (ports_.submit({request.deployment.metadata.name, 0, lists_, ApplyDeployment{request, reply_subject}}))
        return std::nullopt;
    return fail(ErrorKind::Unavailable, "the operator is busy; try again");
}

ApiReply ClusterResources::delete_deployment(const contracts::DeploymentName& name,
                                             const std::string& reply_subject, Timestamp) {
    const auto found = entries_.find(name.str());
    const bool pending = found != entries_.end() && found->second.seen->held;
    if (ports_.submit({name.str(), 0, lists_, DeleteDeployment{pending, reply_subject}})) return std::nullopt;
    return fail(ErrorKind::Unavailable, "the operator is busy; try again");
}

ApiReply ClusterResources::delete_device(const contracts::DeviceId& id, const std::string& reply_subject,
                                         Timestamp now) {
    if (!devices_.contains(id)) return fail(ErrorKind::NotFound, "device " + id.str() + ": there is none");
    removals_[id].push_back(reply_subject);
    reducer_.apply(DeviceForgotten{id}, now);
    return std::nullopt;
}

std::vector<LateReply> ClusterResources::release_devices(Timestamp now) {
    std::vector<LateReply> replies;
    for (const contracts::DeviceId& id : reducer_.releasable_devices()) {
        reducer_.apply(DeviceGone{id}, now);
        const auto removal = removals_.extract(id);
        if (!removal) continue;  // another leader has deleted it
        devices_.erase(id);
        ports_.device_forgotten(id);
        for (const std::string& subject : removal.mapped())
            replies.push_back({subject, contracts::DeleteReply{id.str(), false}.encode()});
    }
    return replies;
}

// Of a leader no more: what it had not deleted stays, and nobody was told otherwise.
void ClusterResources::give_up_removals(Timestamp now) {
    for (const auto& [id, awaiting] : std::exchange(removals_, {})) {
        const auto known = devices_.find(id);
        if (known != devices_.end()) reducer_.apply(DeviceKnown{id, known->second.info.labels}, now);
    }
}

Result<StoredDeployment> ClusterResources::stored(const Entry& entry) const {
    const Record* record = record_of(entry);
    const auto active = record != nullptr ? record->kept->active : std::nullopt;
    if (!entry.seen->spec && !active) {
        return fail(ErrorKind::InvalidInput,
                    "Deployment " + entry.seen->metadata.name + " is not valid: " + entry.seen->problem);
    }
    StoredDeployment result;
    result.deployment = entry.seen->document(active.value_or(contracts::DeploymentSpec{}));
    result.active = active;
    if (record != nullptr) result.rollout = record->kept->record;
    return result;
}

Result<std::optional<StoredDeployment>> ClusterResources::deployment(const contracts::DeploymentName& name) {
    const auto found = entries_.find(name.str());
    if (found == entries_.end()) return std::nullopt;
    auto result = stored(found->second);
    if (!result) return fail(result.error());
    return std::optional(std::move(*result));
}

Result<std::vector<StoredDeployment>> ClusterResources::deployments(std::string_view after,
                                                                    std::int64_t limit) {
    std::vector<StoredDeployment> page;
    for (auto next = entries_.upper_bound(after);
         next != entries_.end() && static_cast<std::int64_t>(page.size()) < limit; ++next) {
        // Those of no use have their conditions; a document of the contract they are not.
        if (auto one = stored(next->second)) page.push_back(std::move(*one));
    }
    return page;
}

Result<std::optional<StoredDevice>> ClusterResources::device(const contracts::DeviceId& id) {
    const auto found = devices_.find(id);
    if (found == devices_.end()) return std::nullopt;
    return std::optional(found->second);
}

Result<std::vector<StoredDevice>> ClusterResources::devices(std::string_view after, std::int64_t limit) {
    std::vector<StoredDevice> page;
    const auto start = contracts::DeviceId::parse(after);
    for (auto next = start ? devices_.upper_bound(*start) : devices_.begin();
         next != devices_.end() && static_cast<std::int64_t>(page.size()) < limit; ++next)
        page.push_back(next->second);
    return page;
}

}  // namespace harmony::op
