// Follows what the operator asks of this device: messages are hints, the truth is read by direct get.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "harmony/agent/clock.hpp"
#include "harmony/agent/desired_store.hpp"
#include "harmony/daemon/backoff.hpp"
#include "harmony/nats/connection.hpp"

namespace harmony::agent {

// One message on the device's own desired-state keys.
struct DesiredHint {
    std::optional<contracts::DeploymentName> deployment;  // none: the index
    bool deleted = false;
    std::uint64_t value_hash = 0;  // fnv1a64 of the payload

    // None for a subject that is none of this device's keys.
    [[nodiscard]] static std::optional<DesiredHint> from(const contracts::DeviceId& device,
                                                         const runtime::nats::Message& message);
};

// Not thread-safe: it belongs to the reconcile thread.
//
// A deployment goes when its key is deleted before our eyes or when the index no longer lists it. A broker
// that has lost the index, or a listed key, says nothing: the device keeps what it holds.
class DesiredTracker {
 public:
    // `held`: from the disk; nothing where the device has never been told anything.
    DesiredTracker(runtime::nats::NatsConnection& connection, contracts::DeviceId device,
                   std::optional<HeldDesired> held);

    // True where it is the same index again: the operator misses what this device has to tell.
    bool hint(const DesiredHint& hint, SteadyTime now);
    // The index and every key it lists, as soon as advance() is called.
    void request_full(SteadyTime now);

    // Reads what is due. True where held() or known() changed. Blocks for one request's timeout at most where
    // the broker does not answer.
    bool advance(SteadyTime now);
    // When advance() has something to do; nothing: only after a hint.
    [[nodiscard]] std::optional<SteadyTime> next_due() const;

    [[nodiscard]] const HeldDesired& held() const { return held_; }
    // Whether the device has ever been told what it should run.
    [[nodiscard]] bool known() const { return known_; }

 private:
    struct Pending {
        DesiredHint hint;
        int attempts = 0;
        SteadyTime due;
    };

    Result<void> read_all();
    Result<void> read_index(Pending& pending);
    Result<void> read_deployment(const contracts::DeploymentName& deployment, Pending* pending);
    Result<std::optional<std::set<contracts::DeploymentName>>> get_index(Pending* pending);
    void apply_index(const std::set<contracts::DeploymentName>& index);
    void settle(Pending& pending, bool agrees);
    void retry_later(const Error& error, SteadyTime now);

    runtime::nats::NatsConnection& connection_;
    contracts::DeviceId device_;
    HeldDesired held_;
    bool known_ = false;
    bool changed_ = false;
    std::set<contracts::DeploymentName> index_;
    std::optional<std::uint64_t>
        last_index_;  // the hash of what the last hint told; before one, of what was read
    std::map<std::string, Pending> pending_;  // by the key's last token
    std::optional<SteadyTime> full_due_;
    runtime::daemon::Backoff backoff_;
    SteadyTime now_{};
};

}  // namespace harmony::agent
