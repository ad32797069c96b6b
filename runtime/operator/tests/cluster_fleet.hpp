// A cluster with a bucket and a user, and the arrangements that tests of ClusterResources begin from. One
// Deployment, `web`, selects every device.
#pragma once

#include <memory>
#include <string>

#include "cluster_harness.hpp"

namespace harmony::op::testing {

struct Cluster {
    std::shared_ptr<runtime::kubernetes::FakeKubernetesServer> server =
        runtime::kubernetes::FakeKubernetesServer::create();
    FakeBucket bucket;
    ClusterUser user{server};

    // Devices d0, d1, …
    std::unique_ptr<ClusterOperator> operator_with(int devices, double seconds = 1, bool leads = true);
    // With every device told at second 2 to run it.
    std::unique_ptr<ClusterOperator> operator_that_runs(int devices, const contracts::Deployment& document);
    // img:1 runs everywhere at second 3, and could be rolled on from.
    std::unique_ptr<ClusterOperator> operator_before_rollout(int devices);
    // Two of the devices are told to run img:2.
    std::unique_ptr<ClusterOperator> operator_in_rollout(int devices);

    // Every device reports to that operator what it is to hold as running, and beats.
    void report_all(ClusterOperator& one, double seconds);
    [[nodiscard]] std::string value(const std::string& key) const;  // in the bucket; empty: none
    [[nodiscard]] int holding(const std::string& image) const;      // devices that are told to run it
};

contracts::Deployment web(const std::string& image);
contracts::Deployment rolling(const std::string& image);  // two at a time
contracts::Deployment large(const std::string& image);    // its score is kept in a part of its own
// What the schema admits and no operator can use.
Json spec_of_no_use(const contracts::Deployment& document);

}  // namespace harmony::op::testing
