// deployments.apply of the fleet API, where the resources are a cluster's.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "harmony/contracts/fleet_api.hpp"
#include "harmony/kubernetes/client.hpp"

namespace harmony::op {

struct AppliedDeployment {
    contracts::ApplyReply reply;
    std::optional<nlohmann::json> object;  // as it is now; none after a dry run
};

// What is applied through the fleet API is the whole spec: it takes over fields that other managers have set,
// and what they had added goes. Labels and annotations of others stay.
[[nodiscard]] Result<AppliedDeployment> apply_deployment(runtime::kubernetes::KubernetesClient& client,
                                                         const std::string& name_space,
                                                         const contracts::ApplyRequest& request);

// Of one call for a request of the fleet API: below the 10 seconds that whoever asked waits.
[[nodiscard]] runtime::kubernetes::CallLimits request_limits();
// For a reply.
[[nodiscard]] Error refusal_of(const runtime::kubernetes::Failure& failure);

}  // namespace harmony::op
