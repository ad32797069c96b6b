// Which of several operators on a cluster acts: the holder of a Lease.
//
// A leader that is killed is followed after at most duration + renew_interval, 12 s with the defaults: the
// standby sees the last renewal at most one interval late, and looks again exactly when the lease ends. One
// that is stopped gives the lease up and is followed within an interval. Each side judges by its own clock: a
// leader counts from before its last successful renewal, a standby from before it first saw it, so that the
// leader has stood down before anybody else may begin, as long as renew_deadline + renew_interval < duration.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>

#include "harmony/daemon/health.hpp"
#include "harmony/daemon/metrics.hpp"
#include "harmony/kubernetes/lease.hpp"
#include "harmony/result.hpp"

namespace harmony::op {

using runtime::kubernetes::SteadyTime;

struct LeaderElectionSettings {
    std::string name_space;
    std::string lease;     // the Lease's name
    std::string identity;  // unique among the candidates, and new with each process
    std::chrono::seconds duration{10};
    std::chrono::milliseconds renew_interval{2'000};
    std::chrono::milliseconds renew_deadline{6'000};
};

// InvalidInput names the setting.
[[nodiscard]] Result<void> check(const LeaderElectionSettings& settings);
// <host name>_<8 random hexadecimal digits>
[[nodiscard]] std::string election_identity();

// On the election's thread: they enqueue and return.
struct LeadershipEvents {
    std::function<void()> on_started_leading = {};
    // Called when leading() has become false, or at once when the election ends.
    std::function<void()> on_stopped_leading = {};
    std::function<void(const std::string& holder)> on_leader = {};  // another holder than before was seen
};

// The election as steps, for whoever has a clock. One thread steps; leading() and leader() are for any.
class LeaderElectionSteps {
 public:
    // The client must outlive it.
    LeaderElectionSteps(runtime::kubernetes::KubernetesClient& client, LeaderElectionSettings settings,
                        LeadershipEvents events);

    // Acquires, renews, waits or stands down. Returns when to step again: never later than the moment at
    // which leading() ends by itself.
    SteadyTime step(SteadyTime now, const std::stop_token& stop = {});
    // Stands down, and gives the lease up if we hold it. Waits no longer than a renew interval.
    void give_up();

    [[nodiscard]] bool leading(SteadyTime now) const;
    [[nodiscard]] std::string leader() const;  // as last seen; empty: nobody, or not known yet
    // Why the Lease could not be read or written, since when; nothing while all is well.
    struct Trouble {
        std::string reason;
        SteadyTime since;
    };
    [[nodiscard]] std::optional<Trouble> trouble() const;
    [[nodiscard]] std::uint64_t terms() const { return terms_; }  // how often we have begun to lead
    [[nodiscard]] std::uint64_t failures() const { return failures_; }

 private:
    void stand_down();
    void announce(bool leads);
    void note_holder();
    void note_failure(const runtime::kubernetes::Failure& failure, SteadyTime now);

    LeaderElectionSettings settings_;
    LeadershipEvents events_;
    runtime::kubernetes::LeaseElection election_;
    std::atomic<SteadyTime::rep> leads_until_{SteadyTime::min().time_since_epoch().count()};
    std::atomic<std::uint64_t> terms_{0};
    std::atomic<std::uint64_t> failures_{0};
    bool announced_ = false;
    mutable std::mutex mutex_;
    std::string leader_;
    std::optional<Trouble> trouble_;
};

// The running election, on a thread of its own.
class LeaderElection {
 public:
    virtual ~LeaderElection() = default;
    // Any thread. By the clock at this moment: ask before every write that only a leader may do.
    [[nodiscard]] virtual bool leading() const = 0;
    [[nodiscard]] virtual std::string leader() const = 0;
    // on_stopped_leading, then the lease is given up. Idempotent; also done on destruction.
    virtual void stop() = 0;
};

// InvalidInput. Adds the readiness check "leader-election", which passes for leader and standby alike while
// the Lease can be read; the health check of that name; and the metrics harmony_operator_leading,
// harmony_operator_leader_terms_total and harmony_operator_lease_failures_total. The client must outlive it.
[[nodiscard]] Result<std::unique_ptr<LeaderElection>> start_leader_election(
    runtime::kubernetes::KubernetesClient& client, LeaderElectionSettings settings, LeadershipEvents events,
    runtime::daemon::HealthRegistry& health, runtime::daemon::MetricsRegistry& metrics);

}  // namespace harmony::op
