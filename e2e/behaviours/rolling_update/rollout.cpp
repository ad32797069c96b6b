// Rolls a score out to many devices, and watches from outside that no limit is exceeded.
//
//   harmony-rollout URL DEVICES
//
// Every write to the buckets is seen on one subscription, in the server's order: what each device is to hold,
// and what it says that it runs. From that alone the unavailable devices are counted at every moment.
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <thread>

#include "harmony/contracts/canonical_json.hpp"
#include "harmony/contracts/deployment_state.hpp"
#include "harmony/contracts/kv.hpp"
#include "harmony/contracts/podman_v0.hpp"
#include "harmony/fleet_client/fleet_api_client.hpp"
#include "harmony/nats/connection.hpp"

namespace {

using namespace harmony;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr const char* kName = "rolling";
constexpr int kMaxUnavailable = 50;
constexpr int kFirstMaxFailures = 10;
constexpr int kSecondMaxFailures = 100;
constexpr auto kMinReady = 1s;
// Both clocks start at the same report; the operator's notices it a little later.
constexpr auto kMinReadySlack = 200ms;
// A write that was on its way when the failure that halts it was reported.
constexpr auto kHaltSlack = 1s;

[[noreturn]] void give_up(const std::string& what) {
    std::fprintf(stderr, "%s\n", what.c_str());
    std::exit(1);
}

class Observer {
 public:
    explicit Observer(runtime::nats::NatsConnection& connection) {
        auto subscribed =
            connection.subscribe("$KV.>", [this](const runtime::nats::Message& message) { see(message); });
        if (!subscribed || !connection.flush(5s)) give_up("cannot observe");
        subscription_ = std::move(*subscribed);
    }

    // From now on this score is the newest.
    void expect(std::string hash) {
        const std::lock_guard lock(mutex_);
        newest_ = std::move(hash);
        most_ = 0;
        failed_.clear();
        updated_ = 0;
        halted_at_ = {};
        latest_write_ = {};
    }
    void limit_failures(std::size_t max) {
        const std::lock_guard lock(mutex_);
        max_failures_ = max;
        halted_at_ = {};
    }

    struct Seen {
        std::size_t most_unavailable = 0;
        std::size_t updated = 0;
        std::size_t failed = 0;
        bool wrote_after_halt = false;
        bool overtaken = false;
    };
    Seen seen() {
        const std::lock_guard lock(mutex_);
        const bool late = halted_at_ != Clock::time_point{} && latest_write_ > halted_at_ + kHaltSlack;
        return {most_, updated_, failed_.size(), late, subscription_.dropped() > 0};
    }

 private:
    struct Device {
        std::string holds;     // hash of what it is to hold
        std::string reported;  // hash of what it runs
        bool running = false;
        Clock::time_point since{};
    };

    [[nodiscard]] bool available(const Device& device, Clock::time_point now) const {
        if (!device.running || device.reported != device.holds) return false;
        return device.holds != newest_ || now - device.since >= kMinReady - kMinReadySlack;
    }

    void see(const runtime::nats::Message& message) {
        const auto now = Clock::now();
        const std::lock_guard lock(mutex_);
        if (const auto key = contracts::kv_key_of_subject(contracts::kDesiredStateBucket, message.subject)) {
            const auto parsed = contracts::parse_desired_state_key(*key);
            if (!parsed || !parsed->deployment || parsed->deployment->str() != kName) return;
            Device& device = devices_[parsed->device.str()];
            const std::string hash = contracts::value_hash(message.payload);
            if (hash == device.holds) return;
            device.holds = hash;
            if (hash == newest_) {
                ++updated_;
                latest_write_ = now;
            }
            count(now);
        } else if (const auto state_key =
                       contracts::kv_key_of_subject(contracts::kDeviceStateBucket, message.subject)) {
            const auto parsed = contracts::parse_device_state_key(*state_key);
            const auto state = contracts::DeploymentState::decode(message.payload);
            if (!parsed || !state || parsed->deployment.str() != kName) return;
            Device& device = devices_[parsed->device.str()];
            const bool running = state->phase == contracts::Phase::Running;
            if (running && !(device.running && device.reported == state->score_hash)) device.since = now;
            device.running = running;
            device.reported = state->score_hash;
            const bool failed = state->phase == contracts::Phase::Failed && state->score_hash == newest_;
            if (failed) failed_.insert(parsed->device.str());
            if (failed_.size() > max_failures_ && halted_at_ == Clock::time_point{}) halted_at_ = now;
        }
    }

    // Only a write can make one more device unavailable than the operator wanted.
    void count(Clock::time_point now) {
        std::size_t unavailable = 0;
        for (const auto& [id, device] : devices_)
            if (!available(device, now)) ++unavailable;
        most_ = std::max(most_, unavailable);
    }

    std::mutex mutex_;
    std::map<std::string, Device> devices_;
    std::string newest_;
    std::size_t max_failures_ = SIZE_MAX;
    std::size_t most_ = 0;
    std::size_t updated_ = 0;
    std::set<std::string> failed_;
    Clock::time_point halted_at_{};
    Clock::time_point latest_write_{};
    runtime::nats::Subscription subscription_;  // last: ends first
};

contracts::Deployment deployment(int version, int max_failures) {
    contracts::PodmanService service;
    service.name = "app";
    service.image = "localhost/rolling:" + std::to_string(version);
    contracts::PodmanV0 score;
    score.services = {service};
    contracts::Deployment result;
    result.metadata.name = kName;
    result.spec.score = score.to_score();
    result.spec.rollout = contracts::Rolling{{kMaxUnavailable, false}, kMinReady, {max_failures, false}};
    return result;
}

class Rollout {
 public:
    Rollout(runtime::nats::NatsConnection& connection, std::int64_t devices)
        : api_(connection, 10s), observer_(connection), devices_(devices) {}

    void run() {
        apply(deployment(1, 0));
        wait("version 1 everywhere", 60s, [&] { return counted().succeeded == devices_; });
        std::printf("version 1 runs on %lld devices\n", static_cast<long long>(devices_));

        observer_.expect(deployment(2, 0).spec.score.hash());
        observer_.limit_failures(kFirstMaxFailures);
        apply(deployment(2, kFirstMaxFailures));
        wait("the halt", 90s, [&] { return progressing() == contracts::kReasonRolloutHalted; });
        std::this_thread::sleep_for(3s);
        judge("until the halt");
        const auto halted = observer_.seen();
        if (halted.failed <= kFirstMaxFailures || halted.failed > kFirstMaxFailures + kMaxUnavailable) {
            give_up("halted with " + std::to_string(halted.failed) + " failures");
        }
        if (halted.updated >= static_cast<std::size_t>(devices_))
            give_up("everything was updated before the halt");
        if (halted.wrote_after_halt) give_up("devices were updated after too many had failed");

        observer_.limit_failures(kSecondMaxFailures);
        apply(deployment(2, kSecondMaxFailures));
        wait("version 2 everywhere", 120s, [&] {
            const auto counts = counted();
            return counts.succeeded + counts.failed == devices_ &&
                   observer_.seen().updated == static_cast<std::size_t>(devices_);
        });
        judge("to the end");
        const auto counts = counted();
        if (counts.failed != static_cast<std::int64_t>(observer_.seen().failed))
            give_up("the status counts other failures");
        if (counts.failed < devices_ / 100 || counts.failed > devices_ * 6 / 100) {
            give_up(std::to_string(counts.failed) + " failures are not about 3 % of the devices");
        }
    }

 private:
    void apply(const contracts::Deployment& wanted) {
        const auto done = api_.apply(wanted);
        if (!done) give_up("apply: " + done.error().text());
    }
    contracts::DeploymentStatus status() {
        const auto found = api_.deployment(kName);
        if (!found) give_up("get: " + found.error().text());
        return found->status.value_or(contracts::DeploymentStatus{});
    }
    contracts::DeploymentAggregate counted() { return status().aggregate; }
    std::string progressing() {
        for (const auto& condition : status().conditions)
            if (condition.type == contracts::kConditionProgressing) return condition.reason;
        return "";
    }
    template <class Condition>
    void wait(const std::string& what, std::chrono::seconds limit, Condition done) {
        const auto deadline = Clock::now() + limit;
        while (!done()) {
            if (Clock::now() > deadline) {
                const auto counts = counted();
                give_up(what + " did not happen within " + std::to_string(limit.count()) +
                        " s: " + progressing() + ", " + std::to_string(counts.succeeded) + " succeeded, " +
                        std::to_string(counts.failed) + " failed, " +
                        std::to_string(observer_.seen().updated) + " updated");
            }
            std::this_thread::sleep_for(100ms);
        }
    }
    void judge(const char* when) {
        const auto seen = observer_.seen();
        if (seen.overtaken) give_up("the observer lost messages");
        std::printf("version 2 %s: %zu updated, %zu failed, at most %zu unavailable at once\n", when,
                    seen.updated, seen.failed, seen.most_unavailable);
        if (seen.most_unavailable > kMaxUnavailable) give_up("more than maxUnavailable at once");
        if (seen.most_unavailable == 0) give_up("nothing was observed");
    }

    runtime::fleet_client::FleetApiClient api_;
    Observer observer_;
    const std::int64_t devices_;
};

}  // namespace

int main(int argc, char** argv) {
    if (argc != 3) {
        std::fprintf(stderr, "usage: %s URL DEVICES\n", argv[0]);
        return 2;
    }
    runtime::nats::ConnectionOptions options;
    options.urls = {argv[1]};
    options.name = "harmony-rollout";
    options.retry_first_connect = false;
    const auto connection = runtime::nats::make_nats_connection(options);
    if (auto started = connection->start({}); !started) give_up(started.error().text());
    Rollout(*connection, std::atoi(argv[2])).run();
    connection->close();
    return 0;
}
