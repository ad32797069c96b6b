#include <catch2/catch.hpp>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "harmony/kubernetes_manifests/core.hpp"
#include "harmony/kubernetes_manifests/network_policy.hpp"
#include "harmony/kubernetes_manifests/rbac.hpp"
#include "harmony/kubernetes_manifests/workloads.hpp"

using namespace harmony::kubernetes_manifests;

namespace {

// HARMONY_ACCEPT=1 writes the file anew; the test then proves nothing.
void compare_with_golden(const std::string& name, const Json& object) {
    const std::string path =
        std::string(HARMONY_SOURCE_DIR) + "/runtime/kubernetes/manifests/golden/" + name + ".json";
    const std::string text = object.dump(2) + "\n";
    if (std::getenv("HARMONY_ACCEPT") != nullptr) {
        std::ofstream(path, std::ios::binary) << text;
        WARN("accepted " << path);
        return;
    }
    std::ifstream stream(path, std::ios::binary);
    CHECK(std::string{std::istreambuf_iterator<char>(stream), {}} == text);
}

Metadata named(const char* name) {
    return {.name = name, .name_space = "shop", .labels = {{kNameLabel, "web"}}};
}

PodTemplate web_pod() {
    const HttpProbe probe{.path = "/readyz", .port = "health", .initial_delay_s = 1, .period_s = 2};
    Container web{.name = "web",
                  .image = "registry.example.com/web:1",
                  .command = {"/usr/local/bin/web"},
                  .args = {"--config", "/etc/web/web.toml"},
                  .environment = {{"MODE", "fast"}, {"NAMESPACE", FieldRef{"metadata.namespace"}}},
                  .ports = {{"http", 8080}, {"names", 53, Protocol::Udp}},
                  .mounts = {{"config", "/etc/web", true}, {"data", "/var/lib/web"}},
                  .startup = probe,
                  .readiness = probe,
                  .liveness = probe,
                  .resources = {.cpu_request = "10m", .memory_request = "16Mi", .memory_limit = "64Mi"}};
    return {.labels = {{kNameLabel, "web"}},
            .annotations = {{"config-hash", "abc"}},
            .spec = {.containers = {web},
                     .volumes = {{"config", SecretVolume{"web"}},
                                 {"settings", ConfigMapVolume{"web"}},
                                 {"data", ClaimVolume{"web-data"}},
                                 {"scratch", EmptyDirVolume{.in_memory = true, .size_limit = "8Mi"}},
                                 {"cache", EmptyDirVolume{}}},
                     .service_account = "web",
                     .image_pull_secrets = {"registry"}}};
}

}  // namespace

TEST_CASE("objects of the group v1 are what they were") {
    compare_with_golden("namespace", to_json(Namespace{{.name = "shop"}}));
    compare_with_golden("secret", to_json(Secret{named("web"), {{"a.conf", "key: value\n"}, {"empty", ""}}}));
    compare_with_golden("config_map", to_json(ConfigMap{named("web"), {{"a.conf", "key: value\n"}}}));
    compare_with_golden("service_account", to_json(ServiceAccount{named("web")}));
    compare_with_golden(
        "service",
        to_json(Service{.metadata = named("web"),
                        .selector = {{kNameLabel, "web"}},
                        .ports = {{.name = "http", .port = 80, .target = "http", .node_port = 30080},
                                  {.name = "names", .port = 53, .protocol = Protocol::Udp}},
                        .type = ServiceType::NodePort}));
    compare_with_golden("service_headless", to_json(Service{.metadata = named("web"),
                                                            .ports = {{.name = "http", .port = 80}},
                                                            .headless = true}));
    compare_with_golden("claim", to_json(PersistentVolumeClaim{named("web-data"), "5Gi", "fast"}));
    compare_with_golden("claim_default", to_json(PersistentVolumeClaim{named("web-data"), "5Gi"}));
}

TEST_CASE("roles and bindings are what they were") {
    const std::vector<PolicyRule> rules{{{""}, {"events"}, {"create", "patch"}},
                                        {{"coordination.k8s.io"}, {"leases"}, {"get", "update"}, {"web"}}};
    const std::vector<ServiceAccountRef> accounts{{"web", "shop"}};
    compare_with_golden("role", to_json(Role{named("web"), rules}));
    compare_with_golden("cluster_role", to_json(ClusterRole{{.name = "web"}, rules}));
    compare_with_golden("role_binding", to_json(RoleBinding{named("web"), "web", accounts}));
    compare_with_golden("cluster_role_binding",
                        to_json(ClusterRoleBinding{{.name = "web"}, "web", accounts}));
}

TEST_CASE("workloads are what they were") {
    compare_with_golden("deployment", to_json(Deployment{.metadata = named("web"),
                                                         .replicas = 2,
                                                         .selector = {{kNameLabel, "web"}},
                                                         .pod = web_pod(),
                                                         .progress_deadline_s = 60}));
    compare_with_golden("stateful_set", to_json(StatefulSet{.metadata = named("web"),
                                                            .selector = {{kNameLabel, "web"}},
                                                            .service = "web",
                                                            .pod = web_pod()}));
}

TEST_CASE("a workload without a number of replicas leaves it to whoever sets it") {
    const Json object = to_json(Deployment{
        .metadata = named("web"), .replicas = std::nullopt, .strategy = DeploymentStrategy::Recreate});
    CHECK_FALSE(object["spec"].contains("replicas"));
    CHECK(object["spec"]["strategy"] == Json{{"type", "Recreate"}});
}

TEST_CASE("a policy limits only the directions that it speaks of") {
    compare_with_golden(
        "network_policy",
        to_json(NetworkPolicy{
            .metadata = named("web"),
            .pods = {{kNameLabel, "web"}},
            .ingress = {{{.ports = {{"http"}, {"8443"}}},
                         {.ports = {{"metrics"}},
                          .peers = {{}, {.pods = {{kNameLabel, "watch"}}, .all_namespaces = true}}}}},
            .egress = std::vector<PolicyRules>{}}));
    const Json object = to_json(NetworkPolicy{.metadata = named("web")});
    CHECK(object["spec"]["policyTypes"] == Json::array());
    CHECK_FALSE(object["spec"].contains("egress"));
}

TEST_CASE("a service leads to pods that are not ready only where it is asked to") {
    CHECK_FALSE(to_json(Service{.metadata = named("web")})["spec"].contains("publishNotReadyAddresses"));
    const Json early = to_json(Service{.metadata = named("web"), .also_not_ready = true});
    CHECK(early["spec"]["publishNotReadyAddresses"] == true);
}

// Server-side apply of older servers answers 500 where a list's element lacks one of its keys.
TEST_CASE("ports always name their protocol") {
    const Json service = to_json(Service{.metadata = named("web"), .ports = {{.name = "http", .port = 80}}});
    CHECK(service["spec"]["ports"][0]["protocol"] == "TCP");
    const Json pod = to_json(web_pod());
    for (const Json& port : pod["spec"]["containers"][0]["ports"])
        CHECK(port.contains("protocol"));
}

TEST_CASE("secrets of every length are encoded as base64") {
    const auto data = [](const std::string& bytes) {
        return to_json(Secret{named("web"), {{"key", bytes}}})["data"]["key"].get<std::string>();
    };
    CHECK(data("").empty());
    CHECK(data("f") == "Zg==");
    CHECK(data("fo") == "Zm8=");
    CHECK(data("foo") == "Zm9v");
    CHECK(data(std::string("\0\xff\xfe", 3)) == "AP/+");
}
