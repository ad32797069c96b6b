// Whether a fleet is what is wanted of it, worked out from acknowledged resources and labels alone.
#include <algorithm>
#include <set>

#include "harmony/agent/container_identity.hpp"
#include "harmony/contracts/deployment_state.hpp"
#include "harmony/contracts/kv.hpp"
#include "harmony/contracts/podman_v0.hpp"
#include "scenario.hpp"

namespace harmony::simulation {

namespace podman = runtime::podman;

namespace {

// Calls it with each pair of a device and a Deployment that selects it.
void for_each_pair(const Wanted& wanted,
                   const std::function<void(const contracts::DeviceId&, const std::string&,
                                            const Wanted::Acknowledged&)>& visit) {
    for (const auto& [device, labels] : wanted.devices) {
        for (const auto& [name, acknowledged] : wanted.deployments) {
            if (acknowledged.spec.target_selector.matches(labels))
                visit(*contracts::DeviceId::parse(device), name, acknowledged);
        }
    }
}

std::string difference(const Entries& expected, const Entries& found) {
    for (const auto& [key, value] : expected) {
        const auto entry = found.find(key);
        if (entry == found.end()) return key + " is not there";
        if (entry->second != value) return key + " is " + entry->second + ", not " + value;
    }
    for (const auto& [key, value] : found) {
        if (!expected.contains(key)) return "an orphan: " + key;
    }
    return {};
}

std::string why_not_running_on(const std::string& device, const std::vector<podman::ContainerSpec>& wanted,
                               const std::vector<podman::Container>& found) {
    const std::string label(contracts::kSpecHashLabel);
    for (const podman::ContainerSpec& spec : wanted) {
        const bool runs = std::any_of(found.begin(), found.end(), [&](const podman::Container& container) {
            return container.name == spec.name &&
                   agent::label_of(container, contracts::kSpecHashLabel) == spec.labels.at(label) &&
                   container.status == podman::ContainerStatus::Running;
        });
        if (!runs) return "container " + spec.name + " does not run as it should";
    }
    if (found.size() == wanted.size()) return {};
    return device + " has " + std::to_string(found.size()) + " containers, not " +
           std::to_string(wanted.size());
}

}  // namespace

std::string why_not_desired(const Wanted& wanted, const Entries& desired_state) {
    Entries expected;
    std::map<std::string, contracts::DesiredIndex> indices;
    for (const auto& [device, labels] : wanted.devices)
        indices[contracts::desired_index_key(*contracts::DeviceId::parse(device))];
    for_each_pair(wanted, [&](const auto& device, const auto& name, const auto& acknowledged) {
        const auto parsed = *contracts::DeploymentName::parse(name);
        expected[contracts::desired_state_key(device, parsed)] = acknowledged.spec.score.encode();
        indices[contracts::desired_index_key(device)].deployments.push_back(parsed);
    });
    for (const auto& [key, index] : indices)
        expected[key] = index.encode();
    const std::string problem = difference(expected, desired_state);
    return problem.empty() ? "" : "desired-state: " + problem;
}

std::string why_not_running(const Wanted& wanted, const Containers& containers) {
    std::map<std::string, std::vector<podman::ContainerSpec>> expected;
    for_each_pair(wanted, [&](const auto& device, const auto& name, const auto& acknowledged) {
        const auto score = contracts::PodmanV0::from_score(acknowledged.spec.score);
        const auto set = agent::containers_of(device, *contracts::DeploymentName::parse(name), *score);
        auto& specs = expected[device.str()];
        specs.insert(specs.end(), set.services.begin(), set.services.end());
    });
    for (const auto& [device, labels] : wanted.devices) {
        const auto found = containers.find(device);
        const std::string problem = found == containers.end()
                                        ? device + " is not known"
                                        : why_not_running_on(device, expected[device], found->second);
        if (!problem.empty()) return problem;
    }
    return {};
}

std::string why_not_reported(const Wanted& wanted, const Entries& device_state) {
    std::set<std::string> expected;
    std::string problem;
    for_each_pair(wanted, [&](const auto& device, const auto& name, const auto& acknowledged) {
        const std::string key = contracts::device_state_key(device, *contracts::DeploymentName::parse(name));
        expected.insert(key);
        const auto found = device_state.find(key);
        if (found == device_state.end()) {
            problem = key + " is not there";
            return;
        }
        const auto state = contracts::DeploymentState::decode(found->second);
        const bool runs = state && state->phase == contracts::Phase::Running &&
                          state->score_hash == acknowledged.spec.score.hash();
        if (!runs) problem = key + " does not say that the newest score runs: " + found->second;
    });
    for (const auto& [key, value] : device_state) {
        if (!expected.contains(key)) problem = "an orphan: " + key;
    }
    return problem.empty() ? "" : "device-state: " + problem;
}

std::string why_not_told(const Wanted& wanted, const Deployments& deployments, const Entries& device_state) {
    for (const auto& [name, deployment] : deployments) {
        if (!wanted.deployments.contains(name)) return "deployment " + name + " is still there";
    }
    for (const auto& [name, acknowledged] : wanted.deployments) {
        const auto found = deployments.find(name);
        if (found == deployments.end()) return "deployment " + name + " was acknowledged and is not there";
        const contracts::Deployment& stored = found->second;
        if (stored.spec != acknowledged.spec || stored.metadata.generation < acknowledged.generation)
            return "deployment " + name + " is not what was acknowledged";
        contracts::DeploymentAggregate reported;
        for (const auto& [device, labels] : wanted.devices) {
            if (!acknowledged.spec.target_selector.matches(labels)) continue;
            ++reported.matched_device_count;
            const auto entry = device_state.find(contracts::device_state_key(
                *contracts::DeviceId::parse(device), *contracts::DeploymentName::parse(name)));
            const auto state = entry == device_state.end()
                                   ? std::nullopt
                                   : std::optional(contracts::DeploymentState::decode(entry->second));
            if (state && *state && (*state)->phase == contracts::Phase::Running &&
                (*state)->score_hash == acknowledged.spec.score.hash())
                ++reported.succeeded;
        }
        if (!stored.status) return "deployment " + name + " has no status";
        const contracts::DeploymentAggregate& told = stored.status->aggregate;
        if (told.matched_device_count != reported.matched_device_count ||
            told.succeeded != reported.succeeded || told.failed != 0 ||
            stored.status->observed_generation != stored.metadata.generation) {
            return "the status of " + name + " says " + std::to_string(told.succeeded) + " of " +
                   std::to_string(told.matched_device_count) + ", the devices say " +
                   std::to_string(reported.succeeded) + " of " +
                   std::to_string(reported.matched_device_count);
        }
    }
    return {};
}

std::string why_two_generations(const Containers& containers) {
    for (const auto& [device, found] : containers) {
        std::set<std::string> running;
        for (const podman::Container& container : found) {
            if (container.status != podman::ContainerStatus::Running || agent::is_init_container(container))
                continue;
            const std::string service = agent::label_of(container, contracts::kDeploymentLabel) + "." +
                                        agent::label_of(container, contracts::kServiceLabel);
            if (!running.insert(service).second) return device + " runs service " + service + " twice";
        }
    }
    return {};
}

}  // namespace harmony::simulation
