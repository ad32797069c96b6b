#include "harmony/operator/service.hpp"

#include <pthread.h>

#include <mutex>
#include <thread>
#include <utility>

#include "cluster_side.hpp"
#include "core.hpp"
#include "harmony/contracts/canonical_json.hpp"
#include "harmony/contracts/device_permissions.hpp"
#include "harmony/contracts/kv.hpp"
#include "harmony/daemon/files.hpp"
#include "harmony/daemon/logging.hpp"
#include "harmony/nats/connection.hpp"
#include "harmony/nats/key_value.hpp"
#include "harmony/operator/bucket_sources.hpp"
#include "harmony/operator/sqlite_resource_store.hpp"
#include "harmony/operator/store_keeper.hpp"

namespace harmony::op {

namespace daemon = runtime::daemon;
namespace nats = runtime::nats;
using namespace std::chrono_literals;

namespace {

constexpr daemon::Logger kLog("service");
constexpr std::size_t kLookups = 256;
constexpr std::string_view kQueueGroup = "harmony-fleet-operator";
// A fleet has one operator or two, and all of it waits for them: they may ask more often than a device.
constexpr nats::Milliseconds kMaxReconnectDelay{500};
// Two kMaxBatches of values with their subjects; what doesn't fit fails and is written again.
constexpr int kReconnectBufferBytes = 8 * 1024 * 1024;

class Service final : public OperatorService {
 public:
    explicit Service(OperatorConfig config) : config_(std::move(config)), lookups_(kLookups) {}
    ~Service() override { stop(); }

    // Either of the two is there.
    Result<void> start(std::unique_ptr<ResourceStore> store, std::unique_ptr<ClusterSide> cluster,
                       std::string version, daemon::HealthRegistry& health,
                       daemon::MetricsRegistry& metrics) {
        cluster_ = std::move(cluster);
        OperatorOptions options;
        options.name_space = config_.name_space;
        options.version = std::move(version);
        options.reducer.heartbeat_stale_after = config_.heartbeat_stale_after;
        options.reducer.devices_stored = cluster_ == nullptr;
        connection_ = nats::make_nats_connection(connection_options());
        const auto make_keeper = [&](Reducer& reducer) -> std::unique_ptr<ResourceKeeper> {
            if (cluster_)
                return std::make_unique<ClusterResources>(config_.name_space, reducer, cluster_->ports(),
                                                          health);
            return std::make_unique<StoreKeeper>(std::move(store), reducer, config_.name_space, health);
        };
        core_ = std::make_unique<Core>(make_keeper, options, ports(), health, metrics);
        health.add(daemon::CheckKind::Readiness, "nats", [this]() -> Result<void> {
            const auto status = connection_->status();
            if (status == nats::ConnectionStatus::Connected) return {};
            return fail(ErrorKind::Unavailable, std::string(nats::to_string(status)));
        });
        if (auto restored = core_->restore(); !restored) return restored;
        WriterEvents writer_events;
        writer_events.on_batch = [this](std::uint64_t number, bool ok) {
            core_->post(BatchDone{number, ok});
        };
        writer_events.on_snapshot = [this](Event event) { core_->post(std::move(event)); };
        writer_events.on_loaded = [this] { core_->post(BucketLoaded{}); };
        writer_events.on_lost = [this] { core_->post(BucketLost{}); };
        writer_events.on_buckets = [this, &metrics] { start_sources(metrics); };
        WriterOptions writer_options{config_.replicas, config_.heartbeat_interval};
        if (cluster_) writer_options.may_write = [this] { return cluster_->leading(); };
        writer_ = make_nats_desired_writer(*connection_, std::move(writer_options), std::move(writer_events));
        if (cluster_) {
            auto begun = cluster_->start({[this](ClusterEvent event) { core_->post(std::move(event)); },
                                          [this](const std::string& subject, std::string payload) {
                                              reply(subject, std::move(payload));
                                          }});
            if (!begun) return begun;
        }
        core_->start(*writer_);
        lookup_thread_ = std::jthread([this](const std::stop_token& stop) {
            pthread_setname_np(pthread_self(), "state-lookup");
            answer_lookups(stop);
        });
        if (auto connected = connect(); !connected) return connected;
        if (cluster_) return {};  // whoever leads serves it
        return serve_api();
    }

    void stop() override {
        if (stopped_) return;
        stopped_ = true;
        {
            const std::lock_guard lock(sources_mutex_);
            sources_wanted_ = false;
        }
        lookups_.close();
        if (core_) core_->stop();  // from now on posts return at once
        api_.end();
        sources_.reset();  // sources_wanted_ keeps every other thread from it
        if (writer_) writer_->stop();
        lookup_thread_.request_stop();
        if (lookup_thread_.joinable()) lookup_thread_.join();
        if (cluster_) cluster_->stop();
        if (connection_) {
            (void)connection_->flush(1s);
            connection_->close();
        }
    }

 private:
    nats::ConnectionOptions connection_options() const {
        nats::ConnectionOptions options;
        options.urls = config_.nats_urls;
        options.credentials = config_.credentials;
        options.name = "harmony-fleet-operator " + config_.name_space;
        options.inbox_prefix = contracts::kOperatorInboxPrefix;
        options.reconnect.max_delay = kMaxReconnectDelay;
        options.reconnect_buffer_bytes = kReconnectBufferBytes;
        return options;
    }

    OperatorPorts ports() {
        OperatorPorts ports;
        ports.reply = [this](const std::string& subject, std::string payload) {
            reply(subject, std::move(payload));
        };
        ports.look_up = [this](LookupJob job) { return lookups_.try_push(std::move(job)); };
        ports.connected = [this] { return connection_->status() == nats::ConnectionStatus::Connected; };
        if (cluster_) ports.on_acting = [this](bool acting) { serve_api_while(acting); };
        return ports;
    }

    Result<void> connect() {
        nats::ConnectionEvents events;
        events.on_connected = [this](nats::Connected when) {
            kLog.info(when == nats::Connected::First ? "connected to NATS" : "connected to NATS again");
            core_->post_connected();
            const std::lock_guard lock(sources_mutex_);
            if (sources_wanted_ && sources_ != nullptr) sources_->restart();
        };
        events.on_disconnected = [](const Error& reason) {
            kLog.warning("NATS is away", {{"reason", reason.text()}});
        };
        events.on_error = [](const Error& error) { kLog.error("NATS refused", {{"error", error.text()}}); };
        return connection_->start(std::move(events));
    }

    // Once the buckets are there: a watch of one that is missing would only complain.
    void start_sources(daemon::MetricsRegistry& metrics) {
        const std::lock_guard lock(sources_mutex_);
        if (sources_wanted_ && sources_ == nullptr)
            sources_ = watch_buckets(*connection_, metrics, source_events());
    }

    SourceEvents source_events() {
        SourceEvents events;
        events.on_info = [this](contracts::DeviceInfo info) { core_->post(std::move(info)); };
        events.on_event = [this](Event event) { core_->post(std::move(event)); };
        events.on_heartbeat = [this](Event event) { core_->try_post_heartbeat(std::move(event)); };
        events.on_caught_up = [this](Source source) { core_->post(CaughtUp{source}); };
        events.on_trouble = [this] { core_->post_trouble(); };
        events.on_ignored = [this](IgnoredChange change) { core_->post(std::move(change)); };
        return cluster_ ? cluster_->pass_on(std::move(events)) : events;
    }

    Result<void> serve_api() {
        nats::SubscribeOptions options;
        options.queue_group = kQueueGroup;
        auto subscribed = connection_->subscribe(
            std::string(contracts::kFleetApiSubscription),
            [this](const nats::Message& request) {
                if (core_->try_post_request(request) || request.reply.empty()) return;
                reply(request.reply, contracts::RemoteError{contracts::RemoteErrorKind::RuntimeUnavailable,
                                                            "the operator is busy; try again"}
                                         .encode());
            },
            options);
        if (!subscribed) return fail(subscribed.error().wrap("fleet API"));
        api_ = std::move(*subscribed);
        return {};
    }

    // On core's thread. With a cluster the reader of what is kept there answers, and that is whoever acts: a
    // standby may have heard less.
    void serve_api_while(bool acting) {
        if (!acting) return api_.end();
        if (auto served = serve_api(); !served)
            kLog.error("the fleet API is not served", {{"error", served.error().text()}});
    }

    void reply(const std::string& subject, std::string payload) {
        nats::Message message;
        message.subject = subject;
        message.payload = std::move(payload);
        if (auto sent = connection_->publish(message); !sent) {
            kLog.warning("a reply could not be sent", {{"error", sent.error().text()}});
        }
    }

    void answer_lookups(const std::stop_token& stop) {
        nats::KeyValue states(*connection_, std::string(contracts::kDeviceStateBucket));
        while (!stop.stop_requested()) {
            auto job = lookups_.pop(500ms);
            if (!job) {
                if (lookups_.closed()) return;
                continue;
            }
            reply(job->reply_subject, look_up(states, *job));
        }
    }

    static std::string look_up(nats::KeyValue& states, LookupJob& job) {
        const auto device = job.reply.device.id();
        if (!device) return contracts::RemoteError::from_error(device.error()).encode();
        for (const contracts::DeploymentName& name : job.wanted) {
            const auto entry = states.get(contracts::device_state_key(*device, name));
            if (!entry) {
                return contracts::RemoteError{contracts::RemoteErrorKind::RuntimeUnavailable,
                                              entry.error().text()}
                    .encode();
            }
            if (!*entry) continue;
            auto state = contracts::DeploymentState::decode((*entry)->value);
            if (state) job.reply.deployments.push_back(std::move(*state));
        }
        std::string reply = job.reply.encode();
        // A device with very many reports: those that fit.
        while (reply.size() > contracts::kMaxDocumentBytes && !job.reply.deployments.empty()) {
            job.reply.deployments.resize(job.reply.deployments.size() / 2);
            reply = job.reply.encode();
        }
        return reply;
    }

    const OperatorConfig config_;
    std::unique_ptr<nats::NatsConnection> connection_;
    std::unique_ptr<ClusterSide> cluster_;
    std::unique_ptr<Core> core_;
    std::unique_ptr<DesiredWriter> writer_;
    std::mutex sources_mutex_;
    bool sources_wanted_ = true;
    std::unique_ptr<BucketSources> sources_;
    nats::Subscription api_;
    daemon::BoundedQueue<LookupJob> lookups_;
    std::jthread lookup_thread_;
    bool stopped_ = false;
};

}  // namespace

Result<std::unique_ptr<OperatorService>> start_operator(OperatorConfig config, std::string version,
                                                        daemon::HealthRegistry& health,
                                                        daemon::MetricsRegistry& metrics) {
    if (auto made = daemon::make_directories(config.state_dir); !made) return fail(made.error());
    std::unique_ptr<ResourceStore> store;
    std::unique_ptr<ClusterSide> cluster;
    if (config.kubernetes) {
        auto connected = ClusterSide::connect(config, health, metrics);
        if (!connected) return fail(connected.error());
        cluster = std::move(*connected);
    } else {
        auto opened = open_sqlite_resource_store(config.state_dir + "/resources.sqlite");
        if (!opened) return fail(opened.error());
        store = std::move(*opened);
    }
    auto service = std::make_unique<Service>(std::move(config));
    auto started = service->start(std::move(store), std::move(cluster), std::move(version), health, metrics);
    if (!started) return fail(started.error());
    return std::unique_ptr<OperatorService>(std::move(service));
}

}  // namespace harmony::op
