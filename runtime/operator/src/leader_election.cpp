#include "harmony/operator/leader_election.hpp"

#include <pthread.h>

#include <condition_variable>
#include <thread>

#include "harmony/daemon/logging.hpp"

namespace harmony::op {

namespace daemon = runtime::daemon;
namespace kubernetes = runtime::kubernetes;
using namespace std::chrono_literals;

namespace {

constexpr daemon::Logger kLog("leader-election");
constexpr auto kStuckAfter = 60s;

SteadyTime steady_now() {
    return std::chrono::steady_clock::now();
}

// What checks and metrics look at, which may be asked after the election has ended.
struct Shared {
    Shared(kubernetes::KubernetesClient& client, LeaderElectionSettings settings, LeadershipEvents events)
        : duration(settings.duration), steps(client, std::move(settings), std::move(events)) {}

    const std::chrono::seconds duration;
    LeaderElectionSteps steps;
    std::atomic<bool> heard{false};
    std::atomic<bool> ended{false};
    std::atomic<bool> crashed{false};
    std::atomic<SteadyTime::rep> stepped_at{steady_now().time_since_epoch().count()};
};

Result<void> readiness(const Shared& shared) {
    if (shared.ended) return fail(ErrorKind::Unavailable, "ended");
    const auto trouble = shared.steps.trouble();
    if (!trouble) {
        if (shared.heard) return {};
        return fail(ErrorKind::Unavailable, "the Lease was not read yet");
    }
    const auto silence = std::chrono::duration_cast<std::chrono::seconds>(steady_now() - trouble->since);
    if (shared.heard && silence < shared.duration) return {};
    return fail(ErrorKind::Unavailable, "the Lease does not answer for " + std::to_string(silence.count()) +
                                            " s: " + trouble->reason);
}

Result<void> liveliness(const Shared& shared) {
    const SteadyTime stepped{SteadyTime::duration(shared.stepped_at)};
    if (shared.crashed) return fail(ErrorKind::Internal, "ended by an error");
    if (shared.ended || steady_now() - stepped < kStuckAfter) return {};
    return fail(ErrorKind::Internal, "no turn for a minute");
}

class ThreadedElection final : public LeaderElection {
 public:
    ThreadedElection(std::shared_ptr<Shared> shared, daemon::Counter& terms, daemon::Counter& failures)
        : shared_(std::move(shared)), terms_(terms), failures_(failures) {
        thread_ = std::jthread([this](const std::stop_token& stop) {
            pthread_setname_np(pthread_self(), "leader-election");
            run(stop);
        });
    }
    ~ThreadedElection() override { stop(); }

    bool leading() const override { return shared_->steps.leading(steady_now()); }
    std::string leader() const override { return shared_->steps.leader(); }

    void stop() override {
        thread_.request_stop();
        if (thread_.joinable()) thread_.join();
    }

 private:
    void run(const std::stop_token& stop) {
        std::mutex mutex;
        std::condition_variable_any wake;
        try {
            while (!stop.stop_requested()) {
                const auto again = shared_->steps.step(steady_now(), stop);
                shared_->stepped_at = steady_now().time_since_epoch().count();
                shared_->heard = shared_->heard || !shared_->steps.trouble();
                publish();
                std::unique_lock lock(mutex);
                wake.wait_until(lock, stop, again, [] { return false; });
            }
        } catch (const std::exception& error) {
            kLog.error("the election ended", {{"error", error.what()}});
            shared_->crashed = true;
        }
        shared_->steps.give_up();
        shared_->ended = true;
    }

    void publish() {
        terms_.add(shared_->steps.terms() - terms_.value());
        failures_.add(shared_->steps.failures() - failures_.value());
    }

    std::shared_ptr<Shared> shared_;
    daemon::Counter& terms_;
    daemon::Counter& failures_;
    std::jthread thread_;
};

}  // namespace

Result<std::unique_ptr<LeaderElection>> start_leader_election(kubernetes::KubernetesClient& client,
                                                              LeaderElectionSettings settings,
                                                              LeadershipEvents events,
                                                              daemon::HealthRegistry& health,
                                                              daemon::MetricsRegistry& metrics) {
    if (auto checked = check(settings); !checked) return fail(checked.error());
    auto shared = std::make_shared<Shared>(client, std::move(settings), std::move(events));
    health.add(daemon::CheckKind::Readiness, "leader-election", [shared] { return readiness(*shared); });
    health.add(daemon::CheckKind::Health, "leader-election", [shared] { return liveliness(*shared); });
    metrics.gauge_function("harmony_operator_leading", "1 while this operator leads, 0 while it stands by.",
                           [shared] { return shared->steps.leading(steady_now()) ? 1.0 : 0.0; });
    auto& terms =
        metrics.counter("harmony_operator_leader_terms_total", "How often this operator has begun to lead.");
    auto& failures = metrics.counter("harmony_operator_lease_failures_total",
                                     "Attempts to read or renew the Lease that failed.");
    return std::unique_ptr<LeaderElection>(
        std::make_unique<ThreadedElection>(std::move(shared), terms, failures));
}

}  // namespace harmony::op
