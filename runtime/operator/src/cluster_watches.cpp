#include "cluster_watches.hpp"

#include <utility>

#include "harmony/daemon/logging.hpp"

namespace harmony::op {

namespace kubernetes = runtime::kubernetes;
using kubernetes::Change;
using Json = nlohmann::json;
using Tell = std::function<void(ClusterEvent)>;

namespace {

constexpr runtime::daemon::Logger kLog("cluster");

void tell_deployment(const Tell& tell, Change change, const Json& object) {
    auto seen = read_deployment(object);
    if (!seen) return;
    if (change == Change::Deleted) {
        tell(DeploymentRemoved{seen->metadata.name, *seen->metadata.uid, seen->version});
        return;
    }
    tell(DeploymentSeen{std::make_shared<const SeenDeployment>(std::move(*seen))});
}

void tell_rollout(const Tell& tell, Change change, const Json& object) {
    auto seen = read_rollout_object(object);
    if (!seen) return;
    if (change == Change::Deleted) {
        tell(RolloutRemoved{seen->uid, seen->part, seen->version});
        return;
    }
    tell(RolloutSeen{std::make_shared<const SeenRollout>(std::move(*seen))});
}

kubernetes::WatchHandlers handlers(ClusterList which, const Tell& tell,
                                   void (*on_change)(const Tell&, Change, const Json&)) {
    kubernetes::WatchHandlers result;
    result.on_replay = [=] { tell(ListBegan{which}); };
    result.on_change = [=](Change change, const Json& object) { on_change(tell, change, object); };
    result.on_caught_up = [=] { tell(ListEnded{which}); };
    result.on_trouble = [=](const kubernetes::Failure& failure) {
        kLog.warning("a watch is interrupted and goes on trying", {{"error", failure.text()}});
        tell(ClusterTrouble{failure.text()});
    };
    return result;
}

}  // namespace

ClusterWatches watch_cluster(kubernetes::KubernetesClient& client, const std::string& name_space,
                             const Tell& tell) {
    ClusterWatches watches;
    const auto watch = [&](kubernetes::WatchScope scope, kubernetes::WatchHandlers callbacks) {
        auto begun = client.watch(scope, std::move(callbacks));
        if (begun) {
            watches.push_back(std::move(*begun));
        } else {
            kLog.error("a watch could not begin", {{"error", begun.error().text()}});
        }
    };
    watch({deployment_type(), name_space}, handlers(ClusterList::Deployments, tell, tell_deployment));
    watch({config_map_type(), name_space, rollout_selector()},
          handlers(ClusterList::Rollouts, tell, tell_rollout));
    return watches;
}

}  // namespace harmony::op
