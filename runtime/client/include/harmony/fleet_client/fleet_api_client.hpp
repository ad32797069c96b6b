// Typed calls of fleet-api.v1.*.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "harmony/contracts/fleet_api.hpp"
#include "harmony/nats/connection.hpp"
#include "harmony/result.hpp"

namespace harmony::runtime::fleet_client {

// Thread-safe as far as the connection is; the connection must outlive it and be started.
//
// Errors: what the operator answered (InvalidInput, NotFound, Conflict, PermissionDenied, Unavailable,
// Internal) with its own message; Unavailable where no operator listens; Timeout; Corrupt where the reply
// breaks the contract. An operator that is busy or has no store for a moment is asked again until the
// deadline. It has done nothing by then, unless its store is a cluster whose answer was lost: a deletion that
// was made may then end as NotFound, and an apply with a resourceVersion as Conflict.
class FleetApiClient {
 public:
    explicit FleetApiClient(nats::NatsConnection& connection,
                            std::chrono::milliseconds deadline = contracts::kFleetApiDeadline)
        : connection_(connection), deadline_(deadline) {}

    [[nodiscard]] Result<contracts::ApplyReply> apply(const contracts::Deployment& deployment,
                                                      bool dry_run = false);
    [[nodiscard]] Result<contracts::Deployment> deployment(const std::string& name);
    [[nodiscard]] Result<contracts::DeploymentList> deployments(const contracts::ListRequest& page = {});
    [[nodiscard]] Result<contracts::DeleteReply> delete_deployment(const std::string& name);
    [[nodiscard]] Result<contracts::DeviceList> devices(const contracts::ListRequest& page = {});
    [[nodiscard]] Result<contracts::DeviceReply> device(const std::string& id);
    [[nodiscard]] Result<contracts::DeleteReply> delete_device(const std::string& id);
    [[nodiscard]] Result<contracts::FleetStatusReply> status();

    // Every page, one after the other.
    [[nodiscard]] Result<std::vector<contracts::Deployment>> all_deployments();
    [[nodiscard]] Result<std::vector<contracts::Device>> all_devices();

 private:
    template <class Reply>
    [[nodiscard]] Result<Reply> call(std::string_view subject, std::string payload);

    nats::NatsConnection& connection_;
    std::chrono::milliseconds deadline_;
};

}  // namespace harmony::runtime::fleet_client
