#include "reconcile_loop.hpp"

#include <pthread.h>

#include <algorithm>
#include <condition_variable>

#include "harmony/agent/inventory.hpp"
#include "harmony/daemon/files.hpp"
#include "harmony/daemon/logging.hpp"

namespace harmony::agent {

namespace daemon = runtime::daemon;
namespace nats = runtime::nats;
using namespace std::chrono_literals;
using std::chrono::milliseconds;

namespace {

constexpr daemon::Logger kLog("reconcile");
constexpr std::size_t kQueuedEvents = 256;
constexpr double kTimerJitter = 0.2;

}  // namespace

void WorkerThreads::run(std::function<void()> work) {
    std::erase_if(workers_, [](Worker& worker) {
        if (!*worker.done) return false;
        worker.thread.join();
        return true;
    });
    auto done = std::make_shared<std::atomic<bool>>(false);
    std::thread thread([work = std::move(work), done] {
        pthread_setname_np(pthread_self(), "deployment");
        work();
        *done = true;
    });
    workers_.push_back({std::move(thread), std::move(done)});
}

void WorkerThreads::join() {
    for (Worker& worker : workers_)
        worker.thread.join();
    workers_.clear();
}

ReconcileLoop::ReconcileLoop(const AgentConfig& config, std::string version, nats::NatsConnection& connection,
                             RuntimeFactory runtimes, const Clock& clock, daemon::HealthRegistry& health,
                             daemon::MetricsRegistry& metrics, std::function<void(std::string)> on_digest)
    : config_(config),
      version_(std::move(version)),
      connection_(connection),
      clock_(clock),
      on_digest_(std::move(on_digest)),
      runtime_ready_(health.add_flag(daemon::CheckKind::Readiness, "runtime", "not asked yet")),
      ticks_(metrics.counter("harmony_agent_reconciles_total", "Times the containers were compared")),
      deployments_(metrics.gauge("harmony_agent_deployments", "Deployments this device holds")),
      failed_(metrics.gauge("harmony_agent_deployments_failed", "Deployments in phase Failed")),
      queue_(kQueuedEvents),
      store_(config.state_dir + "/desired.json", config.device_id),
      book_(config.state_dir + "/states.json", config.device_id, clock),
      writer_(connection, config.device_id),
      reconciler_(
          {config.device_id, config.runtime_enabled, [this] { containers_changed(); }}, std::move(runtimes),
          [this](std::function<void()> work) { workers_.run(std::move(work)); }, book_, clock) {}

Result<void> ReconcileLoop::load() {
    if (auto made = daemon::make_directories(config_.state_dir); !made) return made;
    if (auto loaded = book_.load(); !loaded) {
        if (loaded.error().kind() != ErrorKind::Corrupt) return loaded;
        kLog.warning("the states of the last life are lost", {{"error", loaded.error().text()}});
    }
    auto held = store_.load();
    if (!held) {
        if (held.error().kind() != ErrorKind::Corrupt) return fail(held.error());
        kLog.warning("the stored desired state is ignored and read again", {{"error", held.error().text()}});
        held = std::nullopt;
    }
    tracker_.emplace(connection_, config_.device_id, *std::move(held));
    if (tracker_->known()) reconciler_.set_desired(tracker_->held());
    on_digest_(digest_of(tracker_->held()));
    return {};
}

void ReconcileLoop::start() {
    thread_ = std::thread([this] {
        pthread_setname_np(pthread_self(), "reconcile");
        try {
            run();
        } catch (const std::exception& error) {
            kLog.error("the reconcile thread ended", {{"error", error.what()}});
            std::terminate();
        }
    });
}

bool ReconcileLoop::stop(milliseconds patience) {
    queue_.close();
    if (thread_.joinable()) thread_.join();
    reconciler_.cancel_work();
    const auto deadline = std::chrono::steady_clock::now() + patience;
    while (!reconciler_.idle()) {
        if (std::chrono::steady_clock::now() >= deadline) return false;
        std::this_thread::sleep_for(5ms);
    }
    workers_.join();
    save_states();
    return true;
}

void ReconcileLoop::push(Event event) {
    if (!queue_.try_push(std::move(event))) resync_ = true;
}

void ReconcileLoop::connected() {
    push(Connected{});
}

void ReconcileLoop::hint(const DesiredHint& hint) {
    push(hint);
}

void ReconcileLoop::containers_changed() {
    // One that waits stands for all.
    if (wake_waits_.exchange(true)) return;
    if (!queue_.try_push(Wake{})) wake_waits_ = false;
}

void ReconcileLoop::run() {
    next_resync_ = clock_.steady() + daemon::jittered(config_.resync_interval, kTimerJitter);
    // The containers of the last life are looked at before the broker is asked anything.
    tick();
    while (true) {
        if (auto event = queue_.pop(until_due())) {
            handle(*event);
            while (auto more = queue_.pop(0ms))
                handle(*more);
        } else if (queue_.closed()) {
            return;
        }
        const SteadyTime now = clock_.steady();
        if (resync_.exchange(false) || now >= next_resync_) {
            tracker_->request_full(now);
            tick_wanted_ = true;
            next_resync_ = now + daemon::jittered(config_.resync_interval, kTimerJitter);
        }
        if (const auto due = tracker_->next_due(); due && *due <= now && tracker_->advance(now))
            take_desired();
        const auto wanted = reconciler_.next_due();
        if (tick_wanted_ || clock_.steady() >= next_tick_ || (wanted && *wanted <= clock_.steady())) tick();
        publish();
    }
}

milliseconds ReconcileLoop::until_due() const {
    SteadyTime due = std::min(next_tick_, next_resync_);
    for (const auto& candidate : {reconciler_.next_due(), tracker_->next_due(), publish_after_}) {
        if (candidate) due = std::min(due, *candidate);
    }
    return std::max(std::chrono::ceil<milliseconds>(due - clock_.steady()), 0ms);
}

void ReconcileLoop::handle(const Event& event) {
    const SteadyTime now = clock_.steady();
    if (std::holds_alternative<Connected>(event)) {
        tracker_->request_full(now);
        book_.reassert();
        info_confirmed_ = false;
        publish_after_.reset();
        publish_backoff_.reset();
    } else if (const auto* hint = std::get_if<DesiredHint>(&event)) {
        tracker_->hint(*hint, now);
    } else {
        wake_waits_ = false;
        tick_wanted_ = true;
    }
}

void ReconcileLoop::take_desired() {
    reconciler_.set_desired(tracker_->held());
    on_digest_(digest_of(tracker_->held()));
    save_desired_ = true;
    tick_wanted_ = true;
    kLog.info("desired state changed", {{"deployments", tracker_->held().size()}});
}

void ReconcileLoop::tick() {
    tick_wanted_ = false;
    ticks_.add();
    next_tick_ = clock_.steady() + daemon::jittered(config_.reconcile_interval, kTimerJitter);
    reconciler_.tick();
    // After the tick: the workers are under way while the disk is waited for.
    if (save_desired_) {
        const auto saved = store_.save(tracker_->held());
        if (!saved) kLog.error("the desired state could not be stored", {{"error", saved.error().text()}});
        save_desired_ = !saved;
    }
    if (const auto state = reconciler_.runtime_state()) {
        runtime_ready_->pass();
    } else {
        runtime_ready_->fail(state.error().text());
    }
    deployments_.set(static_cast<double>(tracker_->held().size()));
    failed_.set(static_cast<double>(
        std::count_if(book_.states().begin(), book_.states().end(),
                      [](const auto& entry) { return entry.second.phase == contracts::Phase::Failed; })));
    refresh_info();
}

void ReconcileLoop::refresh_info() {
    contracts::DeviceInfo next;
    next.device_id = config_.device_id;
    next.labels = config_.labels;
    next.agent_version = version_;
    next.inventory = read_inventory(config_.state_dir);
    if (const auto& runtime = reconciler_.runtime_info(); next.inventory && runtime) {
        next.inventory->runtime = runtime->name;
        next.inventory->runtime_version = runtime->version;
    }
    if (info_known_ && next.same_content(info_)) return;
    next.updated_at = contracts::Timestamp::after(info_.updated_at, clock_.wall());
    info_ = std::move(next);
    info_known_ = true;
    info_confirmed_ = false;
}

void ReconcileLoop::save_states() {
    if (auto saved = book_.save(); !saved) {
        kLog.error("the states could not be stored", {{"error", saved.error().text()}});
    }
}

void ReconcileLoop::publish() {
    save_states();
    const bool waits = publish_after_ && *publish_after_ > clock_.steady();
    if (waits) return;
    publish_after_.reset();
    // Being connected again asks for everything to be told again.
    if (connection_.status() != nats::ConnectionStatus::Connected) return;
    if (info_known_ && !info_confirmed_) {
        if (auto written = writer_.write_info(info_); !written) return publish_later(written.error());
        info_confirmed_ = true;
    }
    for (const StateBook::Write& write : book_.unconfirmed()) {
        if (auto written = writer_.write_state(write); !written) return publish_later(written.error());
        book_.confirm(write);
    }
    publish_backoff_.reset();
    save_states();
}

void ReconcileLoop::publish_later(const Error& error) {
    publish_after_ = clock_.steady() + publish_backoff_.next();
    kLog.warning("the broker did not confirm; trying again", {{"error", error.text()}});
}

}  // namespace harmony::agent
