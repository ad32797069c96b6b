// ClusterResources on an API server in memory, with a reducer and a bucket; jobs are done one by one, so that
// a test can stop between any two.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "cluster_watches.hpp"
#include "fleet_builders.hpp"
#include "harmony/kubernetes/fake_client.hpp"
#include "harmony/operator/cluster_resources.hpp"
#include "harmony/operator/cluster_worker.hpp"

namespace harmony::op::testing {

using Json = nlohmann::json;
inline constexpr const char* kNamespace = "fleet";

// What a user of the cluster does.
class ClusterUser {
 public:
    explicit ClusterUser(std::shared_ptr<runtime::kubernetes::FakeKubernetesServer> server);

    // Creates it, or changes its spec; the generation grows as with a real server.
    void apply(const contracts::Deployment& deployment, const std::string& name_space = kNamespace);
    void apply_spec(const std::string& name, const Json& spec, const std::string& name_space = kNamespace);
    void remove(const std::string& name);
    void remove_record(const std::string& uid);
    // Null where it is gone.
    [[nodiscard]] Json get(const std::string& name, const std::string& name_space = kNamespace);
    [[nodiscard]] bool held(const std::string& name);
    [[nodiscard]] std::vector<Json> records();

    runtime::kubernetes::KubernetesClient& client() { return *client_; }

 private:
    std::unique_ptr<runtime::kubernetes::KubernetesClient> client_;
};

// One operator.
class ClusterOperator {
 public:
    ClusterOperator(std::shared_ptr<runtime::kubernetes::FakeKubernetesServer> server, FakeBucket& bucket);

    void lead(bool leading);
    // The time of the lease is over, and whether it was renewed is not known yet.
    void doubt(bool in_doubt) { leading_ = !in_doubt; }
    // Everything that is due at that time, and what follows from it.
    void run(double seconds);
    // Only so many jobs; true where more wait.
    bool run_some(double seconds, int jobs);

    [[nodiscard]] contracts::DeploymentStatus status(const std::string& name) const;
    [[nodiscard]] bool knows(const std::string& name) const;

    std::vector<StatusWish> wishes;
    std::vector<std::string> replies;
    std::deque<ClusterJob> jobs;
    std::unique_ptr<runtime::kubernetes::KubernetesClient> client;
    runtime::daemon::HealthRegistry health;
    Reducer reducer{devices_not_stored()};
    ClusterResources resources;

 private:
    void turn(double seconds);

    FakeBucket& bucket_;
    bool leading_ = false;
    bool list_wanted_ = true;
    bool synced_ = false;
    contracts::Timestamp now_;
    ClusterWatches watches_;  // last: ends first
};

}  // namespace harmony::op::testing
