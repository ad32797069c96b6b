// Which request is to be made next so that Device resources show what the fleet knows. Performs nothing, has
// no clock: facts and observations go in, next() says what to do, one thing at a time, and done() takes what
// came of it. Not thread-safe.
//
// Memory: for each device its object as it is to be applied, and its status: 2.6 KiB measured.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "harmony/kubernetes/failure.hpp"
#include "harmony/operator/device_resources.hpp"
#include "harmony/operator/device_resources_object.hpp"

namespace harmony::op {

enum class DeviceRequestKind { Object, Status, Delete };

struct DeviceRequest {
    DeviceRequestKind kind = DeviceRequestKind::Object;
    contracts::DeviceId device;
    std::string uid;         // Delete: of what is meant
    std::string body;        // Object: what is to be applied,
    std::uint64_t hash = 0;  // and what ObservedDevice::hash will be
    contracts::DeviceStatus status;
    bool refresh = false;  // for the heartbeat's time alone
};

struct DeviceResourceCounts {
    std::size_t resources = 0;  // ours, in the cluster
    std::size_t waiting = 0;    // have something to be written
    std::size_t left_out = 0;   // have no resource, because there are max_devices
    std::size_t foreign = 0;    // of our devices: the resource belongs to somebody else
    std::uint64_t failures = 0;
};

// A budget of so many a second, of which a second's worth can be saved up.
class RequestBudget {
 public:
    explicit RequestBudget(double per_second) : per_second_(per_second), saved_(per_second) {}
    [[nodiscard]] bool take(contracts::Timestamp now);
    // Microseconds until one may be taken; 0: now.
    [[nodiscard]] std::int64_t wait(contracts::Timestamp now);

 private:
    void save(contracts::Timestamp now);
    double per_second_;
    double saved_;
    std::optional<contracts::Timestamp> at_;
};

class DeviceResourcePlan {
 public:
    explicit DeviceResourcePlan(DeviceResourceSettings settings);

    // What the fleet knows.
    void known(contracts::DeviceInfo info);
    void forgotten(const contracts::DeviceId& device);
    void heartbeat(const contracts::DeviceId& device, contracts::Timestamp seen_at, contracts::Timestamp now);
    void info_refused(const contracts::DeviceId& device, std::string problem);
    void all_told();
    void lead(bool leading);

    // What the cluster holds.
    void replay_begins();
    void observed(const contracts::DeviceId& device, ObservedDevice seen);
    void gone(const contracts::DeviceId& device);
    void replay_ends();

    // Nothing: not now. The same device again only after done().
    [[nodiscard]] std::optional<DeviceRequest> next(contracts::Timestamp now);
    // `written` is what the server answered to an Object or Status.
    void done(const DeviceRequest& request,
              const runtime::kubernetes::Answer<std::optional<ObservedDevice>>& written,
              contracts::Timestamp now);
    // When next() may have something without anything having happened.
    [[nodiscard]] contracts::Timestamp next_due(contracts::Timestamp now);

    [[nodiscard]] DeviceResourceCounts counts() const;

 private:
    struct Record {
        bool known = false;
        bool forgotten = false;  // its resource is to be deleted
        DeviceObject object;
        std::string agent_version;
        std::string refused;            // why its latest info was not taken
        std::int64_t heartbeat_us = 0;  // 0: none was seen
        bool online = false;
        bool awaits_expiry = false;

        std::optional<ObservedDevice> seen;
        std::uint64_t written_version = 0;  // what is older than our last write is no news
        bool seen_in_replay = false;
        std::uint64_t applied_hash = 0;      // of the object last applied,
        std::uint64_t applied_result = 0;    // and of what it made
        std::string conflict;                // fields that others own
        std::uint64_t conflict_hash = 0;     // of the object that met it,
        std::uint64_t conflict_version = 0;  // and of what was in the cluster then
        std::string refusal;                 // by the cluster's schema or admission; until something changes
        bool status_refused = false;         // what was refused was the status, not the object

        bool queued = false;
        bool left_out = false;
        std::int64_t refresh_key = 0;  // its place in refreshes_; 0: none
    };
    using Records = std::unordered_map<contracts::DeviceId, Record>;

    void enqueue(const contracts::DeviceId& device, Record& record);
    void set_refresh(const contracts::DeviceId& device, Record& record);
    void erase_if_unused(const contracts::DeviceId& device);
    void note_foreign(const contracts::DeviceId& device, const Record& record);
    void expire(contracts::Timestamp now);
    void tell_time(contracts::Timestamp now);
    void set_seen(const contracts::DeviceId& device, Record& record, std::optional<ObservedDevice> seen);
    [[nodiscard]] bool ours(const Record& record) const;
    [[nodiscard]] bool foreign(const Record& record) const;
    [[nodiscard]] bool may_write() const;
    [[nodiscard]] std::optional<DeviceRequest> request_for(const contracts::DeviceId& device, Record& record,
                                                           contracts::Timestamp now);
    [[nodiscard]] bool object_is_due(const Record& record) const;
    [[nodiscard]] static bool status_may_go(const Record& record) {
        return record.refusal.empty() || !record.status_refused;
    }
    [[nodiscard]] contracts::DeviceStatus wanted_status(const Record& record, contracts::Timestamp now) const;
    [[nodiscard]] std::optional<DeviceRequest> next_change(contracts::Timestamp now);
    [[nodiscard]] std::optional<DeviceRequest> next_refresh(contracts::Timestamp now);
    void take_failure(const DeviceRequest& request, Record& record,
                      const runtime::kubernetes::Failure& failure, contracts::Timestamp now);

    DeviceResourceSettings settings_;
    Records records_;
    std::deque<contracts::DeviceId> queue_;
    std::set<contracts::DeviceId> left_out_;
    std::set<contracts::DeviceId> foreign_;
    // Online devices by the heartbeat that is written, oldest first.
    std::set<std::pair<std::int64_t, contracts::DeviceId>> refreshes_;
    std::map<std::int64_t, std::vector<contracts::DeviceId>> expiries_;  // by second
    RequestBudget changes_;
    RequestBudget refresh_budget_;
    contracts::Timestamp clock_;  // as last told
    std::size_t resources_ = 0;
    std::uint64_t failures_ = 0;
    bool told_ = false;
    bool watched_ = false;  // the cluster has told what it holds
    bool leading_ = false;
    std::int64_t pause_us_ = 0;  // how long to wait after a failure that is not one device's
    contracts::Timestamp paused_until_;
    std::string trouble_;  // as last logged
};

}  // namespace harmony::op
