// FleetOperatorScore through the plugin kubernetes, on the real API server that ctest's fixture started (no
// nodes, so no pods).
#include <catch2/catch.hpp>
#include <harmony/capability/kubernetes.hpp>
#include <harmony/capability/secret_store.hpp>
#include <harmony/capability/service_directory.hpp>

#include "cluster_fixture.hpp"
#include "cluster_tests.hpp"
#include "rendered_chart.hpp"

using namespace harmony::fleet_operator::testing;
using namespace harmony::plugin;
using namespace harmony::plugin::testing;
using Catch::Contains;
using harmony::runtime::kubernetes::testing::need_cluster;
using harmony::runtime::kubernetes::testing::random_name;

namespace {

template <class T>
T must(Result<T> result) {
    if (!result) FAIL(result.error().code << ": " << result.error().summary << "\n" << result.error().detail);
    if constexpr (!std::is_void_v<T>) return std::move(*result);
}

// A context whose Topology is the cluster, in a namespace of its own that goes at the end.
class RealCluster final : public CapabilityCaller {
 public:
    RealCluster() {
        topology_host_->session().context = name_space;
        topology_ = must(
            topology_host_->create("topology", "K8sBareTopology",
                                   Json::object({{"kubeconfig", HARMONY_BINARY_DIR "/cluster-api/kubeconfig"},
                                                 {"namespace", name_space}})));
        host.session().context = name_space;
        host.offer<Kubernetes>(*kubernetes);
        host.offer<ServiceDirectory>(*services_);
        host.offer<SecretStore>(*secrets_);
        must(kubernetes->ensure_namespace(name_space, 30));
        REQUIRE(secrets_->put("nats/operator", kPassword));
    }
    ~RealCluster() override {
        (void)kubernetes->remove(
            {.ref = {.api_version = "v1", .kind = "Namespace", .name = name_space}, .timeout_s = 0});
    }
    RealCluster(const RealCluster&) = delete;
    RealCluster& operator=(const RealCluster&) = delete;

    Result<Json> call(std::string_view capability, std::string_view method, const Json& params) override {
        return topology_host_->capability(topology_, capability, method, params);
    }
    ScoreHandle score(Json settings = Json::object()) {
        settings["namespace"] = name_space;
        settings["nats_url"] = "nats://fleet-nats." + name_space + ".svc:4222";
        settings["rollout_timeout_s"] = 1;
        return must(host.score("FleetOperatorScore", std::move(settings)));
    }
    void apply() {
        auto one = score();
        for (const auto& step : must(one.plan()).steps)
            must(one.apply(step));
    }

    std::string name_space = random_name();
    std::unique_ptr<Kubernetes> kubernetes = Kubernetes::client(*this);
    FakeHost host{harmony_plugin_entry_1};

 private:
    std::unique_ptr<FakeHost> topology_host_ = FakeHost::load(HARMONY_KUBERNETES_PLUGIN);
    std::uint64_t topology_ = 0;
    std::unique_ptr<ServiceDirectory> services_ = ServiceDirectory::client(*this);
    std::unique_ptr<SecretStore> secrets_ = SecretStore::client(*this);
};

KubernetesRef definition() {
    return {.api_version = "apiextensions.k8s.io/v1",
            .kind = "CustomResourceDefinition",
            .name = "deployments.fleet.nationtech.io"};
}

}  // namespace

TEST_CASE(
    "on a real API server the plan after an apply is empty, and a change by hand is all that it shows") {
    need_cluster();
    RealCluster cluster;
    const auto plan = must(cluster.score().plan());
    CHECK_THAT(to_json(plan).dump(), !Contains(kPassword));
    cluster.apply();
    for (const auto& step : must(cluster.score().plan()).steps)
        FAIL("a step is left: " << to_json(step).dump());
    CHECK(must(cluster.score().read()).size() == 9);

    Json config = *must(cluster.kubernetes->get({.api_version = "v1",
                                                 .kind = "ConfigMap",
                                                 .name_space = cluster.name_space,
                                                 .name = "fleet-operator-config"}));
    CHECK_THAT(config["data"]["operator.toml"].string_or(""), Contains("store = \"kubernetes\""));
    const Json by_hand = Json::object(
        {{"apiVersion", "v1"},
         {"kind", "ConfigMap"},
         {"metadata", Json::object({{"name", "fleet-operator-config"}, {"namespace", cluster.name_space}})},
         {"data", Json::object({{"operator.toml", "by hand"}})}});
    must(cluster.kubernetes->apply(
        {.objects = {by_hand}, .owner = {.score = "FleetOperatorScore", .part_of = "harmony-fleet"}}));
    const auto mending = must(cluster.score().plan());
    REQUIRE(mending.steps.size() == 1);
    CHECK(mending.steps[0].object.kind == "ConfigMap");
    cluster.apply();
    CHECK(must(cluster.score().plan()).steps.empty());
}

TEST_CASE("without a node the smoke test says that no pod came up, and a destroy leaves the definitions") {
    need_cluster();
    RealCluster cluster;
    cluster.apply();
    const auto checks = cluster.score().verify();
    REQUIRE_FALSE(checks);
    CHECK(checks.error().code == Kubernetes::kNotRolledOut);

    auto score = cluster.score();
    const auto steps = must(score.plan({.purpose = Purpose::Destroy})).steps;
    CHECK_THAT(steps.at(0).summary, Contains("stay"));
    for (const auto& step : steps)
        must(score.destroy(step));
    CHECK(must(score.read()).empty());
    CHECK(must(cluster.kubernetes->get(definition())));
    CHECK(must(score.plan({.purpose = Purpose::Destroy})).steps.empty());
}

TEST_CASE("the API server takes every object of the rendered chart") {
    need_cluster();
    need_renderer();
    RealCluster cluster;
    const auto rendered = WrittenChart(chart()).rendered(cluster.name_space);
    std::vector<Json> objects;
    for (const auto& object : rendered.at("objects"))
        objects.push_back(parsed(object.dump()));
    for (auto& definition : rendered.at("crds")) {
        const auto changes = must(cluster.kubernetes->diff(
            {.objects = {parsed(definition.dump())}, .owner = {.score = "ChartScore"}, .shared = true}));
        CHECK(changes.size() == 1);
    }
    const auto changes =
        must(cluster.kubernetes->diff({.objects = objects, .owner = {.score = "ChartScore"}}));
    CHECK(changes.size() == objects.size());
    for (const auto& change : changes)
        CHECK(change.action == KubernetesAction::Create);
}
