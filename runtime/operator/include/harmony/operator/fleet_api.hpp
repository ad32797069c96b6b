// Answers fleet-api.v1.*: one request in, one reply out.
//
// Lives on the thread that owns the store and the reducer. A change is on disk before its reply exists, and
// the reducer hears of it in the same call.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harmony/contracts/fleet_api.hpp"
#include "harmony/operator/ignored_entries.hpp"
#include "harmony/operator/reducer.hpp"
#include "harmony/operator/resource_keeper.hpp"

namespace harmony::op {

struct FleetApiOptions {
    std::string name_space;
    std::string version;
    contracts::Timestamp started_at;
};

struct Readiness {
    bool ready = false;
    std::string message;
};

struct ApiAnswer {
    std::string reply;
    // Set for devices.get: the reply still lacks these reports, which only the bucket holds in full.
    std::optional<contracts::DeviceReply> incomplete;
    std::vector<contracts::DeploymentName> wanted;
    bool later = false;  // whoever does what was asked for replies
};

class FleetApi {
 public:
    // All three must outlive it.
    FleetApi(ResourceKeeper& keeper, const Reducer& reducer, const IgnoredEntries& ignored,
             FleetApiOptions options, std::function<Readiness()> readiness);

    // Never fails: whatever is wrong with the request is in the reply.
    [[nodiscard]] ApiAnswer answer(std::string_view subject, std::string_view payload,
                                   const std::string& reply_subject, contracts::Timestamp now);

    [[nodiscard]] contracts::Device device_document(const StoredDevice& stored,
                                                    contracts::Timestamp now) const;

 private:
    [[nodiscard]] Result<ApiAnswer> dispatch(std::string_view subject, std::string_view payload,
                                             const std::string& reply_subject, contracts::Timestamp now);
    [[nodiscard]] ApiReply apply(std::string_view payload, const std::string& reply_subject,
                                 contracts::Timestamp now);
    [[nodiscard]] Result<std::string> get_deployment(std::string_view payload);
    [[nodiscard]] Result<std::string> list_deployments(std::string_view payload);
    [[nodiscard]] ApiReply delete_deployment(std::string_view payload, const std::string& reply_subject,
                                             contracts::Timestamp now);
    [[nodiscard]] Result<std::string> list_devices(std::string_view payload, contracts::Timestamp now);
    [[nodiscard]] Result<ApiAnswer> get_device(std::string_view payload, contracts::Timestamp now);
    [[nodiscard]] ApiReply delete_device(std::string_view payload, const std::string& reply_subject,
                                         contracts::Timestamp now);
    [[nodiscard]] std::string fleet_status(contracts::Timestamp now) const;

    ResourceKeeper& keeper_;
    const Reducer& reducer_;
    const IgnoredEntries& ignored_;
    FleetApiOptions options_;
    std::function<Readiness()> readiness_;
};

// The document with the status that the reducer has last derived.
[[nodiscard]] contracts::Deployment with_status(const StoredDeployment& stored, const Reducer& reducer);

// What an apply makes of the stored Deployment (none: it is new). Pure; uid and revision are filled in by the
// caller where the change is not Unchanged. Conflict, InvalidInput.
struct ApplyOutcome {
    contracts::ApplyChange change = contracts::ApplyChange::Unchanged;
    StoredDeployment stored;
};
[[nodiscard]] Result<ApplyOutcome> merge_apply(const contracts::Deployment& wanted,
                                               const std::optional<StoredDeployment>& current,
                                               const std::string& name_space, contracts::Timestamp now);

}  // namespace harmony::op
