// What users do: apply, change and delete Deployments, move devices, add, forget and replace devices.
#include "harmony/contracts/fleet_api.hpp"
#include "harmony/contracts/podman_v0.hpp"
#include "world.hpp"

namespace harmony::simulation {

namespace {

constexpr std::int64_t kDeployments = 4;
constexpr std::size_t kMostDevices = 8;

contracts::PodmanService service(std::string name, std::string image, const std::string& version,
                                 contracts::RestartPolicy policy) {
    contracts::PodmanService result;
    result.name = std::move(name);
    result.image = std::move(image);
    result.env["VERSION"] = version;
    result.restart_policy = policy;
    return result;
}

}  // namespace

contracts::Score World::random_score() {
    const std::string version = std::to_string(++last_version_);
    contracts::PodmanV0 score;
    const auto kind = random_.below(100);
    const std::string image = kind < 3   ? "crash:1"
                              : kind < 6 ? "gone:1"
                                         : "stable:" + std::to_string(kind % 3);
    const auto services = random_.between(1, 2);
    for (std::int64_t i = 0; i < services; ++i) {
        score.services.push_back(service(
            "s" + std::to_string(i), i == 0 ? image : "stable:0", version,
            random_.chance(0.7) ? contracts::RestartPolicy::Always : contracts::RestartPolicy::OnFailure));
    }
    if (random_.chance(0.25)) {
        contracts::PodmanInitContainer init;
        init.name = "prepare";
        const auto how = random_.below(100);
        init.image = how < 5 ? "init-fail:1" : how < 8 ? "init-hang:1" : "init-ok:1";
        init.timeout = std::chrono::seconds(random_.between(5, 60));
        score.init_containers.push_back(std::move(init));
    }
    score.lifecycle.grace_period = std::chrono::seconds(random_.between(1, 20));
    return score.to_score();
}

contracts::DeploymentSpec World::random_spec() {
    contracts::DeploymentSpec spec;
    if (random_.chance(0.6)) {
        spec.target_selector.match_labels["site"] = random_.chance(0.5) ? "north" : "south";
    } else if (random_.chance(0.5)) {
        spec.target_selector.match_expressions.push_back(
            {"tier", contracts::SelectorOperator::NotIn, {std::to_string(random_.below(3))}});
    }
    spec.score = random_score();
    if (random_.chance(0.5)) {
        contracts::Rolling rolling;
        rolling.max_unavailable = {random_.between(1, 2), false};
        rolling.min_ready = std::chrono::seconds(random_.chance(0.5) ? 0 : random_.between(1, 30));
        rolling.max_failures = {random_.between(0, 2), false};
        spec.rollout = rolling;
    }
    spec.paused = random_.chance(0.05);
    return spec;
}

contracts::Labels World::random_labels() {
    return {{"site", random_.chance(0.5) ? "north" : "south"}, {"tier", std::to_string(random_.below(3))}};
}

void World::random_change() {
    const auto kind = random_.below(100);
    const std::string name = "app-" + std::to_string(random_.below(kDeployments) + 1);
    if (kind < 70) {
        const auto stored = store_.content().deployments.find(name);
        contracts::DeploymentSpec spec = random_spec();
        if (stored != store_.content().deployments.end() && random_.chance(0.7)) {
            // The usual change: another version of the same.
            contracts::DeploymentSpec changed = stored->second.deployment.spec;
            changed.score = spec.score;
            changed.paused = spec.paused;
            spec = std::move(changed);
        }
        apply(name, std::move(spec));
    } else if (kind < 80) {
        remove(name);
    } else if (kind < 92) {
        AgentNode& node = *random_.pick(devices_);
        node.set_labels(random_labels());
    } else if (kind < 94) {
        forget_device(random_.pick(devices_)->name());
    } else if (kind < 96 || devices_.size() >= kMostDevices) {
        replace_device(static_cast<std::size_t>(random_.below(static_cast<std::int64_t>(devices_.size()))));
    } else {
        join_device(next_device(), random_labels());
    }
}

std::string World::next_device() const {
    return "edge-" + std::to_string(devices_.size() + retired_.size() + 1);
}

// By one that is new.
void World::replace_device(std::size_t index) {
    const std::string next = next_device();
    const auto place = devices_.begin() + static_cast<std::ptrdiff_t>(index);
    AgentNode& old = *retired_.emplace_back(std::move(*place));
    devices_.erase(place);
    history_.add(Happened::DeviceRetired, old.name());
    old.retire();
    forget_device(old.name());
    join_device(next, random_labels());
}

// Again, where the request was lost or the device had something to say still.
void World::forget_retired() {
    for (const auto& node : retired_) {
        if (store_.content().devices.contains(node->name())) forget_device(node->name());
    }
}

void World::apply(const std::string& name, contracts::DeploymentSpec spec) {
    if (!in_request_.insert(name).second) return;
    contracts::ApplyRequest request;
    request.deployment.metadata.name = name;
    request.deployment.spec = std::move(spec);
    invariants_.on_apply(name, request.deployment.spec);
    runtime::nats::Message message;
    message.subject = std::string(contracts::kDeploymentsApply);
    message.payload = request.encode();
    history_.add(Happened::Applied, name, message.payload);
    broker_.call_api(user_link_, std::move(message), [this, name](std::optional<std::string> reply) {
        in_request_.erase(name);
        if (!reply) return history_.add(Happened::Unanswered, name);
        const auto applied = contracts::ApplyReply::decode(*reply);
        if (!applied) return history_.add(Happened::Refused, name, applied.error().text());
        history_.add(Happened::Acknowledged, name,
                     "generation " + std::to_string(applied->deployment.metadata.generation));
        invariants_.on_applied(name, applied->deployment);
    });
}

void World::remove(const std::string& name) {
    if (!in_request_.insert(name).second) return;
    invariants_.on_delete(name);
    runtime::nats::Message message;
    message.subject = std::string(contracts::kDeploymentsDelete);
    message.payload = contracts::NameRequest{name}.encode();
    history_.add(Happened::Applied, name, "delete");
    broker_.call_api(user_link_, std::move(message), [this, name](std::optional<std::string> reply) {
        in_request_.erase(name);
        if (!reply) return history_.add(Happened::Unanswered, name);
        const auto deleted = contracts::DeleteReply::decode(*reply);
        if (!deleted) return history_.add(Happened::Refused, name, deleted.error().text());
        history_.add(Happened::Acknowledged, name, "deleted");
        invariants_.on_deleted(name);
    });
}

void World::forget_device(const std::string& name) {
    if (!in_request_.insert(name).second) return;
    runtime::nats::Message message;
    message.subject = std::string(contracts::kDevicesDelete);
    message.payload = contracts::NameRequest{name}.encode();
    history_.add(Happened::Applied, name, "forget");
    invariants_.on_forget(name);
    broker_.call_api(user_link_, std::move(message), [this, name](std::optional<std::string> reply) {
        in_request_.erase(name);
        if (!reply) return history_.add(Happened::Unanswered, name);
        const auto forgotten = contracts::DeleteReply::decode(*reply);
        if (!forgotten) return history_.add(Happened::Refused, name, forgotten.error().text());
        invariants_.on_forgotten(name);
        history_.add(Happened::Acknowledged, name, "forgotten");
    });
}

}  // namespace harmony::simulation
