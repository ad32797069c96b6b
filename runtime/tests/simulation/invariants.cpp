#include "invariants.hpp"

#include <algorithm>
#include <utility>

#include "harmony/agent/container_identity.hpp"
#include "harmony/contracts/canonical_json.hpp"
#include "harmony/contracts/deployment_state.hpp"
#include "harmony/contracts/kv.hpp"
#include "harmony/contracts/podman_v0.hpp"

namespace harmony::simulation {

namespace podman = runtime::podman;

namespace {

// An operator acts on what it read a moment ago.
constexpr Micros kStillActedOn = 3 * kMinute;
// A device that was said to run for so long is one that an update takes away. One that did not run is
// repaired.
constexpr Micros kWasAvailable = kMinute;

}  // namespace

void Invariants::violated(std::string_view invariant, std::string detail) {
    if (!violation_) violation_ = Violation{std::string(invariant), std::move(detail)};
}

void Invariants::on_put(std::string_view bucket, std::string_view key, const Broker::Stored& stored) {
    if (bucket == contracts::kDesiredStateBucket) {
        const auto parsed = contracts::parse_desired_state_key(key);
        if (!parsed) return violated(kOwned, "a key that is none: " + std::string(key));
        devices_.insert(parsed->device.str());
        if (parsed->deployment) on_desired(parsed->device.str(), parsed->deployment->str(), stored);
    } else if (bucket == contracts::kDeviceStateBucket) {
        const auto parsed = contracts::parse_device_state_key(key);
        if (parsed) on_state(parsed->device.str(), parsed->deployment.str(), stored);
    }
}

void Invariants::on_desired(const std::string& device, const std::string& deployment,
                            const Broker::Stored& stored) {
    Held& held = held_[deployment][device];
    if (stored.deleted) {
        held.hash.clear();
        held.updating = false;
        held.running_since.reset();
        return;
    }
    std::string hash = contracts::value_hash(stored.value);
    if (held.hash == hash) return;
    const bool available = held.running_since && *held.running_since + kWasAvailable <= scheduler_.now();
    const bool update = !held.hash.empty() && !held.updating && available;
    held.running_since.reset();
    held.hash = std::move(hash);
    const auto score = contracts::Score::decode(stored.value);
    const auto id = contracts::DeviceId::parse(device);
    const auto name = contracts::DeploymentName::parse(deployment);
    const auto content =
        score ? contracts::PodmanV0::from_score(*score) : Result<contracts::PodmanV0>(fail(score.error()));
    if (!content) return violated(kOwned, "a desired state that is none: " + content.error().text());
    Explained& explained = explained_[{device, deployment}];
    const agent::ContainerSet containers = agent::containers_of(*id, *name, *content);
    for (const podman::ContainerSpec& spec : containers.services)
        explained.hashes.insert(spec.labels.at(std::string(contracts::kSpecHashLabel)));
    for (const agent::InitStep& step : containers.init)
        explained.init_names.insert(step.container.name);
    if (!update) return;
    held.updating = true;
    check_budget(device, deployment);
}

void Invariants::check_budget(const std::string& device, const std::string& deployment) {
    std::vector<Limit>& limits = limits_[deployment];
    std::erase_if(limits, [&](const Limit& limit) {
        return limit.until != 0 && limit.until + kStillActedOn < scheduler_.now();
    });
    std::int64_t allowed = 0;
    for (const Limit& limit : limits) {
        if (limit.devices < 0) return;
        allowed = std::max(allowed, limit.devices);
    }
    std::int64_t updating = 0;
    std::string who;
    for (const auto& [other, held] : held_[deployment]) {
        const auto forgotten = forgotten_.find(other);
        const bool leaves = forgotten != forgotten_.end() &&
                            (!forgotten->second || *forgotten->second + kStillActedOn >= scheduler_.now());
        if (!held.updating || leaves) continue;
        ++updating;
        who += " " + other;
    }
    if (updating <= allowed) return;
    violated(kBudget, "deployment " + deployment + ": " + std::to_string(updating) + " devices at once (" +
                          who.substr(1) + "), " + std::to_string(allowed) + " allowed, the last is " +
                          device);
}

void Invariants::on_state(const std::string& device, const std::string& deployment,
                          const Broker::Stored& stored) {
    Held& held = held_[deployment][device];
    if (stored.deleted) {  // what it withdrew, it doesn't say any more
        held.running_since.reset();
        return;
    }
    const auto state = contracts::DeploymentState::decode(stored.value);
    if (!state) return;
    if (state->phase != contracts::Phase::Running || state->score_hash != held.hash)
        held.running_since.reset();
    if (state->phase != contracts::Phase::Running) return;
    if (held.reported_running.insert(state->score_hash).second) claimable_[deployment].reported.reset();
    if (state->score_hash != held.hash) return;
    held.updating = false;
    if (!held.running_since) held.running_since = scheduler_.now();
}

// A report that the broker has lost tells nobody any more that the device runs, until the device repeats it.
void Invariants::on_loss(std::string_view bucket, std::string_view key) {
    if (bucket != contracts::kDeviceStateBucket) return;
    const auto parsed = contracts::parse_device_state_key(key);
    for (auto& [deployment, devices] : held_) {
        for (auto& [device, held] : devices) {
            const bool lost = key.empty() || (parsed && parsed->device.str() == device &&
                                              parsed->deployment.str() == deployment);
            if (lost) held.running_since.reset();
        }
    }
}

void Invariants::on_create(const std::string& device, const podman::Container& container) {
    const std::string deployment = agent::label_of(container, contracts::kDeploymentLabel);
    const auto found = explained_.find({device, deployment});
    const bool owned =
        found != explained_.end() &&
        (agent::is_init_container(container)
             ? found->second.init_names.contains(container.name)
             : found->second.hashes.contains(agent::label_of(container, contracts::kSpecHashLabel)));
    if (!owned) violated(kOwned, device + " made " + container.name + ", which nobody ever asked it for");
}

void Invariants::on_start(const std::string& device, const std::vector<podman::Container>& containers) {
    std::map<std::string, std::string> running;
    for (const podman::Container& container : containers) {
        if (container.status != podman::ContainerStatus::Running || agent::is_init_container(container))
            continue;
        const std::string service = agent::label_of(container, contracts::kDeploymentLabel) + "." +
                                    agent::label_of(container, contracts::kServiceLabel);
        const auto [other, first] = running.emplace(service, container.id);
        if (first) continue;
        violated(kOneGeneration,
                 device + ": " + other->second + " and " + container.id + " both run service " + service);
    }
}

void Invariants::on_apply(const std::string& name, const contracts::DeploymentSpec& spec) {
    asked_[name].possible.push_back(spec);
    std::vector<Limit>& limits = limits_[name];
    const auto* rolling = std::get_if<contracts::Rolling>(&spec.rollout);
    const std::int64_t devices =
        rolling ? std::max<std::int64_t>(
                      1, rolling->max_unavailable.of(static_cast<std::int64_t>(devices_.size())))
                : -1;
    limits.push_back({0, devices});
}

void Invariants::on_applied(const std::string& name, const contracts::Deployment& stored) {
    Asked& asked = asked_[name];
    asked.acknowledged = stored.spec;
    asked.generation = stored.metadata.generation;
    asked.possible.clear();
    asked.may_be_gone = false;
    std::vector<Limit>& limits = limits_[name];
    for (std::size_t i = 0; i + 1 < limits.size(); ++i) {
        if (limits[i].until == 0) limits[i].until = scheduler_.now();
    }
}

void Invariants::on_delete(const std::string& name) {
    asked_[name].may_be_gone = true;
}

void Invariants::on_deleted(const std::string& name) {
    asked_[name] = {};
    asked_[name].may_be_gone = true;
}

void Invariants::on_forget(const std::string& device) {
    forgotten_[device].reset();
}

void Invariants::on_forgotten(const std::string& device) {
    forgotten_[device] = scheduler_.now();
}

// What leaves a Deployment is taken away by the labels or by who deleted it, and what joins later, even a
// Deployment of the same name, begins anew: neither is an update of what runs.
void Invariants::on_commit(const StoredContent& content) {
    for (auto& [name, devices] : held_) {
        const auto stored = content.deployments.find(name);
        const bool asked = stored != content.deployments.end() && stored->second.active &&
                           !stored->second.deployment.metadata.deletion_timestamp;
        for (auto& [id, held] : devices) {
            const auto device = content.devices.find(id);
            if (asked && device != content.devices.end() &&
                stored->second.active->target_selector.matches(device->second.info.labels))
                continue;
            held.updating = false;
            held.running_since.reset();
        }
    }
}

void Invariants::check_store(const StoredContent& content) {
    for (const auto& [name, asked] : asked_) {
        if (asked.may_be_gone || !asked.acknowledged) continue;
        const auto found = content.deployments.find(name);
        if (found == content.deployments.end())
            return violated(kAppliesKept, "deployment " + name + " was acknowledged and is not stored");
        const contracts::Deployment& stored = found->second.deployment;
        const bool known =
            stored.spec == *asked.acknowledged ||
            std::find(asked.possible.begin(), asked.possible.end(), stored.spec) != asked.possible.end();
        if (known && stored.metadata.generation >= asked.generation) continue;
        return violated(kAppliesKept, "deployment " + name + " is stored with generation " +
                                          std::to_string(stored.metadata.generation) + ", " +
                                          std::to_string(asked.generation) + " was acknowledged");
    }
}

void Invariants::check_status(const op::Reducer& reducer, const StoredContent& content,
                              std::uint64_t commits) {
    for (const auto& [name, stored] : content.deployments) {
        Claimable& claimable = claimable_[name];
        if (!claimable.name) claimable.name = *contracts::DeploymentName::parse(name);
        if (std::exchange(claimable.commits, commits) != commits) look_for_newest(claimable, stored);
        claimable.seen = scheduler_.now();
        const std::size_t expired = std::erase_if(claimable.earlier, [&](const auto& entry) {
            return entry.second + kStillActedOn < scheduler_.now();
        });
        if (expired > 0) claimable.reported.reset();
        const std::int64_t claimed = reducer.aggregate(*claimable.name).succeeded;
        if (claimed == 0) continue;
        if (!claimable.reported) claimable.reported = reported(name, claimable);
        if (claimed <= *claimable.reported) continue;
        violated(kHonestStatus, "deployment " + name + ": " + std::to_string(claimed) + " succeeded, only " +
                                    std::to_string(*claimable.reported) + " devices reported so");
    }
}

void Invariants::look_for_newest(Claimable& claimable, const op::StoredDeployment& stored) {
    // Hashing means encoding, which would be most of a run.
    if (stored.active && !claimable.newest.empty() && claimable.score == stored.active->score) return;
    if (!claimable.newest.empty()) claimable.earlier[claimable.newest] = claimable.seen;
    claimable.newest.clear();
    claimable.reported.reset();
    if (!stored.active) return;
    claimable.score = stored.active->score;
    claimable.newest = contracts::hex16(op::hash_of(claimable.score));
}

std::int64_t Invariants::reported(const std::string& deployment, const Claimable& claimable) const {
    const auto held = held_.find(deployment);
    if (held == held_.end()) return 0;
    return std::count_if(held->second.begin(), held->second.end(), [&](const auto& device) {
        const std::set<std::string>& said = device.second.reported_running;
        return said.contains(claimable.newest) ||
               std::any_of(claimable.earlier.begin(), claimable.earlier.end(),
                           [&](const auto& entry) { return said.contains(entry.first); });
    });
}

}  // namespace harmony::simulation
