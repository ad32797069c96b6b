#include "cluster_harness.hpp"

#include <catch2/catch.hpp>

namespace harmony::op::testing {

namespace kubernetes = runtime::kubernetes;

ClusterUser::ClusterUser(std::shared_ptr<kubernetes::FakeKubernetesServer> server)
    : client_(server->connect()) {}

void ClusterUser::apply(const contracts::Deployment& deployment, const std::string& name_space) {
    apply_spec(deployment.metadata.name, Json::parse(deployment.encode()).at("spec"), name_space);
}

void ClusterUser::apply_spec(const std::string& name, const Json& spec, const std::string& name_space) {
    const kubernetes::ObjectRef ref{deployment_type(), name_space, name};
    Json object = get(name, name_space);
    if (object.is_null()) {
        const auto created = client_->create(
            ref,
            {{"apiVersion", contracts::kApiVersion},
             {"kind", contracts::kDeploymentKind},
             {"metadata", {{"name", name}, {"generation", 1}, {"creationTimestamp", "2026-01-01T00:00:00Z"}}},
             {"spec", spec}});
        REQUIRE(created);
        return;
    }
    object["spec"] = spec;
    object["metadata"]["generation"] = object["metadata"].value("generation", 0) + 1;
    REQUIRE(client_->replace(ref, object));
}

void ClusterUser::remove(const std::string& name) {
    REQUIRE(client_->remove({deployment_type(), kNamespace, name}));
}

void ClusterUser::remove_record(const std::string& uid) {
    REQUIRE(client_->remove({config_map_type(), kNamespace, rollout_object_name(uid, "")}));
}

Json ClusterUser::get(const std::string& name, const std::string& name_space) {
    auto found = client_->get({deployment_type(), name_space, name});
    return found ? *found : Json{};
}

bool ClusterUser::held(const std::string& name) {
    const Json object = get(name);
    return !object.is_null() && object["metadata"].contains("finalizers") &&
           object["metadata"]["finalizers"] == Json::array({contracts::kFinalizer});
}

std::vector<Json> ClusterUser::records() {
    return client_->list(config_map_type(), kNamespace)->items;
}

ClusterOperator::ClusterOperator(std::shared_ptr<kubernetes::FakeKubernetesServer> server, FakeBucket& bucket)
    : client(server->connect()),
      resources(
          kNamespace, reducer,
          [&] {
              ClusterPorts ports;
              ports.submit = [this](ClusterJob job) {
                  jobs.push_back(std::move(job));
                  return true;
              };
              ports.publish = [this](StatusWish wish) { wishes.push_back(std::move(wish)); };
              ports.list_anew = [this] { list_wanted_ = true; };
              ports.leading = [this] { return leading_; };
              ports.device_forgotten = [](const contracts::DeviceId&) {};
              return ports;
          }(),
          health),
      bucket_(bucket) {}

void ClusterOperator::lead(bool leading) {
    leading_ = leading;
    synced_ = false;
    resources.hear(LeadershipChanged{leading}, now_);
}

void ClusterOperator::turn(double seconds) {
    now_ = at(seconds);
    if (std::exchange(list_wanted_, false)) {
        watches_.clear();
        watches_ = watch_cluster(*client, kNamespace,
                                 [this](ClusterEvent event) { resources.hear(std::move(event), now_); });
    }
    resources.adopt(now_);
    if (resources.acting() && !std::exchange(synced_, true)) {
        reducer.apply(BucketUncertain{}, now_);
        bucket_.snapshot_to(reducer, now_);
    }
    if (resources.acting()) {
        resources.advance_rollouts(now_);
        REQUIRE(bucket_.settle(reducer, now_));
        resources.release_deployments(now_);
        for (LateReply& late : resources.release_devices(now_))
            replies.push_back(std::move(late.reply));
    }
    resources.keep_statuses(reducer.take_statuses(now_), now_);
}

bool ClusterOperator::run_some(double seconds, int count) {
    turn(seconds);
    const ClusterWorkerPorts ports{
        [this](ClusterEvent event) { resources.hear(std::move(event), now_); }, [this] { return leading_; },
        [this](const std::string&, std::string payload) { replies.push_back(std::move(payload)); }};
    for (; count > 0 && !jobs.empty(); --count) {
        const ClusterJob job = std::move(jobs.front());
        jobs.pop_front();
        perform(*client, kNamespace, job, ports);
        turn(seconds);
    }
    return !jobs.empty();
}

void ClusterOperator::run(double seconds) {
    while (run_some(seconds, 1000)) {
    }
}

contracts::DeploymentStatus ClusterOperator::status(const std::string& name) const {
    for (auto wish = wishes.rbegin(); wish != wishes.rend(); ++wish) {
        if (wish->deployment != name || wish->status.empty()) continue;
        contracts::Deployment holder = deployment("holder", selector({}), "img:1");
        Json document = Json::parse(holder.encode());
        document["status"] = Json::parse(wish->status);
        return contracts::Deployment::decode(document.dump()).value().status.value();
    }
    return {};
}

bool ClusterOperator::knows(const std::string& name) const {
    for (const auto& known : reducer.deployments()) {
        if (known.str() == name) return true;
    }
    return false;
}

}  // namespace harmony::op::testing
