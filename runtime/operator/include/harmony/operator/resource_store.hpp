// The resources, where they are kept durably. SqliteResourceStore (sqlite_resource_store.hpp) is the one of
// an operator without a cluster; with one, ClusterResources (cluster_resources.hpp) reads what it has heard.
//
// A write that has returned survives kill -9 and a power cut. Several operators may share what is stored;
// changed_by_others() tells each of the others' writes.
//
// Not thread-safe: one thread owns it.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "harmony/contracts/device_info.hpp"
#include "harmony/contracts/names.hpp"
#include "harmony/contracts/resources.hpp"
#include "harmony/operator/rollout.hpp"
#include "harmony/result.hpp"

namespace harmony::op {

struct StoredDeployment {
    contracts::Deployment deployment;                 // without status
    std::optional<contracts::DeploymentSpec> active;  // see DeploymentKnown
    std::vector<contracts::Condition> conditions;
    RolloutRecord rollout{};

    bool operator==(const StoredDeployment&) const = default;
};

// What changes with every change of a Deployment but that of its conditions.
struct DeploymentVersion {
    contracts::DeploymentName name;
    std::string resource_version;
    std::int64_t rollout_version = 0;
};

struct StoredDevice {
    contracts::DeviceInfo info;
    contracts::Timestamp registered_at;
    std::int64_t resource_version = 0;
};

// What the fleet API reads.
class ResourceReader {
 public:
    virtual ~ResourceReader() = default;

    [[nodiscard]] virtual Result<std::optional<StoredDeployment>> deployment(
        const contracts::DeploymentName& name) = 0;
    // In the order of names, those after `after`.
    [[nodiscard]] virtual Result<std::vector<StoredDeployment>> deployments(std::string_view after,
                                                                            std::int64_t limit) = 0;
    [[nodiscard]] virtual Result<std::optional<StoredDevice>> device(const contracts::DeviceId& id) = 0;
    [[nodiscard]] virtual Result<std::vector<StoredDevice>> devices(std::string_view after,
                                                                    std::int64_t limit) = 0;
};

class ResourceStore : public ResourceReader {
 public:
    // Runs `work` in one transaction that holds the write lock from the start, so that what it reads is what
    // it changes. Rolled back where work fails, durable when this returns successfully.
    [[nodiscard]] virtual Result<void> transaction(const std::function<Result<void>()>& work) = 0;

    // A number greater than every one handed out before; inside a transaction. Whoever changes something that
    // other operators have to adopt takes one.
    [[nodiscard]] virtual Result<std::int64_t> next_revision() = 0;

    // Of every Deployment, in the order of names; reads no document.
    [[nodiscard]] virtual Result<std::vector<DeploymentVersion>> deployment_versions() = 0;
    // Inserts or replaces, with the rollout's record as put_rollout() does; conditions are not touched.
    [[nodiscard]] virtual Result<void> put_deployment(const StoredDeployment& stored) = 0;
    // With everything that belongs to it.
    [[nodiscard]] virtual Result<void> remove_deployment(const contracts::DeploymentName& name) = 0;
    [[nodiscard]] virtual Result<void> put_conditions(
        const contracts::DeploymentName& name, const std::vector<contracts::Condition>& conditions) = 0;

    // None where the Deployment is not there; one that never rolled out has an empty record.
    [[nodiscard]] virtual Result<std::optional<RolloutRecord>> rollout(
        const contracts::DeploymentName& name) = 0;
    // Of a Deployment that is there. Drops every holding where the epoch is another than before.
    [[nodiscard]] virtual Result<void> put_rollout(const contracts::DeploymentName& name,
                                                   const RolloutRecord& record) = 0;
    // Inserts or replaces, marked with the version of the record they came with.
    [[nodiscard]] virtual Result<void> put_holdings(const contracts::DeploymentName& name,
                                                    std::int64_t version,
                                                    std::span<const contracts::DeviceId> devices,
                                                    ScoreHash score) = 0;
    // Every holding stored with a version after this one; -1 for all.
    [[nodiscard]] virtual Result<void> each_holding_since(
        const contracts::DeploymentName& name, std::int64_t version,
        const std::function<void(const Holding&)>& visit) = 0;
    // Every score that some holding names, each once.
    [[nodiscard]] virtual Result<std::vector<ScoreHash>> held_scores(
        const contracts::DeploymentName& name) = 0;

    // Every device changed after this revision, one by one; 0 for all.
    [[nodiscard]] virtual Result<void> each_device_since(
        std::int64_t revision, const std::function<void(const StoredDevice&)>& visit) = 0;
    // Inserts or replaces; the registration time of a known device stays, and so does everything where only
    // updated_at differs.
    [[nodiscard]] virtual Result<void> put_device(const contracts::DeviceInfo& info,
                                                  contracts::Timestamp now) = 0;
    // NotFound.
    [[nodiscard]] virtual Result<void> remove_device(const contracts::DeviceId& id) = 0;

    // Whether another connection has written since the last call; false the first time.
    [[nodiscard]] virtual Result<bool> changed_by_others() = 0;
    [[nodiscard]] virtual Result<std::int64_t> revision() = 0;
    // Grows with every removed device.
    [[nodiscard]] virtual Result<std::int64_t> device_removals() = 0;
};

}  // namespace harmony::op
