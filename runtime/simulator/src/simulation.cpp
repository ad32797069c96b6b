#include "harmony/simulator/simulation.hpp"

#include <sys/resource.h>

#include <chrono>
#include <cstdio>
#include <optional>
#include <random>

#include "harmony/contracts/canonical_json.hpp"
#include "harmony/contracts/device_permissions.hpp"
#include "harmony/daemon/files.hpp"
#include "harmony/daemon/logging.hpp"
#include "harmony/simulator/broker_links.hpp"

namespace harmony::simulator {

namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr runtime::daemon::Logger kLog("simulation");
constexpr std::int64_t kLongestTurnUs = 20'000;
constexpr auto kLiveInterval = 1s;
constexpr auto kCloseWithin = 2s;

// Replies to one process must not reach another that plays with the same user.
std::string own_inbox() {
    std::random_device entropy;
    const std::uint64_t drawn = (std::uint64_t{entropy()} << 32) | entropy();
    return std::string(contracts::kSimulatorInboxPrefix) + "." + contracts::hex16(drawn);
}

class Simulation {
 public:
    Simulation(const SimulatorOptions& options, const std::string& version)
        : options_(options), model_(options, to_links_, own_inbox(), version), started_(Clock::now()) {}

    Result<void> run(const std::stop_token& stop) {
        auto connected = BrokerLinks::connect(options_, events());
        if (!connected) return fail(connected.error());
        links_ = *std::move(connected);
        to_links_.target = links_.get();
        for (std::uint32_t link = 0; link < options_.connections; ++link)
            model_.link_up(link, now());
        auto ended = serve(stop);
        const double elapsed = elapsed_s();
        links_->close(kCloseWithin);
        if (!options_.report.empty()) {
            auto written = runtime::daemon::write_file_durably(
                options_.report, report_json(options_, model_.figures(), elapsed, peak_memory_kib()), 0644);
            if (!written && ended) return written;
        }
        return ended;
    }

 private:
    // The model is made before the links are: what it says meanwhile goes nowhere.
    class ToLinks final : public Outbox {
     public:
        Outbox* target = nullptr;
        void subscribe(std::uint32_t link, const std::string& subject, std::uint64_t number) override {
            if (target != nullptr) target->subscribe(link, subject, number);
        }
        void unsubscribe(std::uint32_t link, std::uint64_t number) override {
            if (target != nullptr) target->unsubscribe(link, number);
        }
        void publish(std::uint32_t link, const std::string& subject, const std::string& reply,
                     std::string_view payload) override {
            if (target != nullptr) target->publish(link, subject, reply, payload);
        }
        void delete_key(std::uint32_t link, const std::string& subject, const std::string& reply) override {
            if (target != nullptr) target->delete_key(link, subject, reply);
        }
    };

    LinkEvents events() {
        LinkEvents events;
        events.on_up = [this](std::uint32_t link) {
            if (to_links_.target != nullptr) model_.link_up(link, now());
        };
        events.on_down = [this](std::uint32_t link, const std::string& reason) {
            kLog.warning("a connection was lost", {{"link", link}, {"reason", reason}});
            model_.link_down(link, now());
        };
        events.on_message = [this](std::uint32_t link, const WireMessage& message) {
            model_.receive(link, message, now());
        };
        events.on_refused = [this](const std::string& text) {
            model_.figures().error(text);
            if (text.find("Permissions Violation") != std::string::npos && !refusal_) {
                refusal_ = Error(ErrorKind::PermissionDenied,
                                 "the server refuses what a device needs: " + text +
                                     "; the simulator needs a user that may speak for its devices "
                                     "(FleetNatsScore's parameter simulator)");
            }
        };
        return events;
    }

    Result<void> serve(const std::stop_token& stop) {
        auto next_line = Clock::now() + kLiveInterval;
        std::int64_t due = 0;
        while (!stop.stop_requested() && !refusal_) {
            if (options_.duration.count() > 0 && Clock::now() - started_ >= options_.duration) break;
            const std::int64_t wait = std::clamp<std::int64_t>(due - now().steady_us, 0, kLongestTurnUs);
            links_->poll(std::chrono::milliseconds((wait + 999) / 1000));
            if (!links_->congested()) due = model_.advance(now());
            if (Clock::now() < next_line) continue;
            print_line();
            next_line += kLiveInterval;
        }
        if (refusal_) return fail(*refusal_);
        return {};
    }

    void print_line() {
        if (!options_.quiet) {
            const double elapsed = elapsed_s();
            const std::string line =
                live_line(options_, before_, model_.figures(), elapsed, elapsed - printed_s_);
            std::fprintf(stderr, "%s\n", line.c_str());
            printed_s_ = elapsed;
            before_ = model_.figures();
        }
    }

    [[nodiscard]] Now now() const {
        return {std::chrono::duration_cast<Microseconds>(Clock::now().time_since_epoch()).count(),
                contracts::Timestamp::now()};
    }
    [[nodiscard]] double elapsed_s() const {
        return std::chrono::duration<double>(Clock::now() - started_).count();
    }
    static std::int64_t peak_memory_kib() {
        rusage usage{};
        getrusage(RUSAGE_SELF, &usage);
        return usage.ru_maxrss;
    }

    const SimulatorOptions& options_;
    ToLinks to_links_;
    FleetModel model_;
    const Clock::time_point started_;
    std::unique_ptr<BrokerLinks> links_;
    std::optional<Error> refusal_;
    Figures before_;
    double printed_s_ = 0;
};

}  // namespace

Result<void> run_simulation(const SimulatorOptions& options, const std::string& version,
                            const std::stop_token& stop) {
    const auto simulation = std::make_unique<Simulation>(options, version);
    return simulation->run(stop);
}

}  // namespace harmony::simulator
