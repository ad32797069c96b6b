// The plugin through its C interface, on the real API server that ctest's fixture started (no nodes, so no
// pods).
#include <harmony/plugin/testing/fake_host.hpp>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <harmony/capability/kubernetes.hpp>
#include <harmony/capability/secret_store.hpp>
#include <harmony/capability/service_directory.hpp>

#include "cluster_tests.hpp"
#include "harmony/kubernetes/client.hpp"

using namespace harmony::plugin;
namespace api = harmony::runtime::kubernetes;
using api::testing::need_cluster;
using api::testing::random_name;
using Catch::Contains;

namespace {

constexpr const char* kFolder = HARMONY_BINARY_DIR "/cluster-api";

// A Topology on the cluster, in a namespace of its own that is removed at the end.
class Driven final : public CapabilityCaller {
 public:
    explicit Driven(const std::string& name = "K8sBareTopology",
                    const std::string& kubeconfig = std::string(kFolder) + "/kubeconfig") {
        host.session().context = name_space;
        auto created = host.create("topology", name,
                                   Json::object({{"kubeconfig", kubeconfig}, {"namespace", name_space}}));
        REQUIRE(created);
        topology = *created;
    }
    Driven(const Driven&) = delete;
    Driven& operator=(const Driven&) = delete;
    ~Driven() override {
        (void)kubernetes->remove(
            {.ref = {.api_version = "v1", .kind = "Namespace", .name = name_space}, .timeout_s = 0});
    }
    Result<Json> call(std::string_view capability, std::string_view method, const Json& params) override {
        return host.capability(topology, capability, method, params);
    }

    std::string name_space = random_name();
    testing::FakeHost host{harmony_plugin_entry_1};
    std::uint64_t topology = 0;
    std::unique_ptr<Kubernetes> kubernetes = Kubernetes::client(*this);
};

std::unique_ptr<api::KubernetesClient> admin() {
    auto access = api::load_kubeconfig({{"KUBECONFIG", std::string(kFolder) + "/kubeconfig"}});
    REQUIRE(access);
    return std::move(*api::make_kubernetes_client(std::move(*access)));
}

Json parsed(const std::string& text) {
    auto json = Json::parse(text);
    REQUIRE(json);
    return *json;
}

Json deployment(int replicas, const std::string& image) {
    return parsed(R"({"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"web"},"spec":{
        "replicas":)" +
                  std::to_string(replicas) + R"(,"selector":{"matchLabels":{"app":"web"}},
        "template":{"metadata":{"labels":{"app":"web"}},"spec":{"containers":[
        {"name":"main","image":")" +
                  image + R"(","env":[{"name":"A","value":"1"}]}]}}}})");
}

Json secret(const std::string& value) {
    return parsed(R"({"apiVersion":"v1","kind":"Secret","metadata":{"name":"keys"},"stringData":{"key":")" +
                  value + R"("}})");
}

Json service() {
    return parsed(R"({"apiVersion":"v1","kind":"Service","metadata":{"name":"web",
        "labels":{"io.nationtech.harmony/service":"fleet-web"}},
        "spec":{"type":"NodePort","selector":{"app":"web"},"ports":[{"name":"http","port":80,"protocol":"TCP"}]}})");
}

const KubernetesOwner kOwner{.score = "WebScore", .part_of = "shop"};
const std::vector<KubernetesKind> kKinds{
    {"apps/v1", "Deployment"}, {"v1", "Secret"}, {"v1", "Service"}, {"v1", "ConfigMap"}};

template <class T>
T must(Result<T> result) {
    if (!result) {
        INFO(result.error().code << ": " << result.error().summary << "\n" << result.error().detail);
        REQUIRE(result);
    }
    return std::move(*result);
}

}  // namespace

TEST_CASE("both Topologies offer their capabilities on a cluster that answers") {
    need_cluster();
    for (const char* name : {"K8sBareTopology", "K8sAnywhereTopology"}) {
        Driven driven(name);
        const auto offers = must(driven.host.probe(driven.topology));
        CHECK(offers.size() == 3);
        for (const auto& offer : offers) {
            INFO(offer.reason);
            CHECK(offer.available);
        }
        CHECK_THAT(must(driven.kubernetes->info()).server, Contains("https://127.0.0.1:"));
    }
}

TEST_CASE("a plan before the namespace exists has no side effect, and a plan after apply is empty") {
    need_cluster();
    Driven driven;
    const KubernetesBatch batch{{deployment(1, "web:1"), service(), secret("one")}, kOwner};
    const auto first = must(driven.kubernetes->diff(batch));
    REQUIRE(first.size() == 3);
    for (const auto& change : first)
        CHECK(change.action == KubernetesAction::Create);
    CHECK(first.front().ref.kind == "Secret");
    const auto early = driven.kubernetes->apply(batch);
    REQUIRE_FALSE(early);
    CHECK(early.error().code == "kubernetes.namespace-missing");

    CHECK(must(driven.kubernetes->ensure_namespace(driven.name_space, 10)));
    for (const auto& change : must(driven.kubernetes->diff(batch)))
        CHECK(change.action == KubernetesAction::Create);
    CHECK(must(driven.kubernetes->owned({kOwner, kKinds})).empty());
    for (const auto& applied : must(driven.kubernetes->apply(batch)))
        CHECK(applied.action == KubernetesAction::Create);
    for (const auto& change : must(driven.kubernetes->diff(batch))) {
        INFO(change.ref.kind << " " << (change.diff.empty() ? "" : change.diff[0].path));
        CHECK(change.action == KubernetesAction::None);
    }
    for (const auto& applied : must(driven.kubernetes->apply(batch))) {
        INFO(applied.ref.kind);
        CHECK(applied.action == KubernetesAction::None);
    }
}

TEST_CASE("a change shows exactly itself, without the server's defaults and without a Secret's content") {
    need_cluster();
    Driven driven;
    must(driven.kubernetes->ensure_namespace(driven.name_space, 10));
    must(driven.kubernetes->apply({{deployment(1, "web:1"), secret("one")}, kOwner}));
    const auto changes = must(driven.kubernetes->diff({{deployment(1, "web:2"), secret("two")}, kOwner}));
    REQUIRE(changes.size() == 2);
    REQUIRE(changes[0].diff.size() == 1);
    CHECK(changes[0].diff[0] == Difference{.path = "data.key", .sensitive = true});
    REQUIRE(changes[1].diff.size() == 1);
    CHECK(changes[1].diff[0] == Difference{.path = "spec.template.spec.containers[main].image",
                                           .before = "web:1",
                                           .after = "web:2"});
}

TEST_CASE("what was changed by hand is shown with who did it, refused without force and mended with it") {
    need_cluster();
    Driven driven;
    must(driven.kubernetes->ensure_namespace(driven.name_space, 10));
    must(driven.kubernetes->apply({{deployment(1, "web:1")}, kOwner}));
    const auto client = admin();
    const api::ObjectRef ref{{"apps", "v1", "deployments", "Deployment", true}, driven.name_space, "web"};
    REQUIRE(client->patch(ref, api::PatchKind::MergePatch, {{"spec", {{"replicas", 3}}}},
                          {.field_manager = "kubectl-edit"}));
    const auto changes = must(driven.kubernetes->diff({{deployment(1, "web:1")}, kOwner}));
    REQUIRE(changes.size() == 1);
    REQUIRE(changes[0].diff.size() == 1);
    CHECK(changes[0].diff[0] == Difference{.path = "spec.replicas", .before = 3, .after = 1});
    REQUIRE(changes[0].conflicts.size() == 1);
    CHECK_THAT(changes[0].conflicts[0].manager, Contains("kubectl-edit"));
    CHECK(changes[0].conflicts[0].path == ".spec.replicas");
    const auto refused = driven.kubernetes->apply({{deployment(1, "web:1")}, kOwner});
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == Kubernetes::kConflict);
    CHECK_THAT(refused.error().summary, Contains("kubectl-edit") && Contains(".spec.replicas"));
    must(driven.kubernetes->apply({{deployment(1, "web:1")}, kOwner, true}));
    const auto mended = must(driven.kubernetes->diff({{deployment(1, "web:1")}, kOwner}));
    CHECK(mended[0].action == KubernetesAction::None);
    CHECK(mended[0].conflicts.empty());
}

TEST_CASE("what is ours is listed by its labels and removed, and what is not ours is refused") {
    need_cluster();
    Driven driven;
    must(driven.kubernetes->ensure_namespace(driven.name_space, 10));
    must(driven.kubernetes->apply({{deployment(0, "web:1"), service(), secret("one")}, kOwner}));
    const auto owned = must(driven.kubernetes->owned({kOwner, kKinds}));
    REQUIRE(owned.size() == 3);
    CHECK(owned[0].kind == "Deployment");
    CHECK(owned[2].kind == "Secret");
    for (const auto& ref : owned)
        CHECK(must(driven.kubernetes->remove({.ref = ref, .timeout_s = 20})));
    CHECK(must(driven.kubernetes->owned({kOwner, kKinds})).empty());
    CHECK_FALSE(must(driven.kubernetes->get(owned[0])));
    const auto foreign = driven.kubernetes->remove(
        {.ref = {.api_version = "v1", .kind = "ServiceAccount", .name = "default"}});
    REQUIRE_FALSE(foreign);
    CHECK(foreign.error().code == "kubernetes.not-ours");
}

TEST_CASE("a definition and its first instance are planned and applied in one batch") {
    need_cluster();
    Driven driven;
    must(driven.kubernetes->ensure_namespace(driven.name_space, 10));
    const std::string group = driven.name_space + ".example.org";
    const Json definition = parsed(
        R"({"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition",
            "metadata":{"name":"widgets.)" +
        group + R"("},
            "spec":{"group":")" +
        group + R"(","scope":"Namespaced","names":{"kind":"Widget","plural":"widgets"},
            "versions":[{"name":"v1","served":true,"storage":true,"schema":{"openAPIV3Schema":{"type":"object",
            "properties":{"spec":{"type":"object","properties":{"size":{"type":"integer","minimum":1}}}}}}}]}})");
    const auto widget = [&](int size) {
        return parsed(R"({"apiVersion":")" + group + R"(/v1","kind":"Widget","metadata":{"name":"one"},
            "spec":{"size":)" +
                      std::to_string(size) + "}}");
    };
    const auto planned = must(driven.kubernetes->diff({{widget(1), definition}, kOwner}));
    CHECK(planned[1].ref.kind == "Widget");
    must(driven.kubernetes->apply({{widget(1), definition}, kOwner}));
    for (const auto& change : must(driven.kubernetes->diff({{widget(1), definition}, kOwner}))) {
        INFO(change.ref.kind << " " << (change.diff.empty() ? "" : change.diff[0].path));
        CHECK(change.action == KubernetesAction::None);
    }
    const auto wrong = driven.kubernetes->diff({{widget(0)}, kOwner});
    REQUIRE_FALSE(wrong);
    CHECK(wrong.error().code == "kubernetes.invalid");
    CHECK_THAT(wrong.error().summary, Contains("spec.size"));
    CHECK(must(driven.kubernetes->remove({.ref = planned[0].ref, .timeout_s = 30})));
    CHECK_FALSE(must(driven.kubernetes->remove({.ref = planned[1].ref})));
}

TEST_CASE("a rollout that does not come is told with its reason") {
    need_cluster();
    Driven driven;
    must(driven.kubernetes->ensure_namespace(driven.name_space, 10));
    const Json quota = parsed(R"({"apiVersion":"v1","kind":"ResourceQuota","metadata":{"name":"small"},
        "spec":{"hard":{"configmaps":"0"}}})");
    must(driven.kubernetes->apply({{deployment(1, "web:1"), quota}, kOwner}));
    const auto waited =
        driven.kubernetes->wait({{{.api_version = "apps/v1", .kind = "Deployment", .name = "web"}}, 5});
    REQUIRE_FALSE(waited);
    CHECK(waited.error().code == Kubernetes::kNotRolledOut);
    INFO(waited.error().summary);
    // There is no node.
    CHECK_THAT(waited.error().summary, Contains("is not scheduled to a node") || Contains("fits no node"));
    CHECK_FALSE(driven.host.progress().empty());
    CHECK(must(driven.kubernetes->wait(
                   {{{.api_version = "v1", .kind = "Namespace", .name = driven.name_space}}, 3}))
              .size() == 1);
}

TEST_CASE("secrets and services of the context are found in the cluster") {
    need_cluster();
    Driven driven;
    auto secrets = SecretStore::client(driven);
    // The namespace comes with the first secret.
    const auto made = must(secrets->ensure("nats/operator", 32));
    CHECK(made.created);
    CHECK(must(secrets->ensure("nats/operator", 32)).value == made.value);
    REQUIRE(secrets->put("nats/operator", "other"));
    CHECK(must(secrets->get("nats/operator")) == "other");
    CHECK(must(secrets->list("nats/")) == std::vector<std::string>{"nats/operator"});
    CHECK(must(secrets->remove("nats/operator")));

    must(driven.kubernetes->apply({{service()}, kOwner}));
    auto directory = ServiceDirectory::client(driven);
    const auto ports = must(directory->list());
    REQUIRE(ports.size() == 1);
    CHECK(ports[0].service == "fleet-web");
    CHECK(ports[0].number >= 30000);
    CHECK(must(directory->resolve("fleet-web", "http")).port >= 30000);
    const auto reached = driven.kubernetes->reach({.service = "web", .port = "http", .timeout_s = 0});
    REQUIRE_FALSE(reached);
    CHECK(reached.error().code == "kubernetes.unreachable-service");
}

TEST_CASE("a namespace that is being deleted is told from one that is missing") {
    need_cluster();
    Driven driven;
    must(driven.kubernetes->ensure_namespace(driven.name_space, 10));
    const auto client = admin();
    // A finalizer keeps an object, and so its namespace.
    must(driven.kubernetes->apply({{secret("one")}, kOwner}));
    const api::ObjectRef held{{"", "v1", "secrets", "Secret", true}, driven.name_space, "keys"};
    const auto hold = [&](const harmony::runtime::kubernetes::Json& finalizers) {
        return client->patch(held, api::PatchKind::MergePatch, {{"metadata", {{"finalizers", finalizers}}}});
    };
    REQUIRE(hold({"example.org/hold"}));
    const KubernetesRef name_space{.api_version = "v1", .kind = "Namespace", .name = driven.name_space};
    REQUIRE(driven.kubernetes->remove({.ref = name_space, .timeout_s = 0}));
    const auto refused = driven.kubernetes->apply({{service()}, kOwner});
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == "kubernetes.namespace-terminating");
    CHECK_FALSE(refused.error().hint.empty());
    CHECK(driven.kubernetes->ensure_namespace(driven.name_space, 0).error().code ==
          "kubernetes.namespace-terminating");
    REQUIRE(hold(nullptr));
    CHECK(must(driven.kubernetes->ensure_namespace(driven.name_space, 60)));
}

TEST_CASE("no cluster, an authority that is not its own, and unknown credentials are told apart") {
    need_cluster();
    const std::string folder = random_name();
    const std::string path = (std::filesystem::temp_directory_path() / folder).string();
    const auto probe = [&](const std::string& server, const std::string& authority) {
        std::ofstream(path) << "apiVersion: v1\nkind: Config\ncurrent-context: c\n"
                               "contexts: [{name: c, context: {cluster: c, user: u}}]\n"
                               "clusters: [{name: c, cluster: {server: '" +
                                   server + "', certificate-authority: " + authority +
                                   "}}]\nusers: [{name: u, user: {token: hunter2}}]\n";
        Driven driven("K8sBareTopology", path);
        const auto refused = driven.host.invoke(driven.topology, "topology.prepare", Json::object());
        REQUIRE_FALSE(refused);
        CHECK_THAT(refused.error().summary, !Contains("hunter2"));
        CHECK_FALSE(refused.error().hint.empty());
        return refused.error().code;
    };
    const std::string server = must(Driven().kubernetes->info()).server;
    const std::string authorities = std::string(kFolder) + "/pki/";
    CHECK(probe(server, authorities + "ca.crt") == "kubernetes.unauthorized");
    CHECK(probe(server, authorities + "etcd-ca.crt") == "kubernetes.untrusted-server");
    CHECK(probe("https://127.0.0.1:1", authorities + "ca.crt") == "kubernetes.unreachable");
    std::filesystem::remove(path);
}
