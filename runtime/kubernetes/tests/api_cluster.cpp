#include "api_cluster.hpp"

#include <catch2/catch.hpp>
#include <chrono>
#include <cstdlib>
#include <thread>

namespace harmony::runtime::kubernetes::testing {

std::string cluster_folder() {
    return HARMONY_TEST_CLUSTER;
}

ClusterAccess cluster_access() {
    auto access = load_kubeconfig({{"KUBECONFIG", cluster_folder() + "/kubeconfig"}});
    INFO("started by ctest's fixture, or by hand: e2e/cluster/cluster --dir " + cluster_folder() +
         " up --no-node");
    INFO((access ? std::string() : access.error().text()));
    REQUIRE(access);
    return *access;
}

std::unique_ptr<KubernetesClient> connect(ClusterAccess access) {
    auto client = make_kubernetes_client(access);
    INFO((client ? std::string() : client.error().text()));
    REQUIRE(client);
    return std::move(*client);
}

bool run_cluster_command(const std::string& arguments) {
    const std::string command = std::string(HARMONY_SOURCE_DIR) + "/e2e/cluster/cluster --dir '" +
                                cluster_folder() + "' " + arguments + " >&2";
    return std::system(command.c_str()) == 0;
}

ResourceType namespace_type() {
    return {"", "v1", "namespaces", "Namespace", false};
}

TestNamespace::TestNamespace(KubernetesClient& client) : client_(client), name_(random_name()) {
    const auto created =
        client_.create({namespace_type(), "", ""},
                       {{"apiVersion", "v1"}, {"kind", "Namespace"}, {"metadata", {{"name", name_}}}});
    INFO((created ? std::string() : created.error().text()));
    REQUIRE(created);
    const ObjectRef account{{"", "v1", "serviceaccounts", "ServiceAccount", true}, name_, "default"};
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(120);
    // Pods are refused until it has its token; the controllers need a while after a restart of the API
    // server.
    while (true) {
        const auto found = client_.get(account);
        if (found && found->contains("secrets")) break;
        REQUIRE(std::chrono::steady_clock::now() < deadline);
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
}

TestNamespace::~TestNamespace() {
    static_cast<void>(client_.remove({namespace_type(), "", name_}));
}

std::string service_account_token(KubernetesClient& client, const std::string& name_space) {
    const ObjectRef account{{"", "v1", "serviceaccounts", "ServiceAccount", true}, name_space, "default"};
    WriteOptions options;
    options.subresource = "token";
    const auto granted = client.create(account,
                                       {{"apiVersion", "authentication.k8s.io/v1"},
                                        {"kind", "TokenRequest"},
                                        {"spec", {{"expirationSeconds", 600}}}},
                                       options);
    INFO((granted ? std::string() : granted.error().text()));
    REQUIRE(granted);
    return granted->at("status").at("token");
}

}  // namespace harmony::runtime::kubernetes::testing
