#include <algorithm>
#include <charconv>
#include <cstddef>
#include <tuple>

#include "harmony/contracts/desired_state.hpp"
#include "harmony/operator/reducer.hpp"

namespace harmony::op {

using contracts::Timestamp;

namespace {

// A million devices may fail with a message each; the full text stays in the device's own report.
constexpr std::size_t kKeptMessageBytes = 512;

std::string shortened(const std::string& message) {
    if (message.size() <= kKeptMessageBytes) return message;
    std::size_t end = kKeptMessageBytes;
    while (end > 0 && (static_cast<unsigned char>(message[end]) & 0xC0) == 0x80)
        --end;
    return message.substr(0, end) + "...";
}

}  // namespace

Reducer::Pair* Reducer::find_pair(DeviceSlot device, DeploymentSlot deployment) {
    std::vector<Pair>& pairs = devices_[device].pairs;
    const auto place =
        std::lower_bound(pairs.begin(), pairs.end(), deployment,
                         [](const Pair& pair, DeploymentSlot slot) { return pair.deployment < slot; });
    return place != pairs.end() && place->deployment == deployment ? &*place : nullptr;
}

Reducer::Pair& Reducer::pair(DeviceSlot device, DeploymentSlot deployment) {
    std::vector<Pair>& pairs = devices_[device].pairs;
    const auto place =
        std::lower_bound(pairs.begin(), pairs.end(), deployment,
                         [](const Pair& pair, DeploymentSlot slot) { return pair.deployment < slot; });
    if (place != pairs.end() && place->deployment == deployment) return *place;
    ++deployments_[deployment].pairs;
    Pair fresh;
    fresh.deployment = deployment;
    return *pairs.insert(place, fresh);
}

void Reducer::erase_unused_pairs(DeviceSlot device) {
    std::vector<Pair>& pairs = devices_[device].pairs;
    std::vector<DeploymentSlot> unused;
    std::erase_if(pairs, [&](const Pair& pair) {
        const bool used =
            pair.selected || pair.written != Written::Absent || pair.reported != Reported::Nothing;
        if (!used) unused.push_back(pair.deployment);
        return !used;
    });
    if (pairs.empty()) pairs.shrink_to_fit();
    for (const DeploymentSlot slot : unused) {
        --deployments_[slot].pairs;
        free_deployment_if_unused(slot);
    }
}

void Reducer::select(DeviceSlot device, std::span<const DeploymentSlot> leaving,
                     std::span<const DeploymentSlot> joining) {
    for (const DeploymentSlot deployment : leaving)
        pair(device, deployment).selected = false;
    for (const DeploymentSlot deployment : joining)
        pair(device, deployment).selected = true;
    const DeviceRecord& record = devices_[device];
    if (record.rationed || record.pairs.size() > options_.max_deployments_per_device) return ration(device);
    for (const DeploymentSlot deployment : leaving)
        set_targeted(device, deployment, false);
    for (const DeploymentSlot deployment : joining)
        set_targeted(device, deployment, true);
}

// The oldest of those that select the device, for it to hold.
void Reducer::ration(DeviceSlot device) {
    DeviceRecord& record = devices_[device];
    std::vector<DeploymentSlot> selected;
    for (const Pair& pair : record.pairs) {
        if (pair.selected) selected.push_back(pair.deployment);
    }
    const std::size_t held = std::min(selected.size(), options_.max_deployments_per_device);
    record.rationed = held < selected.size();
    const auto last = selected.begin() + static_cast<std::ptrdiff_t>(held);
    if (record.rationed) {
        std::nth_element(selected.begin(), last, selected.end(), [&](DeploymentSlot a, DeploymentSlot b) {
            return std::tie(deployments_[a].created, deployments_[a].name) <
                   std::tie(deployments_[b].created, deployments_[b].name);
        });
    }
    std::sort(selected.begin(), last);
    for (const Pair& pair : record.pairs) {
        const bool targeted = std::binary_search(selected.begin(), last, pair.deployment);
        set_targeted(device, pair.deployment, targeted);
        set_excluded(device, pair.deployment, pair.selected && !targeted);
    }
}

void Reducer::set_excluded(DeviceSlot device, DeploymentSlot deployment, bool excluded) {
    Bitmap& devices = deployments_[deployment].excluded;
    const bool changed = excluded ? devices.addChecked(device) : devices.removeChecked(device);
    if (changed) touch_status(deployment);
}

void Reducer::set_targeted(DeviceSlot device, DeploymentSlot deployment, bool targeted) {
    Pair& changed = pair(device, deployment);
    if (changed.targeted == targeted) return;
    changed.targeted = targeted;
    DeploymentRecord& record = deployments_[deployment];
    if (targeted) {
        record.targets.add(device);
        // A key left from before may hold any score.
        if (changed.written == Written::Current) set_written(changed, Written::Stale);
        changed.held = record.restoring || returning_ ? base_revision(record)
                       : record.rollout.in_progress() ? 0
                                                      : record.newest.id;
    } else {
        record.targets.remove(device);
        if (!options_.devices_stored && changed.held != 0 && record.rollout.in_progress())
            record.absent_holdings.insert_or_assign(devices_[device].id.str(),
                                                    revision(record, changed.held)->hash);
        changed.held = 0;
    }
    if (devices_[device].index == Written::Current) devices_[device].index = Written::Stale;
    devices_[device].digest_known = false;
    classify(device, changed);
    touch_rollout(deployment);
    touch_status(deployment);
    mark(device);
}

void Reducer::set_written(Pair& pair, Written written) {
    DeploymentRecord& deployment = deployments_[pair.deployment];
    const bool before = pair.written != Written::Absent;
    const bool after = written != Written::Absent;
    pair.written = written;
    if (before == after) return;
    deployment.keys_written += after ? 1U : 0U;
    deployment.keys_written -= before ? 1U : 0U;
    if (deployment.deleting) touch_status(pair.deployment);
}

// Puts the device where its last report says it is, for the score that the fleet should hold.
void Reducer::classify(DeviceSlot device, const Pair& pair) {
    DeploymentRecord& deployment = deployments_[pair.deployment];
    const bool about_this = pair.targeted && pair.held != 0 && pair.held == deployment.newest.id &&
                            pair.reported_hash == deployment.newest.hash;
    const bool succeeded = about_this && pair.reported == Reported::Running;
    const bool failed = about_this && pair.reported == Reported::Failed;
    bool changed =
        succeeded ? deployment.succeeded.addChecked(device) : deployment.succeeded.removeChecked(device);
    changed |= set_failed(deployment, device, failed);
    if (changed) touch_rollout(pair.deployment);
    if (changed || failed) touch_status(pair.deployment);
    if (deployment.rolling) classify_rolling(device, pair);
}

bool Reducer::set_failed(DeploymentRecord& deployment, DeviceSlot device, bool failed) {
    if (!(failed ? deployment.failed.addChecked(device) : deployment.failed.removeChecked(device)))
        return false;
    const auto failure = deployment.failures.find(device);
    if (failure == deployment.failures.end()) return true;
    if (failed) {
        deployment.failure_order.emplace(failure->second.at, device);
    } else {
        deployment.failure_order.erase({failure->second.at, device});
    }
    return true;
}

void Reducer::keep_failure(DeploymentRecord& deployment, DeviceSlot device, std::optional<Failure> failure) {
    const bool counts = deployment.failed.contains(device);
    const auto known = deployment.failures.find(device);
    if (counts && known != deployment.failures.end())
        deployment.failure_order.erase({known->second.at, device});
    if (!failure) {
        deployment.failures.erase(device);
        return;
    }
    if (counts) deployment.failure_order.emplace(failure->at, device);
    deployment.failures.insert_or_assign(device, std::move(*failure));
}

void Reducer::withdraw(DeviceSlot device, Pair& pair) {
    pair.reported = Reported::Nothing;
    pair.reported_hash = 0;
    pair.last_event_us = 0;
    keep_failure(deployments_[pair.deployment], device, std::nullopt);
    classify(device, pair);
}

void Reducer::on(const StateReported& event, Timestamp now) {
    const DeviceSlot device = device_slot(event.device);
    const auto known = find_deployment(event.state.deployment);
    const bool new_pair = !known || find_pair(device, *known) == nullptr;
    if (new_pair && devices_[device].pairs.size() >= contracts::kMaxDeploymentsPerDevice) {
        ++ignored_reports_;
        return;
    }
    const DeploymentSlot deployment = deployment_slot(event.state.deployment);
    Pair& reported = pair(device, deployment);
    const std::int64_t at = event.state.last_event_at.microseconds();
    if (reported.reported != Reported::Nothing && reported.replay == replay_ && at < reported.last_event_us) {
        ++ignored_reports_;
        devices_[device].overtaken = true;
        return;
    }
    reported.replay = replay_;
    reported.last_event_us = at;
    reported.reported_s = static_cast<std::uint32_t>(std::clamp<std::int64_t>(now.seconds(), 0, UINT32_MAX));
    std::from_chars(event.state.score_hash.data(),
                    event.state.score_hash.data() + event.state.score_hash.size(), reported.reported_hash,
                    16);
    std::optional<Failure> failure;
    switch (event.state.phase) {
        case contracts::Phase::Pending:
            reported.reported = Reported::Pending;
            break;
        case contracts::Phase::Running:
            reported.reported = Reported::Running;
            break;
        case contracts::Phase::Failed:
            reported.reported = Reported::Failed;
            failure = Failure{event.state.last_event_at,
                              shortened(event.state.last_error.value_or("the device gave no reason"))};
            break;
    }
    keep_failure(deployments_[deployment], device, std::move(failure));
    classify(device, reported);
    if (devices_[device].forgotten) mark(device);
}

void Reducer::on(const StateWithdrawn& event, Timestamp) {
    const auto device = find_device(event.device);
    const auto deployment = find_deployment(event.deployment);
    if (!device || !deployment) return;
    Pair* reported = find_pair(*device, *deployment);
    if (reported == nullptr) return;
    withdraw(*device, *reported);
    erase_unused_pairs(*device);
    free_device_if_unused(*device);
}

void Reducer::on(const StateReplayBegan&, Timestamp) {
    ++replay_;
}

void Reducer::on(const StateReplayEnded&, Timestamp) {
    for (DeviceSlot device = 0; device < devices_.size(); ++device) {
        bool any = false;
        for (Pair& pair : devices_[device].pairs) {
            if (pair.reported == Reported::Nothing || pair.replay == replay_) continue;
            withdraw(device, pair);
            any = true;
        }
        if (!any) continue;
        erase_unused_pairs(device);
        free_device_if_unused(device);
    }
}

}  // namespace harmony::op
