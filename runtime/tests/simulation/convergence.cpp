// Whether the fleet is what the stored resources and the devices' labels say, worked out anew from these
// alone.
#include <algorithm>

#include "harmony/agent/container_identity.hpp"
#include "harmony/contracts/kv.hpp"
#include "harmony/contracts/podman_v0.hpp"
#include "world.hpp"

namespace harmony::simulation {

namespace podman = runtime::podman;

namespace {

bool selects(const op::StoredDeployment& stored, const AgentNode& node) {
    return stored.active && !stored.deployment.metadata.deletion_timestamp &&
           stored.active->target_selector.matches(node.labels());
}

bool runs_well(const contracts::Score& score) {
    const auto content = contracts::PodmanV0::from_score(score);
    if (!content) return false;
    return std::all_of(content->services.begin(), content->services.end(),
                       [](const auto& service) { return simulation::runs_well(service.image); }) &&
           std::all_of(content->init_containers.begin(), content->init_containers.end(),
                       [](const auto& init) { return simulation::runs_well(init.image); });
}

// Whether every device is to hold the newest score by now.
bool is_everywhere(const op::StoredDeployment& stored) {
    if (!stored.rollout.in_progress()) return true;
    return runs_well(stored.active->score) && !stored.deployment.spec.paused;
}

}  // namespace

std::string World::why_not_converged() const {
    for (const auto& node : operators_) {
        if (!node->logic()) return node->name() + " does not run";
        if (!node->logic()->settled()) return node->name() + " has work left";
    }
    for (const auto& [name, stored] : store_.content().deployments) {
        if (stored.deployment.metadata.deletion_timestamp) return name + " is still being deleted";
        if (stored.rollout.in_progress() && is_everywhere(stored))
            return name + ": its rollout has not reached every device";
    }
    for (const auto& node : devices_) {
        if (std::string why = why_device_not_converged(*node); !why.empty()) return why;
    }
    if (std::string why = why_not_forgotten(); !why.empty()) return why;
    return why_status_not_converged();
}

std::string World::why_not_forgotten() const {
    const Broker::Bucket* desired = broker_.bucket(contracts::kDesiredStateBucket);
    for (const auto& node : retired_) {
        if (store_.content().devices.contains(node->name())) return node->name() + " is still registered";
        const std::string prefix = node->name() + ".";
        for (auto entry = desired->entries.lower_bound(prefix);
             entry != desired->entries.end() && entry->first.starts_with(prefix); ++entry) {
            if (!entry->second.deleted) return entry->first + " is still in desired-state";
        }
    }
    return {};
}

std::string World::why_not_settled() const {
    for (const auto& node : operators_) {
        if (node->logic() && !node->logic()->settled()) return node->name() + " has work that does not end";
    }
    for (const auto& node : devices_) {
        if (node->logic() && !node->logic()->idle()) return node->name() + " has work that does not end";
        if (node->queued() > 0) return node->name() + " has events that nobody takes";
    }
    return {};
}

std::string World::why_device_not_converged(const AgentNode& node) const {
    const auto problem = [&](const std::string& what) { return node.name() + ": " + what; };
    if (!node.logic()) return problem("its agent does not run");
    if (!store_.content().devices.contains(node.name())) return problem("it is not registered");
    const Broker::Bucket* desired = broker_.bucket(contracts::kDesiredStateBucket);
    if (!desired) return "there is no desired-state";
    contracts::DesiredIndex expected;
    for (const auto& [name, stored] : store_.content().deployments) {
        if (!selects(stored, node)) continue;
        expected.deployments.push_back(*contracts::DeploymentName::parse(name));
        if (std::string why = why_deployment_not_converged(node, stored); !why.empty()) return problem(why);
    }
    const auto index = desired->entries.find(contracts::desired_index_key(node.id()));
    if (index == desired->entries.end() || index->second.deleted || index->second.value != expected.encode())
        return problem("its index is not " + expected.encode());
    if (node.logic()->held().size() != expected.deployments.size())
        return problem("it holds " + std::to_string(node.logic()->held().size()) + " deployments");
    const std::string prefix = node.name() + ".";
    for (auto entry = desired->entries.lower_bound(prefix);
         entry != desired->entries.end() && entry->first.starts_with(prefix); ++entry) {
        const auto key = contracts::parse_desired_state_key(entry->first);
        const bool listed = key && key->deployment &&
                            std::find(expected.deployments.begin(), expected.deployments.end(),
                                      *key->deployment) != expected.deployments.end();
        if (key && key->deployment && !listed && !entry->second.deleted)
            return "an orphan in desired-state: " + entry->first;
    }
    for (const podman::Container& container : node.podman.containers()) {
        const auto name =
            contracts::DeploymentName::parse(agent::label_of(container, contracts::kDeploymentLabel));
        if (!name || std::find(expected.deployments.begin(), expected.deployments.end(), *name) ==
                         expected.deployments.end())
            return problem("container " + container.name + " has no owner");
    }
    const Broker::Bucket* states = broker_.bucket(contracts::kDeviceStateBucket);
    if (!states) return "there is no device-state";
    const std::string state_prefix = "state." + prefix;
    std::size_t told = 0;
    for (auto entry = states->entries.lower_bound(state_prefix);
         entry != states->entries.end() && entry->first.starts_with(state_prefix); ++entry)
        told += entry->second.deleted ? 0 : 1;
    if (told != expected.deployments.size())
        return problem("device-state has " + std::to_string(told) + " of its deployments");
    return {};
}

std::string World::why_deployment_not_converged(const AgentNode& node,
                                                const op::StoredDeployment& stored) const {
    const std::string& text = stored.deployment.metadata.name;
    const auto name = *contracts::DeploymentName::parse(text);
    const Broker::Bucket* desired = broker_.bucket(contracts::kDesiredStateBucket);
    const auto entry = desired->entries.find(contracts::desired_state_key(node.id(), name));
    if (entry == desired->entries.end() || entry->second.deleted) return text + " is not in desired-state";
    const std::string& value = entry->second.value;
    const contracts::Score newest = stored.active->score;
    const bool older = std::any_of(stored.rollout.older.begin(), stored.rollout.older.end(),
                                   [&](const auto& score) { return score.encode() == value; });
    if (value != newest.encode() && (is_everywhere(stored) || !older))
        return text + " in desired-state is of another score";
    const auto held = node.logic()->held().find(name);
    if (held == node.logic()->held().end()) return text + " is not held";
    if (held->second != value) return text + " is held with another score";
    const contracts::DeploymentState* state = node.logic()->book().find(name);
    const Broker::Bucket* states = broker_.bucket(contracts::kDeviceStateBucket);
    const auto told =
        states ? states->entries.find(contracts::device_state_key(node.id(), name)) : desired->entries.end();
    if (!state) return text + " has no state";
    if (!states || told == states->entries.end() || told->second.deleted ||
        told->second.value != state->encode())
        return text + ": the state told is not the device's own";
    const auto score = contracts::Score::decode(value);
    if (state->score_hash != score->hash()) return text + " reports an earlier score";
    if (!runs_well(*score)) {
        const bool crashes = value.find("crash:") != std::string::npos;
        return state->phase == contracts::Phase::Failed || crashes ? ""
                                                                   : text + " can't run and is not Failed";
    }
    if (state->phase != contracts::Phase::Running) {
        return text + " is " + std::string(contracts::to_string(state->phase)) + ": " +
               state->last_error.value_or("");
    }
    const auto wanted =
        agent::containers_of(node.id(), name, *contracts::PodmanV0::from_score(*score)).services;
    std::vector<podman::Container> present;
    for (podman::Container& container : node.podman.containers()) {
        if (agent::label_of(container, contracts::kDeploymentLabel) == text)
            present.push_back(std::move(container));
    }
    if (present.size() != wanted.size())
        return text + " has " + std::to_string(present.size()) + " containers";
    for (const podman::ContainerSpec& spec : wanted) {
        const std::string label(contracts::kSpecHashLabel);
        const bool runs =
            std::any_of(present.begin(), present.end(), [&](const podman::Container& container) {
                return container.name == spec.name && container.labels.at(label) == spec.labels.at(label) &&
                       container.status == podman::ContainerStatus::Running;
            });
        if (!runs) return text + ": container " + spec.name + " does not run as it should";
    }
    return {};
}

std::string World::why_status_not_converged() const {
    for (const auto& [name, stored] : store_.content().deployments) {
        const auto parsed = *contracts::DeploymentName::parse(name);
        std::int64_t matched = 0;
        std::int64_t succeeded = 0;
        for (const auto& node : devices_) {
            if (!selects(stored, *node)) continue;
            ++matched;
            const contracts::DeploymentState* state = node->logic()->book().find(parsed);
            const bool newest = state && state->score_hash == stored.active->score.hash();
            succeeded += newest && state->phase == contracts::Phase::Running ? 1 : 0;
        }
        const bool steady = !stored.active || stored.active->score.data.find("crash:") == std::string::npos;
        for (const auto& node : operators_) {
            const auto counted = node->logic()->reducer().aggregate(parsed);
            if (counted.matched_device_count != matched || (steady && counted.succeeded != succeeded)) {
                return node->name() + " counts " + std::to_string(counted.succeeded) + " of " +
                       std::to_string(counted.matched_device_count) + " for " + name + ", the devices say " +
                       std::to_string(succeeded) + " of " + std::to_string(matched);
            }
        }
    }
    return {};
}

}  // namespace harmony::simulation
