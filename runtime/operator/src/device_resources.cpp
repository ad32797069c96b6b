#include "harmony/operator/device_resources.hpp"

#include <pthread.h>

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>
#include <unordered_map>

#include "harmony/daemon/logging.hpp"
#include "harmony/operator/cluster_worker.hpp"
#include "harmony/operator/device_resources_plan.hpp"

namespace harmony::op {

namespace daemon = runtime::daemon;
namespace kubernetes = runtime::kubernetes;
using contracts::DeviceId;
using contracts::Timestamp;
using kubernetes::Change;
using Json = nlohmann::json;
using namespace std::chrono_literals;

namespace {

constexpr daemon::Logger kLog("device-resources");
constexpr auto kLongestNap = 1s;

// What was told since the thread last looked, the newest word about each device. Guarded by a mutex of its
// owner.
struct Inbox {
    struct Facts {
        bool forgotten_first = false;  // before `info`
        std::optional<contracts::DeviceInfo> info;
        std::optional<Timestamp> heartbeat;
        std::optional<std::string> refused;
    };
    std::unordered_map<DeviceId, Facts> facts;
    std::optional<bool> leading;
    bool all_told = false;

    bool replay_began = false;
    bool caught_up = false;
    std::unordered_map<DeviceId, std::optional<ObservedDevice>> observed;  // nothing: it is gone
};

struct Counters {
    daemon::Counter& objects;
    daemon::Counter& statuses;
    daemon::Counter& deletes;
    daemon::Counter& failures;
    daemon::Gauge& resources;
    daemon::Gauge& waiting;
    daemon::Gauge& left_out;
    daemon::Gauge& foreign;
};

Counters make_counters(daemon::MetricsRegistry& metrics) {
    const auto writes = [&](const char* kind) -> daemon::Counter& {
        return metrics.counter("harmony_operator_device_resource_writes_total",
                               "Requests that wrote Device resources.", {{"kind", kind}});
    };
    const auto gauge = [&](const char* name, const char* help) -> daemon::Gauge& {
        return metrics.gauge(name, help);
    };
    return {writes("object"),
            writes("status"),
            writes("delete"),
            metrics.counter("harmony_operator_device_resource_failures_total",
                            "Requests for Device resources that failed."),
            gauge("harmony_operator_device_resources", "Device resources of this stack in the cluster."),
            gauge("harmony_operator_device_resources_waiting",
                  "Devices whose resource is still to be looked at."),
            gauge("harmony_operator_device_resources_left_out", "Devices without resource, above the limit."),
            gauge("harmony_operator_device_resources_foreign",
                  "Devices whose resource belongs to another stack or manager.")};
}

class ThreadedDeviceResources final : public DeviceResources {
 public:
    ThreadedDeviceResources(kubernetes::KubernetesClient& client, const DeviceResourceSettings& settings,
                            Counters counters)
        : client_(client), stack_(settings.stack), plan_(settings), counters_(counters) {}
    ~ThreadedDeviceResources() override { stop(); }

    Result<void> start() {
        kubernetes::WatchHandlers handlers;
        handlers.on_replay = [this] {
            tell([](Inbox& inbox) {
                inbox.observed.clear();
                inbox.replay_began = true;
                inbox.caught_up = false;
            });
        };
        handlers.on_change = [this](Change change, const Json& object) { take(change, object); };
        handlers.on_caught_up = [this] { tell([](Inbox& inbox) { inbox.caught_up = true; }); };
        handlers.on_trouble = [](const kubernetes::Failure& failure) {
            kLog.warning("the watch of Device resources is interrupted", {{"error", failure.text()}});
        };
        auto watch = client_.watch({device_resource_type(), {}}, std::move(handlers));
        if (!watch) return fail(kubernetes::kind_of(watch.error().reason), watch.error().text());
        watch_ = std::move(*watch);
        thread_ = std::jthread([this](const std::stop_token& stop) {
            pthread_setname_np(pthread_self(), "device-resource");  // at most 15 characters
            run(stop);
        });
        return {};
    }

    void device_known(contracts::DeviceInfo info) override {
        tell([&](Inbox& inbox) {
            const DeviceId device = info.device_id;
            inbox.facts[device].info = std::move(info);
        });
    }
    void device_forgotten(const DeviceId& device) override {
        tell([&](Inbox& inbox) { inbox.facts[device] = {true, {}, {}, {}}; });
    }
    void heartbeat_seen(const DeviceId& device, Timestamp seen_at) override {
        // Nobody waits for it: the thread looks every second.
        const std::lock_guard lock(mutex_);
        inbox_.facts[device].heartbeat = seen_at;
    }
    void info_refused(const DeviceId& device, std::string problem) override {
        tell([&](Inbox& inbox) { inbox.facts[device].refused = std::move(problem); });
    }
    void all_devices_told() override {
        tell([](Inbox& inbox) { inbox.all_told = true; });
    }
    void set_leading(bool leading) override {
        tell([&](Inbox& inbox) { inbox.leading = leading; });
    }

    void stop() override {
        watch_.reset();
        thread_.request_stop();
        if (thread_.joinable()) thread_.join();
    }

 private:
    void tell(const std::function<void(Inbox&)>& say) {
        {
            const std::lock_guard lock(mutex_);
            say(inbox_);
            news_ = true;
        }
        wake_.notify_one();
    }

    void take(Change change, const Json& object) {
        auto seen = observe_device(object, stack_);
        if (!seen) return;
        auto device = DeviceId::parse(object.at("metadata").at("name").get<std::string>());
        tell([&](Inbox& inbox) {
            inbox.observed[*device] =
                change == Change::Deleted ? std::nullopt : std::optional(std::move(*seen));
        });
    }

    void run(const std::stop_token& stop) {
        try {
            while (!stop.stop_requested()) {
                absorb();
                const Timestamp now = Timestamp::now();
                if (auto request = plan_.next(now)) {
                    perform(*request, stop);
                    continue;
                }
                publish();
                const auto nap =
                    std::chrono::microseconds(plan_.next_due(now).microseconds() - now.microseconds());
                std::unique_lock lock(mutex_);
                wake_.wait_for(lock, stop, std::clamp<std::chrono::microseconds>(nap, 1ms, kLongestNap),
                               [this] { return news_; });
                news_ = false;
            }
        } catch (const std::exception& error) {
            kLog.error("Device resources are not written any more", {{"error", error.what()}});
        }
    }

    // Observations before facts: what is known is then compared with the newest.
    void absorb() {
        Inbox inbox;
        {
            const std::lock_guard lock(mutex_);
            std::swap(inbox, inbox_);
        }
        if (inbox.replay_began) plan_.replay_begins();
        for (auto& [device, seen] : inbox.observed) {
            if (seen) {
                plan_.observed(device, std::move(*seen));
            } else {
                plan_.gone(device);
            }
        }
        if (inbox.caught_up) plan_.replay_ends();
        const Timestamp now = Timestamp::now();
        for (auto& [device, facts] : inbox.facts) {
            if (facts.forgotten_first) plan_.forgotten(device);
            if (facts.info) plan_.known(std::move(*facts.info));
            if (facts.heartbeat) plan_.heartbeat(device, *facts.heartbeat, now);
            if (facts.refused) plan_.info_refused(device, std::move(*facts.refused));
        }
        if (inbox.all_told) plan_.all_told();
        if (inbox.leading) plan_.lead(*inbox.leading);
    }

    void perform(const DeviceRequest& request, const std::stop_token& stop) {
        plan_.done(request, send(request, stop), Timestamp::now());
    }

    kubernetes::Answer<std::optional<ObservedDevice>> send(const DeviceRequest& request,
                                                           const std::stop_token& stop) {
        const kubernetes::ObjectRef ref{device_resource_type(), {}, request.device.str()};
        auto limits = leader_limits();
        limits.stop = stop;
        if (request.kind == DeviceRequestKind::Delete) {
            counters_.deletes.add();
            kubernetes::DeleteOptions options;
            options.uid = request.uid;
            auto removed = client_.remove(ref, options, limits);
            if (!removed) return kubernetes::refuse(std::move(removed.error()));
            return std::nullopt;
        }
        const bool status = request.kind == DeviceRequestKind::Status;
        (status ? counters_.statuses : counters_.objects).add();
        kubernetes::WriteOptions options;
        options.field_manager = status ? device_status_manager(stack_) : device_object_manager(stack_);
        options.force = status;  // a status has one writer
        options.subresource = status ? "status" : "";
        const Json body =
            status ? make_device_status(request.device, request.status) : Json::parse(request.body);
        auto written = client_.patch(ref, kubernetes::PatchKind::Apply, body, options, limits);
        if (!written) return kubernetes::refuse(std::move(written.error()));
        return observe_device(*written, stack_);
    }

    void publish() {
        const DeviceResourceCounts counts = plan_.counts();
        counters_.resources.set(static_cast<double>(counts.resources));
        counters_.waiting.set(static_cast<double>(counts.waiting));
        counters_.left_out.set(static_cast<double>(counts.left_out));
        counters_.foreign.set(static_cast<double>(counts.foreign));
        counters_.failures.add(counts.failures - counters_.failures.value());
    }

    kubernetes::KubernetesClient& client_;
    const std::string stack_;
    DeviceResourcePlan plan_;  // the thread's
    Counters counters_;
    std::mutex mutex_;
    std::condition_variable_any wake_;
    Inbox inbox_;
    bool news_ = false;
    std::unique_ptr<kubernetes::Watch> watch_;
    std::jthread thread_;
};

}  // namespace

Result<void> check(const DeviceResourceSettings& settings) {
    const auto refuse = [](const std::string& message) {
        return fail(ErrorKind::InvalidInput, "Device resources: " + message);
    };
    if (auto checked = contracts::check_label_value("stack", settings.stack);
        !checked || settings.stack.empty())
        return refuse("stack: expected the operator's namespace");
    if (settings.max_devices == 0) return refuse("limit: found 0, expected at least 1");
    if (!(settings.changes_per_second > 0) || !(settings.refreshes_per_second > 0))
        return refuse("requests per second: expected more than 0");
    if (settings.heartbeat_stale_after < 1s || settings.refresh_interval < 1s)
        return refuse("intervals: expected at least 1 s");
    return {};
}

Result<std::unique_ptr<DeviceResources>> start_device_resources(kubernetes::KubernetesClient& client,
                                                                const DeviceResourceSettings& settings,
                                                                daemon::MetricsRegistry& metrics) {
    if (auto checked = check(settings); !checked) return fail(checked.error());
    auto result = std::make_unique<ThreadedDeviceResources>(client, settings, make_counters(metrics));
    if (auto started = result->start(); !started) return fail(started.error());
    return std::unique_ptr<DeviceResources>(std::move(result));
}

}  // namespace harmony::op
