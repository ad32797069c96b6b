#include <unistd.h>

#include <array>
#include <cstdio>

#include "harmony/daemon/logging.hpp"
#include "harmony/daemon/random.hpp"
#include "harmony/operator/leader_election.hpp"

namespace harmony::op {

namespace kubernetes = runtime::kubernetes;
using kubernetes::Leadership;
using namespace std::chrono_literals;

namespace {

constexpr runtime::daemon::Logger kLog("leader-election");

kubernetes::LeaseSettings lease_settings(const LeaderElectionSettings& settings) {
    kubernetes::LeaseSettings result;
    result.name_space = settings.name_space;
    result.name = settings.lease;
    result.identity = settings.identity;
    result.duration = settings.duration;
    result.renew_interval = settings.renew_interval;
    result.renew_deadline = settings.renew_deadline;
    return result;
}

std::string milliseconds(std::chrono::milliseconds time) {
    return std::to_string(time.count()) + " ms";
}

}  // namespace

Result<void> check(const LeaderElectionSettings& settings) {
    const auto refuse = [](const std::string& message) {
        return fail(ErrorKind::InvalidInput, "leader election: " + message);
    };
    if (settings.name_space.empty()) return refuse("namespace: missing, expected that of the operator");
    if (settings.lease.empty()) return refuse("lease: missing, expected the name of a Lease");
    if (settings.identity.empty()) return refuse("identity: missing, expected a name of this process");
    if (settings.renew_interval < 100ms)
        return refuse("renew interval: found " + milliseconds(settings.renew_interval) +
                      ", expected at least 100 ms");
    if (settings.renew_deadline < 2 * settings.renew_interval)
        return refuse("renew deadline: found " + milliseconds(settings.renew_deadline) +
                      ", expected at least two renew intervals");
    if (settings.renew_deadline + settings.renew_interval >= settings.duration)
        return refuse("duration: found " + std::to_string(settings.duration.count()) +
                      " s, expected more than renew deadline and renew interval together (" +
                      milliseconds(settings.renew_deadline + settings.renew_interval) + ")");
    return {};
}

std::string election_identity() {
    std::array<char, 256> host{};
    if (gethostname(host.data(), host.size() - 1) != 0) host[0] = '\0';
    std::array<char, 16> suffix{};
    std::snprintf(suffix.data(), suffix.size(), "_%08x",
                  static_cast<unsigned>(runtime::daemon::random_bits() & 0xffffffffU));
    return std::string(host.data()) + suffix.data();
}

LeaderElectionSteps::LeaderElectionSteps(kubernetes::KubernetesClient& client,
                                         LeaderElectionSettings settings, LeadershipEvents events)
    : settings_(std::move(settings)),
      events_(std::move(events)),
      election_(client, lease_settings(settings_)) {}

bool LeaderElectionSteps::leading(SteadyTime now) const {
    return now.time_since_epoch().count() < leads_until_;
}

std::string LeaderElectionSteps::leader() const {
    const std::lock_guard lock(mutex_);
    return leader_;
}

std::optional<LeaderElectionSteps::Trouble> LeaderElectionSteps::trouble() const {
    const std::lock_guard lock(mutex_);
    return trouble_;
}

SteadyTime LeaderElectionSteps::step(SteadyTime now, const std::stop_token& stop) {
    if (announced_ && !leading(now)) {
        kLog.warning("the lease could not be renewed in time: not leading any more");
        stand_down();
    }
    const auto outcome = election_.tick(now, stop);
    if (!outcome) {
        if (!stop.stop_requested()) note_failure(outcome.error(), now);
        const auto again = now + settings_.renew_interval / 2;
        return announced_ ? std::min(again, SteadyTime(SteadyTime::duration(leads_until_))) : again;
    }
    {
        const std::lock_guard lock(mutex_);
        if (trouble_) kLog.info("the Lease answers again");
        trouble_.reset();
    }
    note_holder();
    if (*outcome == Leadership::Follower) {
        if (announced_) kLog.warning("another one leads", {{"leader", election_.holder()}});
        stand_down();
        const auto again = now + settings_.renew_interval;
        // Exactly when it ends, so that nobody waits for the next turn.
        return election_.expires() ? std::clamp(*election_.expires(), now + 1ms, again) : again;
    }
    leads_until_ = (now + settings_.renew_deadline).time_since_epoch().count();
    announce(true);
    return now + settings_.renew_interval;
}

void LeaderElectionSteps::give_up() {
    const bool led = announced_;
    stand_down();
    if (!led) return;
    kubernetes::CallLimits limits;
    limits.deadline = settings_.renew_interval / 2;
    limits.attempts = 2;
    if (const auto released = election_.release(limits); !released)
        kLog.warning("the Lease could not be given up: it ends by itself",
                     {{"error", released.error().text()}});
}

void LeaderElectionSteps::stand_down() {
    leads_until_ = SteadyTime::min().time_since_epoch().count();
    announce(false);
}

void LeaderElectionSteps::announce(bool leads) {
    if (leads == announced_) return;
    announced_ = leads;
    if (leads) {
        ++terms_;
        kLog.info("leading", {{"identity", settings_.identity}});
        if (events_.on_started_leading) events_.on_started_leading();
    } else {
        if (events_.on_stopped_leading) events_.on_stopped_leading();
    }
}

void LeaderElectionSteps::note_holder() {
    const std::string& holder = election_.holder();
    {
        const std::lock_guard lock(mutex_);
        if (leader_ == holder) return;
        leader_ = holder;
    }
    if (events_.on_leader) events_.on_leader(holder);
}

void LeaderElectionSteps::note_failure(const kubernetes::Failure& failure, SteadyTime now) {
    ++failures_;
    const std::string reason = failure.text();
    const std::lock_guard lock(mutex_);
    if (trouble_ && trouble_->reason == reason) return;
    kLog.warning("the Lease could not be read or renewed",
                 {{"lease", settings_.name_space + "/" + settings_.lease}, {"error", reason}});
    trouble_ = Trouble{reason, trouble_ ? trouble_->since : now};
}

}  // namespace harmony::op
