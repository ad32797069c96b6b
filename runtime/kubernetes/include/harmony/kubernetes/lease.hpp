// Leader election with a Lease (coordination.k8s.io/v1), as client-go does it: a lease is expired when its
// record did not change for its duration on *our* clock; the times written in it are for people.
#pragma once

#include <chrono>
#include <optional>
#include <stop_token>
#include <string>
#include <variant>

#include "harmony/kubernetes/client.hpp"

namespace harmony::runtime::kubernetes {

using SteadyTime = std::chrono::steady_clock::time_point;

[[nodiscard]] ResourceType lease_type();

struct LeaseSettings {
    std::string name_space;
    std::string name;
    std::string identity;  // who we are; unique among the candidates
    std::chrono::seconds duration{15};
    std::chrono::milliseconds renew_interval{5'000};
    // Without a renewal for so long the leader stands down by itself. Less than duration, so that it does
    // before anybody else may take over.
    std::chrono::milliseconds renew_deadline{10'000};
};

// A Lease as far as an election reads it.
struct LeaseRecord {
    std::string holder;  // empty: given up
    int duration_s = 0;
    std::int64_t transitions = 0;
    std::string resource_version;
};

// Malformed: fields of another type.
[[nodiscard]] Answer<LeaseRecord> parse_lease(const Json& object);

struct TakeLease {
    bool create = false;
    std::int64_t transitions = 0;
};
struct RenewLease {};
struct WaitForLease {
    std::chrono::milliseconds for_at_most;
};
using LeaseStep = std::variant<TakeLease, RenewLease, WaitForLease>;

// What we saw of the record, and since when it is unchanged on our clock.
struct LeaseView {
    std::string resource_version;
    SteadyTime unchanged_since;
};

// Pure. `record`: nothing where the Lease does not exist.
[[nodiscard]] LeaseStep next_lease_step(const LeaseSettings& settings,
                                        const std::optional<LeaseRecord>& record, const LeaseView& view,
                                        SteadyTime now);

enum class Leadership { Follower, Leader };

// The shell: each tick is one read and at most one write. One thread at a time; the client must outlive it.
class LeaseElection {
 public:
    LeaseElection(KubernetesClient& client, LeaseSettings settings);

    // Call it at least every renew_interval. The failure of a tick is for the log: leadership() stays right,
    // since a leader that can't renew stands down at its deadline. A leader's tick ends by then, any other
    // within two renew intervals.
    [[nodiscard]] Answer<Leadership> tick(SteadyTime now, std::stop_token stop = {});
    // Ask before every write that only a leader may do.
    [[nodiscard]] Leadership leadership(SteadyTime now) const;
    [[nodiscard]] const std::string& holder() const { return holder_; }
    // When the lease of another, as last seen, is over unless it is renewed.
    [[nodiscard]] std::optional<SteadyTime> expires() const { return expires_; }
    // Gives the lease up, so that a standby need not wait for its end. Only if we hold it.
    [[nodiscard]] Answer<void> release(const CallLimits& limits = {});

 private:
    [[nodiscard]] Answer<Leadership> write(const TakeLease* take, const Json& current, SteadyTime now,
                                           CallLimits limits);
    [[nodiscard]] CallLimits limits(SteadyTime now, std::stop_token stop) const;
    void see(const std::string& resource_version, SteadyTime now);

    KubernetesClient& client_;
    LeaseSettings settings_;
    ObjectRef ref_;
    LeaseView view_;
    std::string holder_;
    std::optional<SteadyTime> expires_;
    std::optional<SteadyTime> renewed_;  // set while we lead: the start of the last successful write
};

}  // namespace harmony::runtime::kubernetes
