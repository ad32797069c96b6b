// What the operator's core thread does, without the thread: it owns store, reducer and API.
//
// Stepped by whoever owns it: handle() what happened, then advance(), then nothing until next_due() or the
// next event. It starts no thread, sleeps for nothing and has no clock: `now` comes with each call. Only the
// store makes it wait.
#pragma once

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "harmony/daemon/health.hpp"
#include "harmony/daemon/metrics.hpp"
#include "harmony/nats/message.hpp"
#include "harmony/operator/desired_writer.hpp"
#include "harmony/operator/fleet_api.hpp"
#include "harmony/operator/ignored_entries.hpp"
#include "harmony/operator/reducer.hpp"
#include "harmony/operator/report_decoder.hpp"
#include "harmony/operator/resource_keeper.hpp"

namespace harmony::op {

struct LookupJob {
    std::string reply_subject;
    contracts::DeviceReply reply;
    std::vector<contracts::DeploymentName> wanted;
};

// What the logic needs of the outside. None blocks.
struct OperatorPorts {
    std::function<void(const std::string& subject, std::string payload)> reply;
    std::function<bool(LookupJob)> look_up;  // false: too many wait
    std::function<bool()> connected;
    std::function<void(bool acting)> on_acting{};  // where it changes; may be left out
};

struct OperatorOptions {
    std::string name_space;
    std::string version;
    ReducerOptions reducer;
};

struct CaughtUp {
    Source source;
};
// The server may have lost what it had, and writes on the way may be gone.
struct ConnectedAgain {};
// Desired-state lacks what was in it.
struct BucketLost {};
// A bucket may be missing.
struct BucketTrouble {};
struct BatchDone {
    std::uint64_t number = 0;
    bool all_written = false;
};
struct BucketLoaded {};
// An Event for the reducer, a device's word about itself, a request of the fleet API, an entry that became
// unusable or usable, the end of something, or what a cluster says.
using OperatorEvent =
    std::variant<Event, contracts::DeviceInfo, runtime::nats::Message, CaughtUp, ConnectedAgain, BucketLost,
                 BucketTrouble, BatchDone, BucketLoaded, IgnoredChange, ClusterEvent>;

using KeeperFactory = std::function<std::unique_ptr<ResourceKeeper>(Reducer&)>;

class OperatorLogic {
 public:
    // Both registries must outlive it.
    OperatorLogic(const KeeperFactory& make_keeper, const OperatorOptions& options, OperatorPorts ports,
                  runtime::daemon::HealthRegistry& health, runtime::daemon::MetricsRegistry& metrics,
                  contracts::Timestamp now);
    // With a StoreKeeper.
    OperatorLogic(std::unique_ptr<ResourceStore> store, OperatorOptions options, OperatorPorts ports,
                  runtime::daemon::HealthRegistry& health, runtime::daemon::MetricsRegistry& metrics,
                  contracts::Timestamp now);

    // Reads the store into the reducer. Call once, first.
    [[nodiscard]] Result<void> restore(contracts::Timestamp now);
    // Before the first handle(). The writer must outlive the logic's last step.
    void set_writer(DesiredWriter& writer) { writer_ = &writer; }

    void handle(OperatorEvent event, contracts::Timestamp now);
    // Does what is due.
    void advance(contracts::Timestamp now);
    // When advance() has something to do though nothing has happened.
    [[nodiscard]] contracts::Timestamp next_due() const;

    [[nodiscard]] const Reducer& reducer() const { return reducer_; }
    // Nothing is to be written, stored or waited for.
    [[nodiscard]] bool settled() const;

 private:
    void tick(contracts::Timestamp now);
    void take_foreign_keys(contracts::Timestamp now);
    void answer(const runtime::nats::Message& request, contracts::Timestamp now);
    [[nodiscard]] bool has_told(Source source) const;
    // Every bucket has told what it holds.
    [[nodiscard]] bool all_told() const;
    void drive_writer(contracts::Timestamp now);
    void become_ready();
    [[nodiscard]] Readiness readiness() const;
    void publish_gauges();

    Reducer reducer_;
    std::unique_ptr<ResourceKeeper> keeper_;
    IgnoredEntries ignored_;
    OperatorPorts ports_;
    FleetApi api_;
    DesiredWriter* writer_ = nullptr;

    std::array<bool, 3> caught_up_{};
    bool load_in_flight_ = false;
    int batches_in_flight_ = 0;
    contracts::Timestamp last_tick_;
    contracts::Timestamp last_check_;  // of the bucket
    bool acting_ = false;              // as the turn began
    bool ready_ = false;

    runtime::daemon::Gauge& devices_;
    runtime::daemon::Gauge& online_;
    runtime::daemon::Gauge& deployments_;
    runtime::daemon::Gauge& waiting_;
    runtime::daemon::Gauge& hints_;
    runtime::daemon::Gauge& ignored_gauge_;
    runtime::daemon::Counter& writes_;
    runtime::daemon::Counter& failed_batches_;
    runtime::daemon::Counter& requests_;
    std::shared_ptr<runtime::daemon::HealthRegistry::Flag> sync_flag_;
};

}  // namespace harmony::op
