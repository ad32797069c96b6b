// Short ways to make the documents that the tests speak of.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "harmony/contracts/resources.hpp"
#include "harmony/operator/events.hpp"
#include "harmony/operator/reducer.hpp"

namespace harmony::op::testing {

[[nodiscard]] contracts::DeviceId device_id(const std::string& text);
[[nodiscard]] contracts::DeploymentName deployment_name(const std::string& text);
// Seconds since 1970.
[[nodiscard]] contracts::Timestamp at(double seconds);

// A PodmanV0 score with one service of that image.
[[nodiscard]] contracts::Score score(const std::string& image);
[[nodiscard]] contracts::LabelSelector selector(const contracts::Labels& labels);
[[nodiscard]] contracts::Deployment deployment(const std::string& name,
                                               const contracts::LabelSelector& selector,
                                               const std::string& image);
// As with a cluster, which tells of Deployments only.
[[nodiscard]] ReducerOptions devices_not_stored();
// As the store tells it, rolled out.
[[nodiscard]] DeploymentKnown known(const contracts::Deployment& deployment);
[[nodiscard]] contracts::DeploymentState state(const std::string& deployment, contracts::Phase phase,
                                               const contracts::Score& about, contracts::Timestamp when,
                                               const std::string& error = "");

// The bucket desired-state as the reducer's writes make it.
class FakeBucket {
 public:
    // Applies one batch. False where some index listed, at any moment, a key that was not there.
    [[nodiscard]] bool apply(const WriteBatchAction& batch);
    // Takes and acknowledges everything that is due.
    [[nodiscard]] bool settle(Reducer& reducer, contracts::Timestamp now);
    // Tells the reducer what is there.
    void snapshot_to(Reducer& reducer, contracts::Timestamp now) const;

    std::map<std::string, std::string> values;
    std::map<std::string, int> other_deletes;  // "bucket/key"
    std::size_t writes = 0;

 private:
    [[nodiscard]] bool consistent(const std::string& device) const;
};

// What a store keeps of one Deployment's rollout.
class FakeRollouts {
 public:
    // Makes it the Deployment's active spec where it is not paused.
    [[nodiscard]] DeploymentKnown apply(const contracts::Deployment& deployment);
    [[nodiscard]] bool accepts(const RolloutStep& step) const { return step.version == record.version; }
    // What is told back of an accepted step.
    [[nodiscard]] RolloutKnown commit(const RolloutStep& step);
    // Everything, as after a restart.
    [[nodiscard]] DeploymentKnown known() const { return {document, active, {}, record}; }
    [[nodiscard]] RolloutKnown rollout() const;
    // The score that the device is to hold.
    [[nodiscard]] contracts::Score held(const std::string& device) const;

    contracts::Deployment document;
    std::optional<contracts::DeploymentSpec> active;
    RolloutRecord record;
    std::map<std::string, ScoreHash> holdings;
};

// What the device sends with its heartbeat when it holds what the reducer wants of it.
[[nodiscard]] std::string digest(const Reducer& reducer, const std::string& device,
                                 const FakeRollouts& rollouts);

}  // namespace harmony::op::testing
