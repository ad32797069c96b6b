// The cluster that e2e/cluster started for these tests, shared by all of them.
#pragma once

#include <memory>
#include <string>

#include "api_behaviour.hpp"
#include "cluster_tests.hpp"
#include "harmony/kubernetes/access.hpp"
#include "harmony/kubernetes/client.hpp"

namespace harmony::runtime::kubernetes::testing {

[[nodiscard]] std::string cluster_folder();
[[nodiscard]] ClusterAccess cluster_access();
[[nodiscard]] std::unique_ptr<KubernetesClient> connect(ClusterAccess access);
// Runs e2e/cluster/cluster on it, for example `restart kube-apiserver`: true when it succeeded.
[[nodiscard]] bool run_cluster_command(const std::string& arguments);

// A namespace of its own, deleted at the end; its default service account is there.
class TestNamespace {
 public:
    explicit TestNamespace(KubernetesClient& client);
    ~TestNamespace();
    TestNamespace(const TestNamespace&) = delete;
    TestNamespace& operator=(const TestNamespace&) = delete;
    [[nodiscard]] const std::string& name() const { return name_; }

 private:
    KubernetesClient& client_;
    std::string name_;
};

[[nodiscard]] ResourceType namespace_type();
// A token of the namespace's default service account, which may do nothing.
[[nodiscard]] std::string service_account_token(KubernetesClient& client, const std::string& name_space);

}  // namespace harmony::runtime::kubernetes::testing
