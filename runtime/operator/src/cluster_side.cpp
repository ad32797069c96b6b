#include "cluster_side.hpp"

#include <pthread.h>
#include <unistd.h>

#include <condition_variable>
#include <map>
#include <utility>

#include "cluster_check.hpp"
#include "harmony/contracts/kv.hpp"
#include "harmony/daemon/backoff.hpp"
#include "harmony/daemon/logging.hpp"
#include "harmony/kubernetes/access.hpp"

namespace harmony::op {

namespace daemon = runtime::daemon;
namespace kubernetes = runtime::kubernetes;
using namespace std::chrono_literals;

namespace {

constexpr daemon::Logger kLog("cluster");
constexpr daemon::BackoffPolicy kRetry{500ms, 15'000ms, 0.3};

std::map<std::string, std::string> environment() {
    std::map<std::string, std::string> result;
    for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
        const std::string text(*entry);
        const auto place = text.find('=');
        if (place != std::string::npos) result.emplace(text.substr(0, place), text.substr(place + 1));
    }
    return result;
}

kubernetes::Answer<kubernetes::ClusterAccess> read_access(const KubernetesConfig& config) {
    auto variables = environment();
    if (config.kubeconfig.empty()) return kubernetes::in_cluster_access(variables);
    variables["KUBECONFIG"] = config.kubeconfig;
    return kubernetes::load_kubeconfig(variables, config.context);
}

Result<std::unique_ptr<kubernetes::KubernetesClient>> make_client(const KubernetesConfig& config) {
    auto access = read_access(config);
    if (!access) return fail(access.error().error.wrap("kubernetes"));
    auto client = kubernetes::make_kubernetes_client(*access);
    if (!client) return fail(client.error().error.wrap("kubernetes"));
    return std::move(*client);
}

}  // namespace

ClusterSide::ClusterSide(const OperatorConfig& config, std::unique_ptr<kubernetes::KubernetesClient> client,
                         daemon::HealthRegistry& health, daemon::MetricsRegistry& metrics)
    : name_space_(config.name_space),
      config_(*config.kubernetes),
      stale_after_(config.heartbeat_stale_after),
      health_(health),
      metrics_(metrics),
      flag_(health.add_flag(daemon::CheckKind::Readiness, "kubernetes", "not reached yet")),
      client_(std::move(client)) {}

Result<std::unique_ptr<ClusterSide>> ClusterSide::connect(const OperatorConfig& config,
                                                          daemon::HealthRegistry& health,
                                                          daemon::MetricsRegistry& metrics) {
    auto client = make_client(*config.kubernetes);
    if (!client) return fail(client.error());
    std::unique_ptr<ClusterSide> side(new ClusterSide(config, std::move(*client), health, metrics));
    const auto check = check_cluster(*side->client_, side->name_space_, side->config_.devices);
    if (check.verdict == ClusterCheck::Verdict::Refused)
        return fail(ErrorKind::PermissionDenied, "kubernetes: " + check.text);
    if (check.verdict == ClusterCheck::Verdict::Away) {
        side->flag_->fail(check.text);
        kLog.warning("the API server is away; the operator waits for it", {{"error", check.text}});
    }
    return side;
}

ClusterPorts ClusterSide::ports() {
    ClusterPorts ports;
    ports.submit = [this](ClusterJob job) { return worker_->submit(std::move(job)); };
    ports.publish = [this](StatusWish wish) { publisher_->publish(std::move(wish)); };
    ports.list_anew = [this] { worker_->list_anew(); };
    ports.leading = [this] { return leading(); };
    ports.device_forgotten = [this](const contracts::DeviceId& id) {
        if (devices_) devices_->device_forgotten(id);
    };
    return ports;
}

bool ClusterSide::leading() const {
    const LeaderElection* election = elected_.load();
    return election != nullptr && election->leading();
}

Result<void> ClusterSide::start(ClusterSideEvents events) {
    events_ = std::move(events);
    if (config_.devices) {
        DeviceResourceSettings settings;
        settings.stack = name_space_;
        settings.heartbeat_stale_after = stale_after_;
        auto devices = start_device_resources(*client_, settings, metrics_);
        if (!devices) return fail(devices.error());
        devices_ = std::move(*devices);
    }
    worker_ = start_cluster_worker(*client_, name_space_,
                                   {events_.tell, [this] { return leading(); }, events_.reply});
    publisher_ = start_status_publisher(
        *client_, name_space_, [this] { return leading(); }, metrics_);
    thread_ = std::jthread([this](const std::stop_token& stop) {
        pthread_setname_np(pthread_self(), "cluster-start");
        run(stop);
    });
    return {};
}

void ClusterSide::run(const std::stop_token& stop) {
    daemon::Backoff backoff(kRetry);
    while (!stop.stop_requested()) {
        const auto check = check_cluster(*client_, name_space_, config_.devices);
        if (check.verdict == ClusterCheck::Verdict::Good) {
            if (!check.warnings.empty()) kLog.warning("the cluster", {{"warnings", check.warnings}});
            const auto begun = begin();
            if (begun) {
                flag_->pass();
            } else {
                flag_->fail(begun.error().text());
                kLog.error("cannot go on", {{"error", begun.error().text()}});
            }
            return;
        }
        flag_->fail(check.text);
        if (check.verdict == ClusterCheck::Verdict::Refused)
            kLog.error("the cluster is not ready for the operator", {{"error", check.text}});
        std::mutex mutex;
        std::condition_variable_any waiting;
        std::unique_lock lock(mutex);
        waiting.wait_for(lock, stop, backoff.next(), [] { return false; });
    }
}

Result<void> ClusterSide::begin() {
    worker_->list_anew();
    LeaderElectionSettings settings;
    settings.name_space = name_space_;
    settings.lease = config_.lease;
    settings.identity = election_identity();
    LeadershipEvents events;
    events.on_started_leading = [this] { lead(true); };
    events.on_stopped_leading = [this] { lead(false); };
    events.on_leader = [](const std::string& holder) { kLog.info("leader", {{"holder", holder}}); };
    auto election =
        start_leader_election(*client_, std::move(settings), std::move(events), health_, metrics_);
    if (!election) return fail(election.error());
    const std::lock_guard lock(election_mutex_);
    election_ = std::move(*election);
    elected_ = election_.get();
    return {};
}

void ClusterSide::lead(bool leading) {
    kLog.info(leading ? "leads" : "does not lead any more");
    if (devices_) devices_->set_leading(leading);
    events_.tell(LeadershipChanged{leading});
}

void ClusterSide::caught_up(Source source) {
    if (source == Source::DeviceInfo) infos_told_ = true;
    if (source == Source::DeviceHeartbeat) heartbeats_told_ = true;
    if (devices_ && infos_told_ && heartbeats_told_) devices_->all_devices_told();
}

SourceEvents ClusterSide::pass_on(SourceEvents events) {
    SourceEvents result = events;
    result.on_info = [this, next = events.on_info](contracts::DeviceInfo info) {
        if (devices_) devices_->device_known(info);
        next(std::move(info));
    };
    result.on_heartbeat = [this, next = events.on_heartbeat](Event event) {
        const auto* beat = std::get_if<HeartbeatSeen>(&event);
        if (devices_ && beat != nullptr) devices_->heartbeat_seen(beat->device, beat->seen_at);
        next(std::move(event));
    };
    result.on_caught_up = [this, next = events.on_caught_up](Source source) {
        next(source);
        caught_up(source);
    };
    result.on_ignored = [this, next = events.on_ignored](IgnoredChange change) {
        const auto device = contracts::parse_device_info_key(change.key);
        if (devices_ && device && change.bucket == contracts::kDeviceInfoBucket)
            devices_->info_refused(*device, change.problem);
        next(std::move(change));
    };
    result.on_info_deleted = [this](contracts::DeviceId device) {
        if (devices_) devices_->device_forgotten(device);
        events_.tell(DeviceWithdrawn{std::move(device)});
    };
    return result;
}

void ClusterSide::stop() {
    if (std::exchange(stopped_, true)) return;
    thread_.request_stop();
    if (thread_.joinable()) thread_.join();
    if (worker_) worker_->stop();
    if (publisher_) publisher_->stop();
    if (devices_) devices_->stop();
    const std::lock_guard lock(election_mutex_);
    if (election_) election_->stop();
    elected_ = nullptr;
}

}  // namespace harmony::op
