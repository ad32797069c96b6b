// Resources in a ResourceStore of the operator's own, which several operators may share: all of them act, and
// each adopts what the others have stored.
#pragma once

#include <map>
#include <memory>

#include "harmony/daemon/health.hpp"
#include "harmony/operator/reducer.hpp"
#include "harmony/operator/resource_keeper.hpp"

namespace harmony::op {

class StoreKeeper final : public ResourceKeeper {
 public:
    // Reducer and registry must outlive it.
    StoreKeeper(std::unique_ptr<ResourceStore> store, Reducer& reducer, std::string name_space,
                runtime::daemon::HealthRegistry& health);

    ResourceReader& reader() override { return *store_; }
    Result<void> restore(contracts::Timestamp now) override;
    bool complete() const override { return !behind_; }
    bool acting() const override { return true; }
    bool settled() const override { return unsaved_.empty() && removals_.empty() && !behind_; }
    void hear(ClusterEvent, contracts::Timestamp) override {}
    void adopt(contracts::Timestamp now) override;
    void take_device(contracts::DeviceInfo info, contracts::Timestamp now) override;
    void store_devices(contracts::Timestamp now) override;
    void advance_rollouts(contracts::Timestamp now) override;
    void release_deployments(contracts::Timestamp now) override;
    std::vector<LateReply> release_devices(contracts::Timestamp now) override;
    void keep_statuses(const std::vector<StatusAction>& statuses, contracts::Timestamp now) override;
    ApiReply apply(const contracts::ApplyRequest& request, const std::string& reply_subject,
                   contracts::Timestamp now) override;
    ApiReply delete_deployment(const contracts::DeploymentName& name, const std::string& reply_subject,
                               contracts::Timestamp now) override;
    ApiReply delete_device(const contracts::DeviceId& id, const std::string& reply_subject,
                           contracts::Timestamp now) override;

 private:
    // Of a device whose keys are being deleted.
    struct Removal {
        bool stored = false;                // by another operator no more
        std::vector<std::string> awaiting;  // reply subjects
    };

    [[nodiscard]] Result<void> advance_rollout(const RolloutStep& step, contracts::Timestamp now);
    [[nodiscard]] Result<void> tell_deployment(StoredDeployment stored, contracts::Timestamp now);
    [[nodiscard]] Result<void> catch_up(contracts::Timestamp now);
    [[nodiscard]] Result<std::optional<StoredDevice>> remove_from_store(const contracts::DeviceId& id);
    [[nodiscard]] Result<void> adopt_deployments(contracts::Timestamp now);
    [[nodiscard]] Result<void> adopt_devices(std::int64_t removals, contracts::Timestamp now);
    [[nodiscard]] Result<void> read_missed(const contracts::DeploymentName& name,
                                           const std::optional<StoredDeployment>& current,
                                           std::vector<Holding>& missed);
    [[nodiscard]] Result<void> forget_unheld(const contracts::DeploymentName& name, RolloutRecord& record);

    std::unique_ptr<ResourceStore> store_;
    Reducer& reducer_;
    const std::string name_space_;
    std::map<contracts::DeviceId, contracts::DeviceInfo>
        unsaved_;  // told to the reducer, not yet in the store
    std::map<contracts::DeviceId, Removal> removals_;
    std::map<std::string, std::string> adopted_;  // deployment: resource version
    std::int64_t adopted_revision_ = 0;           // of the devices
    std::int64_t seen_revision_ = -1;             // of everything
    std::int64_t adopted_removals_ = 0;
    bool behind_ = false;                  // what others have stored could not be read: nothing is written
    contracts::Timestamp adopt_again_;     // not before, after the store has failed
    contracts::Timestamp rollouts_again_;  // likewise
    contracts::Timestamp devices_again_;   // likewise
    contracts::Timestamp release_again_;   // likewise
    contracts::Timestamp remove_again_;    // likewise
    std::shared_ptr<runtime::daemon::HealthRegistry::Flag> store_flag_;
};

}  // namespace harmony::op
