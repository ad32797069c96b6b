// The operator's API where there is no cluster: core NATS request and reply on fleet-api.v1.*
// (spec/fleet-api.md). Every reply is either the document below or a RemoteError.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harmony/contracts/deployment_state.hpp"
#include "harmony/contracts/names.hpp"
#include "harmony/contracts/remote_error.hpp"
#include "harmony/contracts/resources.hpp"
#include "harmony/result.hpp"

namespace harmony::contracts {

inline constexpr std::string_view kFleetApiPrefix = "fleet-api.v1";
inline constexpr std::string_view kFleetApiSubscription = "fleet-api.v1.>";  // the operator's
inline constexpr std::string_view kDeploymentsApply = "fleet-api.v1.deployments.apply";
inline constexpr std::string_view kDeploymentsGet = "fleet-api.v1.deployments.get";
inline constexpr std::string_view kDeploymentsList = "fleet-api.v1.deployments.list";
inline constexpr std::string_view kDeploymentsDelete = "fleet-api.v1.deployments.delete";
inline constexpr std::string_view kDevicesList = "fleet-api.v1.devices.list";
inline constexpr std::string_view kDevicesGet = "fleet-api.v1.devices.get";
inline constexpr std::string_view kDevicesDelete = "fleet-api.v1.devices.delete";
inline constexpr std::string_view kFleetStatus = "fleet-api.v1.status";

inline constexpr std::chrono::seconds kFleetApiDeadline{10};  // client
inline constexpr std::int64_t kListDefaultLimit = 100;
inline constexpr std::int64_t kListMaxLimit = 500;
inline constexpr std::size_t kMaxContinueBytes = 512;
// A list reply stays below this, so below the broker's 1 MiB; a page may therefore hold fewer items than
// asked.
inline constexpr std::size_t kMaxListReplyBytes = 768 * 1024;

enum class FleetApiMethod {
    DeploymentsApply,
    DeploymentsGet,
    DeploymentsList,
    DeploymentsDelete,
    DevicesList,
    DevicesGet,
    DevicesDelete,
    Status,
};
[[nodiscard]] std::string_view fleet_api_subject(FleetApiMethod method);
// NotFound for a subject below the prefix that names no method, InvalidInput for one that is not below it.
[[nodiscard]] Result<FleetApiMethod> parse_fleet_api_subject(std::string_view subject);

// deployments.apply: create, or replace spec, labels and annotations. What the operator owns in the document
// (generation, uid, timestamps, finalizers, status) is ignored. A resource_version that is set must be
// current: Conflict.
struct ApplyRequest {
    Deployment deployment;
    bool dry_run = false;  // check and compare, change nothing

    [[nodiscard]] static Result<ApplyRequest> decode(std::string_view json);
    [[nodiscard]] std::string encode() const;

    bool operator==(const ApplyRequest&) const = default;
};

enum class ApplyChange { Created, Configured, Unchanged };
[[nodiscard]] std::string_view to_string(ApplyChange change);

// Answered when the change is on disk.
struct ApplyReply {
    ApplyChange change = ApplyChange::Unchanged;
    Deployment deployment;  // as stored

    [[nodiscard]] static Result<ApplyReply> decode(std::string_view json);
    [[nodiscard]] std::string encode() const;

    bool operator==(const ApplyReply&) const = default;
};

// deployments.get, deployments.delete, devices.get, devices.delete. NotFound when there is none.
struct NameRequest {
    std::string name;

    [[nodiscard]] static Result<NameRequest> decode(std::string_view json);
    [[nodiscard]] std::string encode() const;

    bool operator==(const NameRequest&) const = default;
};

struct DeploymentReply {
    Deployment deployment;

    [[nodiscard]] static Result<DeploymentReply> decode(std::string_view json);
    [[nodiscard]] std::string encode() const;

    bool operator==(const DeploymentReply&) const = default;
};

// The reply to both deletes: whether the object is gone, or waits for its finalizer.
struct DeleteReply {
    std::string name;
    bool pending = false;  // marked; its devices still have to let go of it

    [[nodiscard]] static Result<DeleteReply> decode(std::string_view json);
    [[nodiscard]] std::string encode() const;

    bool operator==(const DeleteReply&) const = default;
};

struct DeviceReply {
    Device device;
    std::vector<DeploymentState> deployments;  // as the device last reported them, sorted by name

    [[nodiscard]] static Result<DeviceReply> decode(std::string_view json);
    [[nodiscard]] std::string encode() const;

    bool operator==(const DeviceReply&) const = default;
};

// deployments.list, devices.list. Items come in the order of their names' bytes.
struct ListRequest {
    std::int64_t limit = kListDefaultLimit;     // decode clamps to 1..kListMaxLimit
    std::optional<std::string> continue_token;  // "continue": from the page before; opaque to the client

    // An empty payload is the default request.
    [[nodiscard]] static Result<ListRequest> decode(std::string_view json);
    [[nodiscard]] std::string encode() const;

    bool operator==(const ListRequest&) const = default;
};

// Item is Deployment or Device.
template <class Item>
struct ListReply {
    std::vector<Item> items;
    std::optional<std::string> continue_token;  // none: this was the last page

    [[nodiscard]] static Result<ListReply> decode(std::string_view json);
    // All items, whatever their size: a server uses ListReplyBuilder.
    [[nodiscard]] std::string encode() const;

    bool operator==(const ListReply&) const = default;
};
using DeploymentList = ListReply<Deployment>;
using DeviceList = ListReply<Device>;
extern template struct ListReply<Deployment>;
extern template struct ListReply<Device>;

// Collects encoded items until the page is full.
//
//   ListReplyBuilder page(request.limit);
//   while (item && page.add(item.encode())) ++item;
//   reply(page.finish(item ? name of the last added : none));
class ListReplyBuilder {
 public:
    explicit ListReplyBuilder(std::int64_t limit, std::size_t max_bytes = kMaxListReplyBytes);

    // False: the page is full and the item is not in it. The first item always fits.
    [[nodiscard]] bool add(std::string_view encoded_item);
    [[nodiscard]] std::string finish(const std::optional<std::string>& continue_token) const;

 private:
    std::int64_t room_;
    std::size_t max_bytes_;
    std::string items_;
};

// A key of a bucket that the operator could not use: its name or its value breaks the contract.
struct IgnoredEntry {
    std::string bucket;
    std::string key;
    std::string message;

    bool operator==(const IgnoredEntry&) const = default;
};

inline constexpr std::size_t kMaxIgnoredEntries = 20;  // told in one reply

struct FleetStatusReply {
    std::string operator_version;
    std::string name_space;  // "namespace": whose Deployments this operator serves
    bool ready = false;      // store open, buckets there, everything read once
    std::string message;     // why it is not ready; empty when it is
    std::int64_t uptime_s = 0;
    std::int64_t devices = 0;
    std::int64_t devices_online = 0;
    std::int64_t deployments = 0;
    std::int64_t ignored_count = 0;             // entries of the buckets that are ignored now
    std::vector<IgnoredEntry> ignored_entries;  // some of them

    [[nodiscard]] static Result<FleetStatusReply> decode(std::string_view json);
    [[nodiscard]] std::string encode() const;

    bool operator==(const FleetStatusReply&) const = default;
};

}  // namespace harmony::contracts
