// The operator's resources and the reducer's knowledge of them, kept in step: what is stored is told to the
// reducer, what the reducer decides becomes durable before anything follows from it.
//
// StoreKeeper (store_keeper.hpp) has a store of its own, ClusterResources (cluster_resources.hpp) the API of
// Kubernetes. Not thread-safe: part of the operator's state.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "harmony/contracts/device_info.hpp"
#include "harmony/contracts/fleet_api.hpp"
#include "harmony/operator/cluster_events.hpp"
#include "harmony/operator/events.hpp"
#include "harmony/operator/resource_store.hpp"

namespace harmony::op {

// The reply to a request of the fleet API; nothing: whoever does it sends the reply when it is done.
using ApiReply = Result<std::optional<std::string>>;

struct LateReply {
    std::string subject;
    std::string reply;
};

class ResourceKeeper {
 public:
    virtual ~ResourceKeeper() = default;

    [[nodiscard]] virtual ResourceReader& reader() = 0;
    // Tells the reducer what is there. Call once, first.
    [[nodiscard]] virtual Result<void> restore(contracts::Timestamp now) = 0;

    // Every resource has been told, so what belongs to none of them may be removed.
    [[nodiscard]] virtual bool complete() const = 0;
    // This operator is the one that writes buckets, takes a rollout's steps and releases. Whoever begins to
    // act reads the buckets anew.
    [[nodiscard]] virtual bool acting() const = 0;
    // Nothing is to be stored or waited for.
    [[nodiscard]] virtual bool settled() const = 0;

    // What a cluster says; nothing where there is none.
    virtual void hear(ClusterEvent event, contracts::Timestamp now) = 0;
    // What others have changed since.
    virtual void adopt(contracts::Timestamp now) = 0;
    virtual void take_device(contracts::DeviceInfo info, contracts::Timestamp now) = 0;
    // Devices that were taken, and not stored yet.
    virtual void store_devices(contracts::Timestamp now) = 0;
    // While acting only:
    virtual void advance_rollouts(contracts::Timestamp now) = 0;
    virtual void release_deployments(contracts::Timestamp now) = 0;
    // Forgets the devices of which no key is left, and answers who asked for that.
    [[nodiscard]] virtual std::vector<LateReply> release_devices(contracts::Timestamp now) = 0;
    // Each changed; also while another operator acts.
    virtual void keep_statuses(const std::vector<StatusAction>& statuses, contracts::Timestamp now) = 0;

    // The reply goes to `reply_subject` where it comes later.
    [[nodiscard]] virtual ApiReply apply(const contracts::ApplyRequest& request,
                                         const std::string& reply_subject, contracts::Timestamp now) = 0;
    [[nodiscard]] virtual ApiReply delete_deployment(const contracts::DeploymentName& name,
                                                     const std::string& reply_subject,
                                                     contracts::Timestamp now) = 0;
    // Until its last key is gone nothing that is told of the device is believed: it may have been said
    // before.
    [[nodiscard]] virtual ApiReply delete_device(const contracts::DeviceId& id,
                                                 const std::string& reply_subject,
                                                 contracts::Timestamp now) = 0;
};

}  // namespace harmony::op
