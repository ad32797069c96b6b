#include "removal.hpp"

#include "applier.hpp"
#include "diagnostics.hpp"
#include "fake_cluster.hpp"
#include "inventory.hpp"

using namespace harmony::cluster;
using namespace harmony::cluster::testing;
using namespace harmony::plugin;
using Catch::Contains;

namespace {

const KubernetesOwner kOwner{.score = "WebScore"};
const KubernetesKind kConfigMap{"v1", "ConfigMap"};
const KubernetesRef kWeb{.api_version = "v1", .kind = "ConfigMap", .name = "web"};

}  // namespace

TEST_CASE("only what the owner applied from this context is listed, last first") {
    FakeCluster cluster;
    Applier applier(cluster.session);
    REQUIRE(applier.apply({{config_map("web", "1")}, kOwner}));
    REQUIRE(applier.apply({{config_map("mail", "1")}, {.score = "MailScore"}}));
    cluster.make(kConfigMaps, {{"metadata", {{"name", "foreign"}}}});
    const auto owned = owned_objects(
        cluster.session, {kOwner, {{"v1", "Widget"}, {"gone/v1", "Widget"}, kConfigMap, {"v1", "Service"}}});
    REQUIRE(owned);
    CHECK(*owned == std::vector<KubernetesRef>{{"v1", "ConfigMap", "shop", "web"}});
}

TEST_CASE("what was not applied from this context is not removed") {
    FakeCluster cluster;
    cluster.make(kConfigMaps, {{"metadata", {{"name", "web"}}}});
    const auto refused = remove_object(cluster.session, {.ref = kWeb});
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == "kubernetes.not-ours");
    CHECK(cluster.count("delete") == 0);
}

TEST_CASE("what every context uses carries none of them, and goes only when that is meant") {
    FakeCluster cluster;
    Applier applier(cluster.session);
    REQUIRE(applier.apply({.objects = {config_map("web", "1")}, .owner = kOwner, .shared = true}));
    const auto stored = cluster.client->get({kConfigMaps, "shop", "web"});
    REQUIRE(stored);
    CHECK(labels_of(*stored) == shared_labels());
    CHECK(owned_objects(cluster.session, {kOwner, {kConfigMap}})->empty());
    CHECK(
        applier.diff({.objects = {config_map("web", "1")}, .owner = {.score = "MailScore"}, .shared = true})
            ->at(0)
            .action == KubernetesAction::None);
    CHECK(remove_object(cluster.session, {.ref = kWeb}).error().code == "kubernetes.not-ours");
    CHECK(remove_object(cluster.session, {.ref = kWeb, .shared = true}).value());
}

TEST_CASE("what another context applied is not removed as something shared") {
    FakeCluster cluster;
    cluster.make(kConfigMaps, {{"metadata", {{"name", "web"}, {"labels", context_labels("other")}}}});
    const auto refused = remove_object(cluster.session, {.ref = kWeb, .shared = true});
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == "kubernetes.not-ours");
}

TEST_CASE("a removal returns when the object is gone, and is false when there is none") {
    FakeCluster cluster;
    Applier applier(cluster.session);
    REQUIRE(applier.apply({{config_map("web", "1")}, kOwner}));
    CHECK(remove_object(cluster.session, {.ref = kWeb}).value());
    CHECK_FALSE(remove_object(cluster.session, {.ref = kWeb}).value());
    CHECK_FALSE(
        remove_object(cluster.session, {.ref = {.api_version = "gone/v1", .kind = "Widget", .name = "a"}})
            .value());
}

TEST_CASE("what a finalizer keeps is named with the finalizer") {
    FakeCluster cluster;
    Applier applier(cluster.session);
    REQUIRE(applier.apply({{config_map("web", "1")}, kOwner}));
    REQUIRE(api::set_finalizer(*cluster.client, {kConfigMaps, "shop", "web"}, "example.org/hold", true));
    REQUIRE(remove_object(cluster.session, {.ref = kWeb, .timeout_s = 0}).value());
    const auto kept = await_gone(cluster.session, {kConfigMaps, "shop", "web"}, {}, std::chrono::seconds(0));
    REQUIRE_FALSE(kept);
    CHECK_THAT(kept.error().summary, Contains("example.org/hold"));
    CHECK(kept.error().retryable);
}

TEST_CASE("a namespace is made once, and one that exists is left as it is") {
    FakeCluster cluster;
    CHECK(ensure_namespace(cluster.session, "shop", std::chrono::seconds(0)).value());
    CHECK_FALSE(ensure_namespace(cluster.session, "shop", std::chrono::seconds(0)).value());
    CHECK(cluster.count("create") == 1);
}

TEST_CASE("every failure of the cluster is told with a code of its own and a hint") {
    using api::Reason;
    const auto code = [](Reason reason) {
        const auto diagnostic = harmony::cluster::describe(api::make_failure(reason, "why"));
        CHECK(diagnostic.summary == "why");
        CHECK_FALSE(diagnostic.hint.empty());
        return diagnostic.code;
    };
    CHECK(code(Reason::Unreachable) == "kubernetes.unreachable");
    CHECK(code(Reason::UntrustedServer) == "kubernetes.untrusted-server");
    CHECK(code(Reason::Unauthorized) == "kubernetes.unauthorized");
    CHECK(code(Reason::Forbidden) == "kubernetes.forbidden");
    CHECK(code(Reason::QuotaExceeded) == "kubernetes.quota-exceeded");
    CHECK(code(Reason::NamespaceTerminating) == "kubernetes.namespace-terminating");
    CHECK(code(Reason::Configuration) == "kubernetes.no-access");
    CHECK(harmony::cluster::describe(api::make_failure(Reason::Cancelled, "")).status == HP_E_CANCELLED);
}

TEST_CASE("who may not look in every namespace is shown the one that is named, and never a part in silence") {
    FakeCluster cluster;
    Applier applier(cluster.session);
    auto elsewhere = config_map("web", "1");
    elsewhere["metadata"]["namespace"] = "fleet";
    REQUIRE(applier.apply({{elsewhere}, kOwner}));
    const auto forbidden = api::make_failure(api::Reason::Forbidden, "not everywhere");
    cluster.server->fail("list", 1, forbidden);
    const auto owned = owned_objects(cluster.session, {kOwner, {kConfigMap}, "fleet"});
    REQUIRE(owned);
    CHECK(*owned == std::vector<KubernetesRef>{{"v1", "ConfigMap", "fleet", "web"}});
    cluster.server->fail("list", 1, forbidden);
    const auto refused = owned_objects(cluster.session, {kOwner, {kConfigMap}});
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == "kubernetes.forbidden");
}
