#include "applier.hpp"

#include "fake_cluster.hpp"
#include "inventory.hpp"

using namespace harmony::cluster;
using namespace harmony::cluster::testing;
using namespace harmony::plugin;
using Catch::Contains;

namespace {

const KubernetesOwner kOwner{.score = "WebScore", .part_of = "shop"};

}  // namespace

TEST_CASE("a plan changes nothing, and a plan after an apply is empty") {
    FakeCluster cluster;
    Applier applier(cluster.session);
    const KubernetesBatch batch{{config_map("web", "one")}, kOwner};
    const auto planned = applier.diff(batch);
    REQUIRE(planned);
    CHECK(planned->at(0).action == KubernetesAction::Create);
    CHECK(planned->at(0).ref.name_space == "shop");
    CHECK_FALSE(cluster.client->get({kConfigMaps, "shop", "web"}));

    const auto applied = applier.apply(batch);
    REQUIRE(applied);
    CHECK(applied->at(0).action == KubernetesAction::Create);
    CHECK_FALSE(applied->at(0).uid.empty());
    const auto stored = cluster.client->get({kConfigMaps, "shop", "web"});
    REQUIRE(stored);
    CHECK(carries(*stored, owner_labels("bench", kOwner)));

    CHECK(applier.diff(batch)->at(0).action == KubernetesAction::None);
    CHECK(applier.apply(batch)->at(0).action == KubernetesAction::None);
    const auto changed = applier.diff({{config_map("web", "two")}, kOwner});
    REQUIRE(changed->at(0).diff.size() == 1);
    CHECK(changed->at(0).action == KubernetesAction::Update);
    CHECK(changed->at(0).diff[0].path == "data.page");
    CHECK(changed->at(0).diff[0].before == Json("one"));
}

TEST_CASE("a field that another manager owns is a conflict with its name, and force takes it") {
    FakeCluster cluster;
    Applier applier(cluster.session);
    REQUIRE(applier.apply({{config_map("web", "one")}, kOwner}));
    const json theirs{{"apiVersion", "v1"}, {"kind", "ConfigMap"}, {"data", {{"page", "by hand"}}}};
    REQUIRE(cluster.client->patch({kConfigMaps, "shop", "web"}, api::PatchKind::Apply, theirs,
                                  {.field_manager = "kubectl-edit", .force = true}));
    const auto planned = applier.diff({{config_map("web", "one")}, kOwner});
    REQUIRE(planned);
    REQUIRE(planned->at(0).conflicts.size() == 1);
    CHECK(planned->at(0).conflicts[0] == KubernetesConflict{"kubectl-edit", ".data.page"});
    REQUIRE(planned->at(0).diff.size() == 1);
    CHECK(planned->at(0).diff[0].before == Json("by hand"));

    const auto refused = applier.apply({{config_map("web", "one")}, kOwner});
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == Kubernetes::kConflict);
    CHECK_THAT(refused.error().detail, Contains("field .data.page is owned by kubectl-edit"));
    REQUIRE(applier.apply({{config_map("web", "one")}, kOwner, true}));
    CHECK(applier.diff({{config_map("web", "one")}, kOwner})->at(0).action == KubernetesAction::None);
}

TEST_CASE("what another Score or context applied is not touched") {
    FakeCluster cluster;
    Applier applier(cluster.session);
    REQUIRE(applier.apply({{config_map("web", "one")}, kOwner}));
    const auto refused = applier.apply({{config_map("web", "two")}, {.score = "MailScore"}, true});
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == "kubernetes.not-ours");
    CHECK_THAT(refused.error().summary, Contains("Score WebScore"));
    CHECK((*cluster.client->get({kConfigMaps, "shop", "web"}))["data"]["page"] == "one");
}

TEST_CASE("what was applied before a failure is listed") {
    FakeCluster cluster;
    Applier applier(cluster.session);
    cluster.server->fail("patch", 2, api::make_failure(api::Reason::QuotaExceeded, "exceeded quota: small"));
    const auto refused = applier.apply({{config_map("a", "1"), config_map("b", "1")}, kOwner});
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == "kubernetes.quota-exceeded");
    CHECK_THAT(refused.error().summary, Contains("ConfigMap b") && Contains("exceeded quota: small"));
    CHECK_THAT(refused.error().detail, Contains("applied before: ConfigMap a in namespace shop"));
    CHECK_FALSE(refused.error().hint.empty());
}

TEST_CASE("an object that is no object is refused with its place, before anything is asked") {
    FakeCluster cluster;
    Applier applier(cluster.session);
    const auto nameless = Json::parse(R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{}})");
    const auto refused = applier.diff({{config_map("web", "one"), *nameless}, kOwner});
    REQUIRE_FALSE(refused);
    CHECK(refused.error().path == "objects[1].metadata.name");
    CHECK(cluster.server->calls().empty());
    const auto strange = Json::parse(R"({"apiVersion":"v9","kind":"Widget","metadata":{"name":"a"}})");
    const auto unknown = applier.diff({{*strange}, kOwner});
    CHECK(unknown.error().code == "kubernetes.kind-missing");
    CHECK(unknown.error().path == "objects[0]");
}

TEST_CASE("an instance of a definition of the same batch is planned before the server knows it") {
    FakeCluster cluster;
    cluster.server->add_types(
        "apiextensions.k8s.io/v1",
        {{"apiextensions.k8s.io", "v1", "customresourcedefinitions", "CustomResourceDefinition", false}});
    Applier applier(cluster.session);
    const auto definition = Json::parse(
        R"({"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition",
            "metadata":{"name":"widgets.example.org"},
            "spec":{"group":"example.org","names":{"kind":"Widget","plural":"widgets"}}})");
    const auto widget = Json::parse(
        R"({"apiVersion":"example.org/v1","kind":"Widget","metadata":{"name":"one"},"spec":{"size":1}})");
    const auto planned = applier.diff({{*widget, *definition}, kOwner});
    REQUIRE(planned);
    REQUIRE(planned->size() == 2);
    CHECK(planned->at(0).ref.kind == "CustomResourceDefinition");
    CHECK(planned->at(1).ref.kind == "Widget");
    CHECK(planned->at(1).action == KubernetesAction::Create);
}
