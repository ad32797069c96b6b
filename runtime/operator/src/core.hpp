// The thread that owns store, reducer and API.
#pragma once

#include <array>
#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <variant>

#include "harmony/daemon/bounded_queue.hpp"
#include "harmony/daemon/health.hpp"
#include "harmony/daemon/metrics.hpp"
#include "harmony/nats/message.hpp"
#include "harmony/operator/bucket_sources.hpp"
#include "harmony/operator/desired_writer.hpp"
#include "harmony/operator/fleet_api.hpp"
#include "harmony/operator/reducer.hpp"
#include "harmony/operator/resource_store.hpp"

namespace harmony::op {

struct LookupJob {
    std::string reply_subject;
    contracts::DeviceReply reply;
    std::vector<contracts::DeploymentName> wanted;
};

// What core needs of the outside. All called on core's thread; none blocks.
struct CorePorts {
    std::function<void(const std::string& subject, std::string payload)> reply;
    std::function<bool(LookupJob)> look_up;  // false: too many wait
    std::function<bool()> connected;
};

struct CoreOptions {
    std::string name_space;
    std::string version;
    ReducerOptions reducer;
};

class Core {
 public:
    Core(std::unique_ptr<ResourceStore> store, CoreOptions options, CorePorts ports,
         runtime::daemon::HealthRegistry& health, runtime::daemon::MetricsRegistry& metrics);
    ~Core() { stop(); }

    // Reads the store into the reducer. Call once, before start().
    [[nodiscard]] Result<void> restore();
    // The writer must outlive the thread.
    void start(DesiredWriter& writer);
    void stop();

    // For any thread. post() waits for room as long as core runs; try_* never wait.
    void post(Event event);
    void try_post_heartbeat(Event event);
    void post_info(contracts::DeviceInfo info);
    void post_caught_up(Source source);
    void post_connected();
    void post_trouble();
    void post_batch(std::uint64_t number, bool all_written);
    void post_loaded();
    [[nodiscard]] bool try_post_request(runtime::nats::Message request);

 private:
    struct CaughtUp {
        Source source;
    };
    struct ConnectedAgain {};
    struct Trouble {};
    struct BatchDone {
        std::uint64_t number;
        bool all_written;
    };
    struct Loaded {};
    using Item = std::variant<Event, contracts::DeviceInfo, runtime::nats::Message, CaughtUp, ConnectedAgain,
                              Trouble, BatchDone, Loaded>;

    void push(Item item);
    void run(const std::stop_token& stop);
    void take(Item& item);
    void on_tick();
    void answer(const runtime::nats::Message& request);
    void store_devices();
    void release_deployments();
    void store_conditions();
    void adopt_changes_of_others();
    void adopt_deployments();
    void adopt_devices();
    void drive_writer();
    [[nodiscard]] Readiness readiness() const;
    void publish_gauges();

    std::unique_ptr<ResourceStore> store_;
    Reducer reducer_;
    CorePorts ports_;
    FleetApi api_;
    runtime::daemon::BoundedQueue<Item> queue_;
    DesiredWriter* writer_ = nullptr;

    std::map<contracts::DeviceId, contracts::DeviceInfo>
        unsaved_;                                 // told to the reducer, not yet in the store
    std::map<std::string, std::string> adopted_;  // deployment: resource version
    std::int64_t adopted_revision_ = 0;
    std::int64_t adopted_removals_ = 0;
    std::array<bool, 3> caught_up_{};
    bool load_in_flight_ = false;
    int batches_in_flight_ = 0;
    contracts::Timestamp last_tick_;
    std::atomic<std::int64_t> alive_at_{0};
    std::atomic<bool> ready_{false};

    runtime::daemon::Gauge& devices_;
    runtime::daemon::Gauge& online_;
    runtime::daemon::Gauge& deployments_;
    runtime::daemon::Gauge& waiting_;
    runtime::daemon::Gauge& hints_;
    runtime::daemon::Counter& writes_;
    runtime::daemon::Counter& failed_batches_;
    runtime::daemon::Counter& dropped_heartbeats_;
    runtime::daemon::Counter& requests_;
    std::shared_ptr<runtime::daemon::HealthRegistry::Flag> sync_flag_;
    std::shared_ptr<runtime::daemon::HealthRegistry::Flag> store_flag_;
    std::jthread thread_;
};

}  // namespace harmony::op
