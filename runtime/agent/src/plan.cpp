#include "harmony/agent/plan.hpp"

#include <algorithm>

namespace harmony::agent {

namespace podman = runtime::podman;

namespace {

bool runs(const podman::Container& container) {
    return container.status == podman::ContainerStatus::Running ||
           container.status == podman::ContainerStatus::Paused;
}

bool has_ended(const podman::Container& container) {
    return container.status == podman::ContainerStatus::Exited ||
           container.status == podman::ContainerStatus::Stopped;
}

// Whether the restart policy leaves a container that has ended as it is.
bool may_stay_ended(const podman::ContainerSpec& spec, const podman::Container& container) {
    if (!has_ended(container) || container.started_at == 0) return false;
    switch (spec.restart_policy) {
        case podman::RestartPolicy::Always:
            return false;
        case podman::RestartPolicy::OnFailure:
            return container.exit_code == 0;
        case podman::RestartPolicy::No:
            break;
    }
    return true;
}

bool matches(const podman::ContainerSpec& spec, const podman::Container& container) {
    return container.name == spec.name && !is_init_container(container) &&
           label_of(container, contracts::kSpecHashLabel) == label_of(spec, contracts::kSpecHashLabel);
}

const podman::Container* find_match(const podman::ContainerSpec& spec,
                                    const std::vector<podman::Container>& observed) {
    const auto found = std::find_if(observed.begin(), observed.end(),
                                    [&](const podman::Container& c) { return matches(spec, c); });
    return found == observed.end() ? nullptr : &*found;
}

std::string ended_text(const podman::Container& container) {
    return "container " + container.name + " exited with code " + std::to_string(container.exit_code);
}

}  // namespace

bool ContainerPlan::empty() const {
    return init.empty() && remove_leftovers.empty() && remove.empty() && create.empty() && start.empty();
}

ContainerPlan plan(const std::optional<ContainerSet>& desired,
                   const std::vector<podman::Container>& observed) {
    ContainerPlan result;
    std::vector<const podman::Container*> kept;
    if (desired) {
        for (const podman::ContainerSpec& spec : desired->services) {
            const podman::Container* match = find_match(spec, observed);
            if (!match) {
                result.create.push_back(spec);
                continue;
            }
            kept.push_back(match);
            if (!runs(*match) && !may_stay_ended(spec, *match)) {
                result.start.push_back({match->name, match->id});
            }
        }
        if (!result.create.empty()) result.init = desired->init;
    }
    for (const podman::Container& container : observed) {
        if (std::find(kept.begin(), kept.end(), &container) != kept.end()) continue;
        auto& removals = is_init_container(container) ? result.remove_leftovers : result.remove;
        removals.push_back({container.name, container.id});
    }
    return result;
}

Assessment assess(const ContainerSet& desired, const std::vector<podman::Container>& observed,
                  const std::vector<std::string>& restarting) {
    Assessment result;
    result.phase = contracts::Phase::Running;
    const auto worsen = [&](contracts::Phase phase, std::optional<std::string> problem) {
        if (result.phase == contracts::Phase::Failed) return;
        result.phase = phase;
        result.problem = std::move(problem);
    };
    for (const podman::Container& container : observed) {
        if (is_init_container(container)) continue;
        result.containers.push_back({container.name, container.id, container.image});
    }
    std::sort(result.containers.begin(), result.containers.end(),
              [](const auto& a, const auto& b) { return a.name < b.name; });
    for (const podman::ContainerSpec& spec : desired.services) {
        const podman::Container* match = find_match(spec, observed);
        if (!match || (!runs(*match) && !has_ended(*match))) {
            worsen(contracts::Phase::Pending, std::nullopt);
        } else if (has_ended(*match)) {
            if (may_stay_ended(spec, *match) && match->exit_code == 0) continue;
            worsen(contracts::Phase::Failed, ended_text(*match));
        } else if (std::find(restarting.begin(), restarting.end(), match->id) != restarting.end()) {
            worsen(contracts::Phase::Failed, "container " + match->name + " keeps ending and is restarted");
        }
    }
    return result;
}

}  // namespace harmony::agent
