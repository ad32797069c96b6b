#include "fleet_builders.hpp"

#include "harmony/contracts/canonical_json.hpp"
#include "harmony/contracts/kv.hpp"
#include "harmony/contracts/podman_v0.hpp"

namespace harmony::op::testing {

contracts::DeviceId device_id(const std::string& text) {
    return contracts::DeviceId::parse(text).value();
}

contracts::DeploymentName deployment_name(const std::string& text) {
    return contracts::DeploymentName::parse(text).value();
}

contracts::Timestamp at(double seconds) {
    return contracts::Timestamp::from_microseconds(static_cast<std::int64_t>(seconds * 1e6));
}

contracts::Score score(const std::string& image) {
    contracts::PodmanV0 payload;
    payload.services.resize(1);
    payload.services[0].name = "main";
    payload.services[0].image = image;
    return payload.to_score();
}

contracts::LabelSelector selector(const contracts::Labels& labels) {
    contracts::LabelSelector result;
    result.match_labels = labels;
    return result;
}

contracts::Deployment deployment(const std::string& name, const contracts::LabelSelector& selector,
                                 const std::string& image) {
    contracts::Deployment result;
    result.metadata.name = name;
    result.metadata.generation = 1;
    result.spec.target_selector = selector;
    result.spec.score = score(image);
    return result;
}

ReducerOptions devices_not_stored() {
    ReducerOptions options;
    options.devices_stored = false;
    return options;
}

DeploymentKnown known(const contracts::Deployment& deployment) {
    return {deployment, deployment.spec, {}};
}

contracts::DeploymentState state(const std::string& deployment, contracts::Phase phase,
                                 const contracts::Score& about, contracts::Timestamp when,
                                 const std::string& error) {
    contracts::DeploymentState result;
    result.deployment = deployment_name(deployment);
    result.phase = phase;
    result.last_event_at = when;
    if (!error.empty()) result.last_error = error;
    result.score_hash = about.hash();
    return result;
}

bool FakeBucket::consistent(const std::string& device) const {
    const auto index = values.find(device + "._index");
    if (index == values.end()) return true;
    const auto listed = contracts::DesiredIndex::decode(index->second).value();
    for (const auto& name : listed.deployments) {
        if (!values.contains(device + "." + name.str())) return false;
    }
    return true;
}

bool FakeBucket::apply(const WriteBatchAction& batch) {
    bool fine = true;
    for (const KvWrite& write : batch.writes) {
        ++writes;
        if (write.bucket != contracts::kDesiredStateBucket) {
            ++other_deletes[std::string(write.bucket) + "/" + write.key];
            continue;
        }
        if (write.value) {
            values[write.key] = *write.value;
        } else {
            values.erase(write.key);
        }
        fine = fine && consistent(write.key.substr(0, write.key.find('.')));
    }
    return fine;
}

bool FakeBucket::settle(Reducer& reducer, contracts::Timestamp now) {
    bool fine = true;
    for (;;) {
        const WriteBatchAction batch = reducer.take_writes(7, now);
        if (batch.writes.empty()) return fine;
        fine = apply(batch) && fine;
        reducer.apply(WritesAcknowledged{batch.number}, now);
    }
}

void FakeBucket::snapshot_to(Reducer& reducer, contracts::Timestamp now) const {
    reducer.apply(SnapshotBegan{}, now);
    SnapshotChunk chunk;
    for (const auto& [key, value] : values)
        chunk.entries.push_back({key, contracts::fnv1a64(value)});
    reducer.apply(chunk, now);
    reducer.apply(SnapshotEnded{}, now);
}

DeploymentKnown FakeRollouts::apply(const contracts::Deployment& deployment) {
    document = deployment;
    if (!deployment.spec.paused) {
        const std::int64_t epoch = record.epoch;
        record = next_rollout(record, active, deployment.spec);
        if (record.epoch != epoch) holdings.clear();
        active = deployment.spec;
    }
    return known();
}

RolloutKnown FakeRollouts::commit(const RolloutStep& step) {
    RolloutKnown told{document.name().value(), {}, {}};
    if (step.finished) {
        record = finished(record);
        holdings.clear();
    } else {
        ++record.version;
    }
    for (const contracts::DeviceId& device : step.devices) {
        holdings[device.str()] = step.score;
        told.holdings.push_back({device, step.score});
    }
    told.record = record;
    return told;
}

RolloutKnown FakeRollouts::rollout() const {
    RolloutKnown told{document.name().value(), record, {}};
    for (const auto& [device, score] : holdings)
        told.holdings.push_back({device_id(device), score});
    return told;
}

contracts::Score FakeRollouts::held(const std::string& device) const {
    const auto holding = holdings.find(device);
    const ScoreHash hash = !record.in_progress()       ? hash_of(active->score)
                           : holding == holdings.end() ? record.base
                                                       : holding->second;
    for (const contracts::Score& older : record.older) {
        if (hash_of(older) == hash) return older;
    }
    return active->score;
}

std::string digest(const Reducer& reducer, const std::string& device, const FakeRollouts& rollouts) {
    contracts::DesiredHashes held;
    for (const auto& name : reducer.desired(device_id(device)).deployments)
        held.emplace(name, rollouts.held(device).hash());
    return contracts::desired_digest(held);
}

}  // namespace harmony::op::testing
