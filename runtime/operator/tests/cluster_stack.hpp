// The real operator on a real API server, with no more rights than it asks for.
#pragma once

#include <memory>
#include <set>
#include <string>

#include "api_cluster.hpp"
#include "harmony/operator/cluster_objects.hpp"
#include "operator_process.hpp"

namespace harmony::op::testing {

using Json = nlohmann::json;

// A namespace with the operator's role, the fleet's definitions, and a kubeconfig of its account.
class PreparedCluster {
 public:
    // `with_role` false: an account that may do nothing.
    explicit PreparedCluster(bool with_role = true);
    ~PreparedCluster();

    // Lines of the operator's configuration.
    [[nodiscard]] std::string settings() const;
    [[nodiscard]] const std::string& name_space() const { return name_space_->name(); }
    [[nodiscard]] runtime::kubernetes::ObjectRef ref(const std::string& name) const;

    // As kubectl does it.
    void apply(const contracts::Deployment& deployment);
    void apply_spec(const std::string& name, const Json& spec);
    void remove(const std::string& name);
    // Null where it is gone or the server does not answer.
    [[nodiscard]] Json get(const std::string& name);
    [[nodiscard]] bool held(const std::string& name);
    [[nodiscard]] std::string reason(const std::string& name, const std::string& condition);
    [[nodiscard]] std::string holder();  // of the lease
    [[nodiscard]] std::size_t records();
    // Reasons of the Events on it.
    [[nodiscard]] std::set<std::string> events(const std::string& name);

    std::unique_ptr<runtime::kubernetes::KubernetesClient> admin;

 private:
    void grant();
    void write_kubeconfig();

    std::unique_ptr<runtime::kubernetes::testing::TestNamespace> name_space_;
    std::string folder_;
};

void install_definitions(runtime::kubernetes::KubernetesClient& client);
void remove_definitions(runtime::kubernetes::KubernetesClient& client);

struct ClusterStack : PreparedCluster, Stack {
    ClusterStack() : Stack(settings(), "", PreparedCluster::name_space()) {}

    using Stack::apply;  // through the fleet API
    void apply_object(const contracts::Deployment& deployment) { PreparedCluster::apply(deployment); }
};

}  // namespace harmony::op::testing
