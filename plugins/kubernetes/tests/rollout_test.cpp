#include "rollout.hpp"

#include "fake_cluster.hpp"
#include "rollout_wait.hpp"

using namespace harmony::cluster;
using namespace harmony::cluster::testing;
using Catch::Contains;

namespace {

json deployment(int wanted, int updated, int available) {
    return {{"apiVersion", "apps/v1"},
            {"kind", "Deployment"},
            {"metadata", {{"name", "web"}, {"generation", 2}}},
            {"spec", {{"replicas", wanted}, {"selector", {{"matchLabels", {{"app", "web"}}}}}}},
            {"status",
             {{"observedGeneration", 2},
              {"replicas", updated},
              {"updatedReplicas", updated},
              {"availableReplicas", available}}}};
}

json pod(json container_status) {
    container_status["name"] = "main";
    container_status["image"] = "registry/web:2";
    return {{"apiVersion", "v1"},
            {"kind", "Pod"},
            {"metadata", {{"name", "web-1"}, {"labels", {{"app", "web"}}}}},
            {"status",
             {{"phase", "Pending"}, {"containerStatuses", json::array({std::move(container_status)})}}}};
}

const json kCrashing{{"restartCount", 5},
                     {"state", {{"waiting", {{"reason", "CrashLoopBackOff"}}}}},
                     {"lastState", {{"terminated", {{"exitCode", 137}, {"reason", "OOMKilled"}}}}}};

harmony::plugin::KubernetesRollout of_deployment(int timeout_s) {
    return {.objects = {{.api_version = "apps/v1", .kind = "Deployment", .name = "web"}},
            .timeout_s = timeout_s};
}

}  // namespace

TEST_CASE("a Deployment is ready when its newest replicas are available and no old one is left") {
    CHECK(rollout_state(deployment(3, 3, 3)) ==
          RolloutState{RolloutPhase::Ready, "3 of 3 replicas are available"});
    CHECK(rollout_state(deployment(3, 3, 2)).phase == RolloutPhase::Waiting);
    CHECK(rollout_state(deployment(3, 1, 1)).detail == "1 of 3 replicas are new");
    json old = deployment(3, 3, 3);
    old["status"]["replicas"] = 4;
    CHECK(rollout_state(old).phase == RolloutPhase::Waiting);
    json unseen = deployment(3, 3, 3);
    unseen["metadata"]["generation"] = 3;
    CHECK(rollout_state(unseen).phase == RolloutPhase::Waiting);
    json stuck = deployment(3, 1, 1);
    stuck["status"]["conditions"] = {
        {{"type", "Progressing"}, {"status", "False"}, {"reason", "ProgressDeadlineExceeded"}}};
    CHECK(rollout_state(stuck).phase == RolloutPhase::Failed);
    json refused = deployment(3, 0, 0);
    refused["status"]["conditions"] = {
        {{"type", "ReplicaFailure"}, {"status", "True"}, {"message", "exceeded quota: small"}}};
    CHECK_THAT(rollout_state(refused).detail, Contains("exceeded quota: small"));
}

TEST_CASE("other kinds are ready by their own signs") {
    const json set{{"kind", "StatefulSet"},
                   {"spec", {{"replicas", 1}}},
                   {"status", {{"readyReplicas", 1}, {"currentRevision", "a"}, {"updateRevision", "b"}}}};
    CHECK(rollout_state(set).phase == RolloutPhase::Waiting);
    json done = set;
    done["status"]["currentRevision"] = "b";
    CHECK(rollout_state(done).phase == RolloutPhase::Ready);
    CHECK(rollout_state({{"kind", "PersistentVolumeClaim"}, {"status", {{"phase", "Pending"}}}}).phase ==
          RolloutPhase::Waiting);
    CHECK(rollout_state({{"kind", "Pod"}, {"status", {{"phase", "Failed"}}}}).phase == RolloutPhase::Failed);
    CHECK(rollout_state({{"kind", "ConfigMap"}}).phase == RolloutPhase::Ready);
    const json definition{{"kind", "CustomResourceDefinition"},
                          {"status", {{"conditions", {{{"type", "Established"}, {"status", "True"}}}}}}};
    CHECK(rollout_state(definition).phase == RolloutPhase::Ready);
}

TEST_CASE("the reason of a pod that does not run is told from its status") {
    const auto pulled = pod_trouble(
        pod({{"state", {{"waiting", {{"reason", "ImagePullBackOff"}, {"message", "no such image"}}}}}}));
    REQUIRE(pulled);
    CHECK(pulled->text ==
          "container main of pod web-1: the image registry/web:2 can't be pulled: no such image");
    CHECK_FALSE(pulled->hopeless);
    const auto crashed = pod_trouble(pod(kCrashing));
    REQUIRE(crashed);
    CHECK_THAT(crashed->text, Contains("exit code 137 (OOMKilled), 5 restarts"));
    CHECK(crashed->previous);
    CHECK(crashed->hopeless);
    json unscheduled = pod({});
    unscheduled["status"]["conditions"] = {
        {{"type", "PodScheduled"}, {"status", "False"}, {"message", "0/1 nodes are available"}}};
    CHECK_THAT(pod_trouble(unscheduled)->text, Contains("fits no node: 0/1 nodes are available"));
    CHECK_FALSE(pod_trouble(pod({{"state", {{"waiting", {{"reason", "ContainerCreating"}}}}}})));
    CHECK_FALSE(pod_trouble(pod({{"state", {{"running", json::object()}}}, {"ready", true}})));
    CHECK_THAT(pod_trouble({{"status", "nonsense"}})->text, Contains("is not scheduled"));
}

TEST_CASE("waiting tells progress and ends when everything is rolled out") {
    FakeCluster cluster;
    cluster.make(kDeployments, deployment(2, 2, 1));
    cluster.call.on_wait = [&] {
        auto stored = cluster.client->get({kDeployments, "shop", "web"});
        (*stored)["status"]["availableReplicas"] = 2;
        static_cast<void>(cluster.client->replace({kDeployments, "shop", "web"}, *stored));
    };
    const auto ready = await_rollout(cluster.session, of_deployment(5));
    REQUIRE(ready);
    CHECK(ready->at(0).ref.name_space == "shop");
    CHECK(ready->at(0).detail == "2 of 2 replicas are available");
    CHECK(cluster.call.said ==
          std::vector<std::string>{"Deployment web in namespace shop: 1 of 2 replicas are available"});
}

TEST_CASE("a container that ends again and again ends the waiting early, with its last log lines") {
    FakeCluster cluster;
    cluster.make(kDeployments, deployment(1, 1, 0));
    cluster.make(kPods, pod(kCrashing));
    cluster.server->set_logs({"shop", "web-1"}, "cannot open /config\n");
    const auto ready = await_rollout(cluster.session, of_deployment(3600));
    REQUIRE_FALSE(ready);
    CHECK(ready.error().code == harmony::plugin::Kubernetes::kNotRolledOut);
    CHECK_THAT(ready.error().summary, Contains("ends again and again"));
    CHECK(ready.error().detail == "cannot open /config\n");
    CHECK_THAT(ready.error().hint, Contains("kubectl describe deployments.apps web -n shop"));
}

TEST_CASE("a container that runs and does not become ready is told with its last log lines") {
    FakeCluster cluster;
    cluster.make(kDeployments, deployment(1, 1, 0));
    cluster.make(kPods, pod({{"state", {{"running", json::object()}}}, {"ready", false}}));
    cluster.server->set_logs({"shop", "web-1"}, "waiting for the database\n");
    cluster.call.end = std::chrono::steady_clock::now();
    const auto late = await_rollout(cluster.session, of_deployment(1));
    REQUIRE_FALSE(late);
    CHECK_THAT(late.error().summary, Contains("container main of pod web-1 runs and is not ready"));
    CHECK(late.error().detail == "waiting for the database\n");
}

TEST_CASE("a container that waits for one that ends again and again does not hide it") {
    FakeCluster cluster;
    cluster.make(kDeployments, deployment(1, 1, 0));
    json two = pod({{"state", {{"running", json::object()}}}, {"ready", false}});
    json crashing = kCrashing;
    crashing["name"] = "sidecar";
    two["status"]["containerStatuses"].push_back(crashing);
    cluster.make(kPods, two);
    const auto ready = await_rollout(cluster.session, of_deployment(3600));
    REQUIRE_FALSE(ready);
    CHECK_THAT(ready.error().summary, Contains("container sidecar of pod web-1 ends again and again"));
}

TEST_CASE("what the cluster warns of a pod that does not start is told, rather than what it says of others") {
    const api::ResourceType events{"", "v1", "events", "Event", true};
    const auto event = [](const char* name, const char* kind, const char* of, const char* reason) {
        return json{{"apiVersion", "v1"},
                    {"kind", "Event"},
                    {"metadata", {{"name", name}}},
                    {"type", "Warning"},
                    {"reason", reason},
                    {"message", "as said"},
                    {"lastTimestamp", "1"},
                    {"involvedObject", {{"kind", kind}, {"name", of}}}};
    };
    FakeCluster cluster;
    cluster.make(kDeployments, deployment(1, 1, 0));
    cluster.make(kPods, pod({{"state", {{"waiting", {{"reason", "ContainerCreating"}}}}}}));
    cluster.make(events, event("a", "Deployment", "web", "Slow"));
    cluster.make(events, event("b", "Pod", "web-2", "Evicted"));
    json newer_of_a_namesake = event("e", "Service", "web", "Unreachable");
    newer_of_a_namesake["lastTimestamp"] = "2";
    cluster.make(events, newer_of_a_namesake);
    cluster.call.end = std::chrono::steady_clock::now();
    CHECK_THAT(await_rollout(cluster.session, of_deployment(1)).error().summary, Contains("Slow: as said"));
    // One that is ready has warnings behind it.
    json ready = pod({{"state", {{"running", json::object()}}}, {"ready", true}});
    ready["metadata"]["name"] = "web-0";
    ready["status"]["conditions"] = json::array({json{{"type", "Ready"}, {"status", "True"}}});
    cluster.make(kPods, ready);
    cluster.make(events, event("d", "Pod", "web-0", "Unhealthy"));
    cluster.make(events, event("c", "Pod", "web-1", "FailedMount"));
    CHECK_THAT(await_rollout(cluster.session, of_deployment(1)).error().summary,
               Contains("FailedMount: as said"));
}

TEST_CASE("at the end of the time the reason is told, and a cancelled wait ends at once") {
    FakeCluster cluster;
    cluster.make(kDeployments, deployment(1, 1, 0));
    cluster.make(kPods, pod({{"state", {{"waiting", {{"reason", "ErrImagePull"}, {"message", "denied"}}}}}}));
    cluster.call.end = std::chrono::steady_clock::now();
    const auto late = await_rollout(cluster.session, of_deployment(1));
    REQUIRE_FALSE(late);
    CHECK_THAT(late.error().summary, Contains("is not rolled out within 1 s") && Contains("denied"));
    cluster.call.end.reset();
    cluster.call.waits_left = 1;
    CHECK(await_rollout(cluster.session, of_deployment(60)).error().status == HP_E_CANCELLED);
}

TEST_CASE("the last warning among events is the newest one") {
    CHECK(last_warning({{{"type", "Warning"}, {"lastTimestamp", "2"}, {"reason", "B"}, {"message", "b"}},
                        {{"type", "Normal"}, {"lastTimestamp", "3"}, {"reason", "C"}, {"message", "c"}},
                        {{"type", "Warning"}, {"lastTimestamp", "1"}, {"reason", "A"}, {"message", "a"}}}) ==
          "B: b");
    CHECK(last_warning({}).empty());
}
