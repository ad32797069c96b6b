// FleetOperatorScore on kubernetes/1, with a cluster in memory.
#include <algorithm>
#include <catch2/catch.hpp>
#include <harmony/plugin/testing/fake_host.hpp>
#include <harmony/plugin/testing/fake_kubernetes.hpp>

#include "cluster_fixture.hpp"

using namespace harmony::fleet_operator::testing;
using namespace harmony::plugin;
using namespace harmony::plugin::testing;
using Catch::Contains;

namespace {

std::vector<std::string> ids(const Plan& plan) {
    std::vector<std::string> list;
    for (const auto& step : plan.steps)
        list.push_back(step.id);
    return list;
}

const std::string kDeployments = "CustomResourceDefinition /deployments.fleet.nationtech.io";
const std::string kDevices = "CustomResourceDefinition /devices.fleet.nationtech.io";

KubernetesRef definition_ref(const std::string& plural) {
    return {.api_version = "apiextensions.k8s.io/v1",
            .kind = "CustomResourceDefinition",
            .name = plural + ".fleet.nationtech.io"};
}

Json definition_of(ClusterFixture& fixture, int version) {
    Json object = fixture.cluster.get(definition_ref("deployments")).value().value();
    object["metadata"]["annotations"]["fleet.nationtech.io/definition-version"] = std::to_string(version);
    return object;
}

}  // namespace

TEST_CASE(
    "the definitions and every object are planned, applied and proved, and a plan afterwards is empty") {
    ClusterFixture fixture("edge-7");
    fixture.add_nats();
    auto score = fixture.score();
    const auto plan = score.plan().value();
    CHECK(ids(plan) == std::vector<std::string>{
                           kDeployments, kDevices, "Namespace edge-7", "ServiceAccount edge-7/fleet-operator",
                           "Role edge-7/fleet-operator", "RoleBinding edge-7/fleet-operator",
                           "ClusterRole /fleet-operator-edge-7", "ClusterRoleBinding /fleet-operator-edge-7",
                           "ConfigMap edge-7/fleet-operator-config",
                           "Secret edge-7/fleet-operator-credentials", "NetworkPolicy edge-7/fleet-operator",
                           "Deployment edge-7/fleet-operator"});
    CHECK(to_json(plan).dump().find(kPassword) == std::string::npos);
    CHECK(score.apply_all().value() == 12);
    CHECK(score.read().value().size() == 9);
}

TEST_CASE("the image is what was asked for") {
    ClusterFixture fixture("fleet-system");
    fixture.add_nats();
    const auto image = [&](Json settings) {
        fixture.apply(std::move(settings));
        return fixture.workload()["spec"]["template"]["spec"]["containers"].items()[0]["image"].string_or("");
    };
    const Json from_tag = Json::object({{"from_tag", "harmony-fleet-operator-v0.0.2"}});
    CHECK(image(Json::object()) == "localhost/harmony/harmony-fleet-operator:v" HARMONY_VERSION);
    CHECK(image(from_tag) == "localhost/harmony/harmony-fleet-operator:v0.0.2");
    Json of_registry = from_tag;
    of_registry["image_registry"] = "registry.example.com/edge/";
    CHECK(image(of_registry) == "registry.example.com/edge/harmony-fleet-operator:v0.0.2");
    CHECK(image(Json::object({{"image_tag", "1f2e"}})) == "localhost/harmony/harmony-fleet-operator:1f2e");
    CHECK(image(Json::object({{"image", "x/y@sha256:00"}})) == "x/y@sha256:00");
    const auto both = fixture.score(Json::object({{"from_tag", from_tag["from_tag"]}, {"image_tag", "1"}}));
    CHECK(fixture.host.invoke(both.handle(), "score.validate", Json::object()).error().path == "from_tag");
}

TEST_CASE("the pod has the rights it needs, and nothing of root's") {
    ClusterFixture fixture("fleet-system");
    fixture.add_nats();
    fixture.apply(Json::object({{"replicas", 2}, {"image_pull_secret", "registry"}}));
    const Json spec = fixture.workload()["spec"];
    CHECK(spec["replicas"] == Json(2));
    const Json pod = spec["template"]["spec"];
    CHECK(pod["imagePullSecrets"].items()[0]["name"] == Json("registry"));
    CHECK(pod["securityContext"]["runAsNonRoot"] == Json(true));
    CHECK(pod["securityContext"]["seccompProfile"]["type"] == Json("RuntimeDefault"));
    const Json container = pod["containers"].items()[0];
    CHECK(container["securityContext"]["readOnlyRootFilesystem"] == Json(true));
    CHECK(container["securityContext"]["allowPrivilegeEscalation"] == Json(false));
    CHECK(container["securityContext"]["capabilities"]["drop"] == Json::array({"ALL"}));
    for (const char* probe : {"readinessProbe", "livenessProbe"})
        CHECK(container[probe].is_object());
    const Json role = fixture.object("rbac.authorization.k8s.io/v1", "Role", "fleet-operator");
    CHECK_THAT(role["rules"].dump(), Contains("leases") && !Contains("\"*\"") && !Contains("secrets"));
    const Json cluster_role =
        fixture.object("rbac.authorization.k8s.io/v1", "ClusterRole", "fleet-operator-fleet-system", "");
    CHECK_THAT(cluster_role["rules"].dump(), !Contains("leases") && !Contains("\"deployments\"") &&
                                                 !Contains("\"*\"") && !Contains("secrets"));
}

TEST_CASE("the configuration names NATS inside the cluster, and a change of it restarts the pods") {
    ClusterFixture fixture("edge-7");
    fixture.add_nats();
    fixture.apply(Json::object());
    const auto config = fixture.object("v1", "ConfigMap", "fleet-operator-config")["data"]["operator.toml"];
    CHECK_THAT(config.string_or(""), Contains("urls = [\"nats://fleet-nats.edge-7.svc:4222\"]") &&
                                         Contains("store = \"kubernetes\"") &&
                                         Contains("namespace = \"edge-7\"") && !Contains(kPassword));
    const Json before = fixture.workload()["spec"]["template"];
    const auto plan = fixture.score(Json::object({{"log_level", "debug"}})).plan().value();
    CHECK(ids(plan) == std::vector<std::string>{"ConfigMap edge-7/fleet-operator-config",
                                                "Deployment edge-7/fleet-operator"});
    fixture.apply(Json::object({{"log_level", "debug"}}));
    CHECK_FALSE(fixture.workload()["spec"]["template"] == before);
}

TEST_CASE("without a NATS server the plan says what to do, and one that is about to be there defers it") {
    ClusterFixture fixture("fleet-system");
    const auto refused = fixture.score().plan();
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == "operator.nats-not-found");
    CHECK(fixture.score().plan({.pending = {"FleetNatsScore"}}).value().deferred);
}

TEST_CASE(
    "a definition that is not as it should be is replaced in a step of its own, a newer or foreign one "
    "refused") {
    ClusterFixture fixture("fleet-system");
    fixture.add_nats();
    fixture.apply(Json::object());
    SECTION("changed by hand") {
        Json changed = definition_of(fixture, 1);
        changed["spec"]["names"]["shortNames"] = Json::array({"fd"});
        fixture.cluster.put(changed);
        const auto plan = fixture.score().plan().value();
        REQUIRE(ids(plan) == std::vector<std::string>{kDeployments});
        CHECK(plan.steps[0].action == Action::Update);
        CHECK_FALSE(plan.steps[0].why.empty());
        fixture.apply(Json::object());
    }
    SECTION("newer") {
        fixture.cluster.put(definition_of(fixture, 99));
        const auto plan = fixture.score().plan();
        REQUIRE_FALSE(plan);
        CHECK(plan.error().code == "operator.definition-newer");
        CHECK_THAT(plan.error().summary, Contains("99"));
    }
    SECTION("foreign") {
        Json foreign = definition_of(fixture, 1);
        foreign["spec"]["names"]["kind"] = "Rollout";
        fixture.cluster.put(foreign);
        const auto plan = fixture.score().plan();
        REQUIRE_FALSE(plan);
        CHECK(plan.error().code == "operator.definition-foreign");
    }
}

TEST_CASE("an operator that does not take up a Deployment is not working") {
    ClusterFixture fixture("fleet-system");
    fixture.add_nats();
    fixture.apply(Json::object());
    fixture.operator_works(false);
    const auto checks = fixture.score(Json::object({{"rollout_timeout_s", 1}})).verify().value();
    REQUIRE(checks.size() == 2);
    CHECK(checks[0].ok);
    CHECK_FALSE(checks[1].ok);
    CHECK_THAT(checks[1].detail, Contains("did not take up"));
    CHECK(fixture.cluster.list({.kind = {"fleet.nationtech.io/v1alpha1", "Deployment"}}).value().empty());
}

TEST_CASE("pods that do not come up fail with the cluster's reason") {
    ClusterFixture fixture("fleet-system");
    fixture.add_nats();
    fixture.apply(Json::object());
    fixture.cluster.stuck("fleet-operator", "the image can't be pulled");
    const auto checks = fixture.score().verify();
    REQUIRE_FALSE(checks);
    CHECK(checks.error().code == Kubernetes::kNotRolledOut);
}

TEST_CASE("destroy leaves definitions, data and namespace, and says so") {
    ClusterFixture fixture("fleet-system");
    fixture.add_nats();
    fixture.apply(Json::object());
    fixture.cluster.put(lease("fleet-system"));
    auto score = fixture.score();
    const auto plan = score.plan({.purpose = Purpose::Destroy}).value();
    CHECK_THAT(plan.steps.at(0).summary, Contains("stay"));
    CHECK(plan.steps.back().object.kind == "Lease");
    CHECK(std::none_of(plan.steps.begin(), plan.steps.end(), [](const Step& s) { return s.destructive; }));
    CHECK(score.destroy_all().value() == 10);
    CHECK(fixture.cluster.get(definition_ref("deployments")).value());
    CHECK(score.read().value().empty());
}

TEST_CASE("destroy with the data also removes the definitions, while the operator still runs") {
    ClusterFixture fixture("fleet-system");
    fixture.add_nats();
    fixture.apply(Json::object());
    auto score = fixture.score();
    const auto plan = score.plan({.purpose = Purpose::Destroy, .delete_data = true}).value();
    CHECK(plan.steps.at(0).id == kDeployments);
    CHECK(plan.steps.at(0).destructive);
    CHECK(plan.steps.at(1).id == kDevices);
    CHECK(score.destroy_all(true).value() == 11);
    CHECK_FALSE(fixture.cluster.get(definition_ref("deployments")).value());
}

TEST_CASE("definitions that another operator of the cluster uses stay, and only our own Deployments go") {
    ClusterFixture fixture("fleet-system");
    fixture.add_nats();
    fixture.apply(Json::object());
    Json other = fixture.workload();
    other["metadata"]["namespace"] = "elsewhere";
    other["metadata"]["labels"] = Json::object({{"app.kubernetes.io/name", "fleet-operator"}});
    fixture.cluster.put(other);
    Json theirs = held_deployment("theirs");
    theirs["metadata"]["namespace"] = "elsewhere";
    fixture.cluster.put(theirs);
    auto score = fixture.score();
    const auto without = score.plan({.purpose = Purpose::Destroy, .delete_data = true}).value();
    CHECK(std::none_of(without.steps.begin(), without.steps.end(),
                       [](const Step& s) { return s.destructive; }));
    CHECK_THAT(without.steps.at(0).summary, Contains("another operator"));

    fixture.cluster.put(held_deployment("ours"));
    const auto plan = score.plan({.purpose = Purpose::Destroy, .delete_data = true}).value();
    CHECK(plan.steps.at(0).id == "fleetdep ours");
    CHECK(plan.steps.at(0).destructive);
    CHECK_FALSE(plan.steps.at(1).destructive);
    REQUIRE(score.destroy_all(true));
    const auto left = fixture.cluster.list({.kind = {"fleet.nationtech.io/v1alpha1", "Deployment"}}).value();
    REQUIRE(left.size() == 1);
    CHECK(left[0]["metadata"]["name"] == Json("theirs"));
    CHECK(fixture.cluster.get(definition_ref("deployments")).value());
}

TEST_CASE("Deployments that only an operator can release are not deleted without one") {
    ClusterFixture fixture("fleet-system");
    fixture.add_nats();
    fixture.apply(Json::object());
    CHECK(fixture.score().destroy_all().value() == 9);
    fixture.cluster.put(held_deployment("web"));
    const auto refused = fixture.score().plan({.purpose = Purpose::Destroy, .delete_data = true});
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == "operator.finalizers");
    CHECK_THAT(refused.error().hint, Contains("apply FleetOperatorScore again"));
    CHECK_THAT(refused.error().summary, Contains("1 Deployments"));
}

TEST_CASE("the definitions stay while Deployments of a namespace without an operator need one") {
    ClusterFixture fixture("fleet-system");
    fixture.add_nats();
    fixture.apply(Json::object());
    Json theirs = held_deployment("theirs");
    theirs["metadata"]["namespace"] = "elsewhere";
    fixture.cluster.put(theirs);
    const auto refused = fixture.score().plan({.purpose = Purpose::Destroy, .delete_data = true});
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == "operator.finalizers");
    CHECK_THAT(refused.error().summary, Contains("namespace elsewhere"));
}

TEST_CASE("what an interrupted smoke test has left goes first, while the operator still releases it") {
    ClusterFixture fixture("fleet-system");
    fixture.add_nats();
    fixture.apply(Json::object());
    fixture.cluster.put(held_deployment("a-users"));
    REQUIRE(fixture.cluster.apply({.objects = {held_deployment("harmony-probe")},
                                   .owner = {.score = "FleetOperatorScore", .part_of = "harmony-fleet"}}));
    auto score = fixture.score();
    const auto plan = score.plan({.purpose = Purpose::Destroy}).value();
    CHECK(plan.steps.at(0).id == "fleetdep harmony-probe");
    CHECK(plan.steps.at(1).object.kind != "fleetdep");
    REQUIRE(score.destroy_all());
    const auto left = fixture.cluster.list({.kind = {"fleet.nationtech.io/v1alpha1", "Deployment"}}).value();
    REQUIRE(left.size() == 1);
    CHECK(left[0]["metadata"]["name"] == Json("a-users"));
}

TEST_CASE("a destroy touches neither lease nor data of an operator that another context has applied") {
    ClusterFixture fixture("fleet-system");
    fixture.add_nats();
    fixture.apply(Json::object());
    const Json workload = fixture.workload();
    const Json deployments = fixture.cluster.get(definition_ref("deployments")).value().value();
    ClusterFixture other("fleet-system");
    Json theirs = workload;
    theirs["metadata"]["labels"] = Json::object({{"app.kubernetes.io/name", "fleet-operator"}});
    other.cluster.put(theirs);
    other.cluster.put(deployments);
    other.cluster.put(lease("fleet-system"));
    for (const bool delete_data : {false, true}) {
        const auto plan = other.score().plan({.purpose = Purpose::Destroy, .delete_data = delete_data});
        REQUIRE(plan);
        CHECK(plan->steps.empty());
    }
}

TEST_CASE("a definition that is being deleted is made anew") {
    ClusterFixture fixture("fleet-system");
    fixture.add_nats();
    fixture.apply(Json::object());
    Json leaving = fixture.cluster.get(definition_ref("deployments")).value().value();
    leaving["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z";
    fixture.cluster.put(leaving);
    const auto plan = fixture.score().plan().value();
    REQUIRE(plan.steps.size() == 1);
    CHECK(plan.steps[0].id == kDeployments);
    CHECK(plan.steps[0].action == Action::Create);
}
