// Device resources on a cluster: what the fleet knows of its devices, for `kubectl get fleetdev`.
//
// They are a picture, never the truth: the operator reads nothing from them. Cost follows the change. A
// device that is new costs two requests, one that goes online or offline or has other labels costs one,
// however often it changed meanwhile. An idle fleet costs at most refreshes_per_second requests, whatever its
// size, for status.lastHeartbeat alone: with 5 each of 300 devices is refreshed every minute, each of 10 000
// every 33 minutes. A new leader compares with what the cluster holds and writes only what differs.
//
// Ours is a Device that carries the label kStackLabel with our stack's name. One that belongs to another
// stack, and fields that another manager owns, are left alone: the former is counted and logged, the latter
// told in the condition ResourceCurrent.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "harmony/contracts/device_info.hpp"
#include "harmony/contracts/names.hpp"
#include "harmony/contracts/timestamps.hpp"
#include "harmony/daemon/metrics.hpp"
#include "harmony/kubernetes/client.hpp"
#include "harmony/result.hpp"

namespace harmony::op {

inline constexpr std::string_view kStackLabel = "fleet.nationtech.io/stack";

struct DeviceResourceSettings {
    std::string stack;  // the operator's namespace: which fleet of the cluster the devices belong to
    std::chrono::seconds heartbeat_stale_after{90};  // as the operator's: online until then
    // No further device gets a resource while so many have one: a cluster's store is not made for a million.
    std::size_t max_devices = 20'000;
    double changes_per_second = 100;
    double refreshes_per_second = 5;
    std::chrono::seconds refresh_interval{60};  // of one device, at least
};

// InvalidInput names the setting.
[[nodiscard]] Result<void> check(const DeviceResourceSettings& settings);

// Thread-safe; nothing blocks. Facts are kept for each device, the newest only: there is no queue to fill.
class DeviceResources {
 public:
    virtual ~DeviceResources() = default;

    virtual void device_known(contracts::DeviceInfo info) = 0;
    // Deleted by a person: its resource is deleted.
    virtual void device_forgotten(const contracts::DeviceId& device) = 0;
    virtual void heartbeat_seen(const contracts::DeviceId& device, contracts::Timestamp seen_at) = 0;
    // Its latest device-info breaks the contract; an empty problem: it is right again.
    virtual void info_refused(const contracts::DeviceId& device, std::string problem) = 0;
    // Every device and every heartbeat there is has been told. Nothing is written before; afterwards a
    // resource of a device that was never told shows that the fleet does not know it.
    virtual void all_devices_told() = 0;
    // Nothing is written while not leading.
    virtual void set_leading(bool leading) = 0;

    // Ends its thread; a request on the way is waited for. Idempotent; also done on destruction.
    virtual void stop() = 0;
};

// Begins to watch at once. Metrics: harmony_operator_device_resource_writes_total{kind=object|status|delete},
// harmony_operator_device_resource_failures_total, and the gauges harmony_operator_device_resources,
// …_waiting, …_left_out, …_foreign. The client must outlive it.
[[nodiscard]] Result<std::unique_ptr<DeviceResources>> start_device_resources(
    runtime::kubernetes::KubernetesClient& client, const DeviceResourceSettings& settings,
    runtime::daemon::MetricsRegistry& metrics);

}  // namespace harmony::op
