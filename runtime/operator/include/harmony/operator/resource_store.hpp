// The resources, where there is no cluster to keep them: one SQLite file.
//
// A write that has returned survives kill -9 and a power cut (write-ahead log, synchronous FULL). Several
// operators may open the same file; changed_by_others() tells each of the others' writes. A file that is not
// ours, is damaged, or was written by a newer operator is refused with its name, never replaced.
//
// Not thread-safe: one thread owns it. The only place that includes sqlite3.h.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harmony/contracts/device_info.hpp"
#include "harmony/contracts/names.hpp"
#include "harmony/contracts/resources.hpp"
#include "harmony/result.hpp"

namespace harmony::op {

struct StoredDeployment {
    contracts::Deployment deployment;                 // without status
    std::optional<contracts::DeploymentSpec> active;  // see DeploymentKnown
    std::vector<contracts::Condition> conditions;

    bool operator==(const StoredDeployment&) const = default;
};

struct StoredDevice {
    contracts::DeviceInfo info;
    contracts::Timestamp registered_at;
    std::int64_t resource_version = 0;
};

class ResourceStore {
 public:
    // Creates the file (0600) where there is none. Corrupt, PermissionDenied, Io, Unavailable (locked).
    [[nodiscard]] static Result<std::unique_ptr<ResourceStore>> open(const std::string& path);
    ~ResourceStore();
    ResourceStore(const ResourceStore&) = delete;
    ResourceStore& operator=(const ResourceStore&) = delete;

    // Runs `work` in one transaction that holds the write lock from the start, so that what it reads is what
    // it changes. Rolled back where work fails, durable when this returns successfully.
    [[nodiscard]] Result<void> transaction(const std::function<Result<void>()>& work);

    // A number greater than every one handed out before; inside a transaction.
    [[nodiscard]] Result<std::int64_t> next_revision();

    [[nodiscard]] Result<std::optional<StoredDeployment>> deployment(const contracts::DeploymentName& name);
    // In the order of names, those after `after`.
    [[nodiscard]] Result<std::vector<StoredDeployment>> deployments(std::string_view after,
                                                                    std::int64_t limit);
    // Inserts or replaces; conditions are kept apart and not touched.
    [[nodiscard]] Result<void> put_deployment(const StoredDeployment& stored);
    [[nodiscard]] Result<void> remove_deployment(const contracts::DeploymentName& name);
    [[nodiscard]] Result<void> put_conditions(const contracts::DeploymentName& name,
                                              const std::vector<contracts::Condition>& conditions);

    [[nodiscard]] Result<std::optional<StoredDevice>> device(const contracts::DeviceId& id);
    [[nodiscard]] Result<std::vector<StoredDevice>> devices(std::string_view after, std::int64_t limit);
    // Every device changed after this revision, one by one; 0 for all.
    [[nodiscard]] Result<void> each_device_since(std::int64_t revision,
                                                 const std::function<void(const StoredDevice&)>& visit);
    // Inserts or replaces; the registration time of a known device stays, and so does everything where only
    // updated_at differs.
    [[nodiscard]] Result<void> put_device(const contracts::DeviceInfo& info, contracts::Timestamp now);
    // NotFound.
    [[nodiscard]] Result<void> remove_device(const contracts::DeviceId& id);

    // Whether another connection has written since the last call; false the first time.
    [[nodiscard]] Result<bool> changed_by_others();
    [[nodiscard]] Result<std::int64_t> revision();
    // Grows with every removed device.
    [[nodiscard]] Result<std::int64_t> device_removals();

 private:
    struct Impl;
    explicit ResourceStore(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace harmony::op
