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
#include "harmony/operator/resource_store.hpp"

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
// A bucket may be missing.
struct BucketTrouble {};
struct BatchDone {
    std::uint64_t number = 0;
    bool all_written = false;
};
struct BucketLoaded {};
// An Event for the reducer, a device's word about itself, a request of the fleet API, an entry that became
// unusable or usable, or the end of something.
using OperatorEvent = std::variant<Event, contracts::DeviceInfo, runtime::nats::Message, CaughtUp,
                                   ConnectedAgain, BucketTrouble, BatchDone, BucketLoaded, IgnoredChange>;

class OperatorLogic {
 public:
    // Both registries must outlive it.
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
    void store_devices(contracts::Timestamp now);
    void release_deployments(contracts::Timestamp now);
    void store_conditions(contracts::Timestamp now);
    void advance_rollouts(contracts::Timestamp now);
    [[nodiscard]] Result<void> advance_rollout(const RolloutStep& step, contracts::Timestamp now);
    [[nodiscard]] Result<void> tell_deployment(StoredDeployment stored, contracts::Timestamp now);
    // Every bucket has told what it holds.
    [[nodiscard]] bool all_told() const;
    void adopt_changes_of_others(contracts::Timestamp now);
    // False: not all of them.
    bool adopt_deployments(contracts::Timestamp now);
    void adopt_devices(contracts::Timestamp now);
    void drive_writer(contracts::Timestamp now);
    [[nodiscard]] Readiness readiness() const;
    void publish_gauges();

    std::unique_ptr<ResourceStore> store_;
    Reducer reducer_;
    IgnoredEntries ignored_;
    OperatorPorts ports_;
    FleetApi api_;
    DesiredWriter* writer_ = nullptr;

    std::map<contracts::DeviceId, contracts::DeviceInfo>
        unsaved_;                                 // told to the reducer, not yet in the store
    std::map<std::string, std::string> adopted_;  // deployment: resource version
    std::int64_t adopted_revision_ = 0;           // of the devices
    std::int64_t seen_revision_ = -1;             // of everything
    std::int64_t adopted_removals_ = 0;
    std::array<bool, 3> caught_up_{};
    bool load_in_flight_ = false;
    int batches_in_flight_ = 0;
    contracts::Timestamp last_tick_;
    contracts::Timestamp rollouts_again_;  // not before, after the store has failed
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
    std::shared_ptr<runtime::daemon::HealthRegistry::Flag> store_flag_;
};

}  // namespace harmony::op
