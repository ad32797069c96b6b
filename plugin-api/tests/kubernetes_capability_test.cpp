// kubernetes/1 speaks to its own server through JSON: what goes in has to come out.
#include <catch2/catch.hpp>
#include <harmony/plugin/testing/fake_kubernetes.hpp>

using namespace harmony::plugin;
using namespace harmony::plugin::testing;

namespace {

// Passes text, as the boundary does.
class Loop final : public CapabilityCaller {
 public:
    explicit Loop(Kubernetes& server) : server_(server) {}
    Result<Json> call(std::string_view capability, std::string_view method, const Json& params) override {
        CHECK(capability == Kubernetes::kId);
        auto parsed = Json::parse(params.dump());
        REQUIRE(parsed);
        auto result = Kubernetes::dispatch(server_, method, *parsed);
        if (!result) return result;
        return Json::parse(result->dump());
    }

 private:
    Kubernetes& server_;
};

Json config(const std::string& value) {
    return Json::object({{"apiVersion", "v1"},
                         {"kind", "ConfigMap"},
                         {"metadata", Json::object({{"name", "web"}, {"namespace", "shop"}})},
                         {"data", Json::object({{"page", value}})}});
}

const KubernetesRef kWeb{.api_version = "v1", .kind = "ConfigMap", .name_space = "shop", .name = "web"};
const KubernetesOwner kOwner{.score = "WebScore", .part_of = "shop"};

}  // namespace

TEST_CASE("kubernetes: objects arrive whole, and a difference comes back before and after apply") {
    FakeKubernetes cluster;
    Loop loop(cluster);
    auto client = Kubernetes::client(loop);

    auto planned = client->diff({{config("one")}, kOwner});
    REQUIRE(planned);
    CHECK(planned->at(0).ref == kWeb);
    CHECK(planned->at(0).action == KubernetesAction::Create);
    CHECK(cluster.size() == 0);
    auto applied = client->apply({{config("one")}, kOwner});
    REQUIRE(applied);
    CHECK(applied->at(0).action == KubernetesAction::Create);
    CHECK(client->diff({{config("one")}, kOwner})->at(0).action == KubernetesAction::None);
    auto changed = client->diff({{config("two")}, kOwner});
    CHECK(changed->at(0).action == KubernetesAction::Update);
    CHECK_FALSE(changed->at(0).diff.empty());
    auto found = client->get(kWeb);
    REQUIRE(found);
    REQUIRE(*found);
    CHECK((**found)["data"]["page"] == Json("one"));
    CHECK(client->list({.kind = {"v1", "ConfigMap"}, .name_space = "shop"})->size() == 1);
    CHECK(client->list({.kind = {"v1", "ConfigMap"}, .labels = {{"a", "b"}}})->empty());
    CHECK(*client->owned({kOwner, {{"v1", "ConfigMap"}}}) == std::vector<KubernetesRef>{kWeb});
    CHECK(client->wait({{kWeb}, 1})->at(0).ref == kWeb);
    CHECK(*client->remove({.ref = kWeb}));
    CHECK_FALSE(*client->remove({.ref = kWeb}));
    CHECK_FALSE(client->get(kWeb)->has_value());
}

TEST_CASE("kubernetes: namespaces, addresses and what does not roll out cross too") {
    FakeKubernetes cluster;
    Loop loop(cluster);
    auto client = Kubernetes::client(loop);

    CHECK(client->info()->server == "https://127.0.0.1:6443");
    CHECK(*client->ensure_namespace("shop", 1));
    CHECK_FALSE(*client->ensure_namespace("shop", 1));
    cluster.expose("web", "http", {"10.0.0.1", 30423, KubernetesRoute::NodePort});
    auto address = client->reach({.service = "web", .port = "http"});
    REQUIRE(address);
    CHECK(address->route == KubernetesRoute::NodePort);
    CHECK(address->port == 30423);
    CHECK_FALSE(client->reach({.service = "web", .port = "metrics"}));
    cluster.put(config("by hand"));
    cluster.stuck("web", "the image web:2 cannot be pulled");
    CHECK(client->wait({{kWeb}, 1}).error().code == Kubernetes::kNotRolledOut);
    CHECK(step_action(KubernetesAction::Update) == Action::Update);
    CHECK_FALSE(step_action(KubernetesAction::None));
}

TEST_CASE("kubernetes: wrong parameters are refused with their path, without the objects' content") {
    FakeKubernetes cluster;
    auto json = Json::parse(R"({"objects":"hunter2","owner":{"score":"WebScore"}})");
    auto result = Kubernetes::dispatch(cluster, "apply", *json);
    REQUIRE_FALSE(result);
    CHECK(result.error().path == "objects");
    CHECK(result.error().summary.find("hunter2") == std::string::npos);
    CHECK(cluster.calls().empty());
    CHECK(
        Kubernetes::dispatch(cluster, "wait", *Json::parse(R"({"objects":[],"timeout_s":0})")).error().path ==
        "timeout_s");
    CHECK(Kubernetes::dispatch(cluster, "explode", Json::object()).error().status == HP_E_METHOD);
}
