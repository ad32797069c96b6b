#include "cluster_access.hpp"

#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

using namespace harmony::cluster;
using Catch::Contains;

namespace {

constexpr const char* kKubeconfig = R"(apiVersion: v1
kind: Config
current-context: edge
contexts:
- name: edge
  context: {cluster: edge, user: ada, namespace: shop}
clusters:
- name: edge
  cluster: {server: "https://192.0.2.10:6443"}
users:
- name: ada
  user: {token: abc}
)";

struct Folder {
    std::string path = (std::filesystem::temp_directory_path() / "harmony-access-XXXXXX").string();
    Folder() { REQUIRE(mkdtemp(path.data()) != nullptr); }
    ~Folder() { std::filesystem::remove_all(path); }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
};

Machine machine(Environment environment, bool docker = false, bool k3d = false) {
    return {.environment = std::move(environment),
            .exists =
                [docker](const std::string& path) {
                    return path == "/var/run/docker.sock" ? docker : std::filesystem::exists(path);
                },
            .has_program = [k3d](const std::string&) { return k3d; }};
}

}  // namespace

TEST_CASE("a kubeconfig is found by the setting, by KUBECONFIG and in the home folder, in that order") {
    const Environment both{{"HOME", "/home/ada"}, {"KUBECONFIG", "/a:/b"}};
    CHECK(kubeconfig_paths({.kubeconfig = "/mine"}, both) == std::vector<std::string>{"/mine"});
    CHECK(kubeconfig_paths({}, both) == std::vector<std::string>{"/a", "/b"});
    CHECK(kubeconfig_paths({}, {{"HOME", "/home/ada"}}) ==
          std::vector<std::string>{"/home/ada/.kube/config"});
    CHECK(kubeconfig_paths({}, {}).empty());
}

TEST_CASE("the namespace of the settings goes before that of the kubeconfig's context") {
    const Folder folder;
    const std::string path = folder.path + "/config";
    std::ofstream(path) << kKubeconfig;
    const auto access = kubeconfig_access({.kubeconfig = path}, machine({}));
    REQUIRE(access);
    CHECK(access->host == "192.0.2.10");
    CHECK(access->name_space == "shop");
    CHECK(any_access({.kubeconfig = path, .name_space = "mail"}, machine({}))->name_space == "mail");
    const auto wrong = kubeconfig_access({.kubeconfig = path, .context = "field"}, machine({}));
    REQUIRE_FALSE(wrong);
    CHECK(wrong.error().code == "kubernetes.no-access");
    CHECK_THAT(wrong.error().summary, Contains("field"));
}

TEST_CASE("where there is no cluster, it is said what was looked for and how to get one") {
    const Environment home{{"HOME", "/nowhere"}};
    const auto bare = kubeconfig_access({}, machine(home));
    REQUIRE_FALSE(bare);
    CHECK_THAT(bare.error().summary, Contains("/nowhere/.kube/config"));
    const auto ready = any_access({}, machine(home, true, true));
    CHECK(ready.error().code == "kubernetes.no-access");
    CHECK_THAT(ready.error().summary,
               Contains("/nowhere/.kube/config") && Contains("KUBERNETES_SERVICE_HOST"));
    CHECK_THAT(ready.error().hint, Contains("k3d cluster create fleet"));
    CHECK_THAT(any_access({}, machine(home, true)).error().hint, Contains("install k3d"));
    CHECK_THAT(any_access({}, machine(home)).error().hint, Contains("install a Docker engine"));
}

TEST_CASE("without a kubeconfig the cluster around the pod is meant, by K8sAnywhereTopology alone") {
    const Environment pod{
        {"HOME", "/nowhere"}, {"KUBERNETES_SERVICE_HOST", "192.0.2.99"}, {"KUBERNETES_SERVICE_PORT", "443"}};
    const auto around = any_access({}, machine(pod));
    if (around) {  // this test runs in a pod
        CHECK(around->host == "192.0.2.99");
    } else {
        CHECK_THAT(around.error().summary, Contains("kubernetes.io/serviceaccount/ca.crt"));
    }
    CHECK_THAT(kubeconfig_access({}, machine(pod)).error().summary, Contains("there is no kubeconfig"));
    const Folder folder;
    std::ofstream(folder.path + "/config") << kKubeconfig;
    Environment both = pod;
    both["KUBECONFIG"] = folder.path + "/config";
    CHECK(any_access({}, machine(both))->host == "192.0.2.10");
}

TEST_CASE("a kubeconfig that was named and is not there is an error, whatever else there is") {
    const auto named = any_access({.kubeconfig = "/nowhere/config"},
                                  machine({{"KUBERNETES_SERVICE_HOST", "10.96.0.1"}}, true, true));
    REQUIRE_FALSE(named);
    CHECK_THAT(named.error().summary, Contains("/nowhere/config"));
}
