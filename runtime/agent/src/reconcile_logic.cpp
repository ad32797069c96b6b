#include "harmony/agent/reconcile_logic.hpp"

#include <algorithm>

#include "harmony/daemon/logging.hpp"

namespace harmony::agent {

namespace daemon = runtime::daemon;
namespace nats = runtime::nats;

namespace {

constexpr daemon::Logger kLog("reconcile");
constexpr double kTimerJitter = 0.2;

}  // namespace

ReconcileLogic::ReconcileLogic(const AgentConfig& config, std::string version, ReconcileParts parts,
                               daemon::HealthRegistry& health, daemon::MetricsRegistry& metrics)
    : config_(config),
      version_(std::move(version)),
      parts_(std::move(parts)),
      runtime_ready_(health.add_flag(daemon::CheckKind::Readiness, "runtime", "not asked yet")),
      disk_ready_(health.add_flag(daemon::CheckKind::Readiness, "state-directory", "not written yet")),
      ticks_(metrics.counter("harmony_agent_reconciles_total", "Times the containers were compared")),
      deployments_(metrics.gauge("harmony_agent_deployments", "Deployments this device holds")),
      failed_(metrics.gauge("harmony_agent_deployments_failed", "Deployments in phase Failed")),
      save_failures_(metrics.counter("harmony_agent_save_failures_total",
                                     "Times the desired state or the states could not be stored")),
      store_(config.state_dir + "/desired.json", config.device_id, parts_.disk),
      book_(config.state_dir + "/states.json", config.device_id, parts_.clock, parts_.disk),
      writer_(parts_.connection, config.device_id),
      reconciler_({config.device_id, config.runtime_enabled, parts_.wake, parts_.path_check}, parts_.runtimes,
                  parts_.executor, book_, parts_.clock) {}

Result<void> ReconcileLogic::load() {
    if (auto made = parts_.disk.make_directories(config_.state_dir); !made) return made;
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
    tracker_.emplace(parts_.connection, config_.device_id, *std::move(held));
    if (tracker_->known()) reconciler_.set_desired(tracker_->held());
    parts_.on_digest(digest_of(tracker_->held()));
    return {};
}

void ReconcileLogic::begin() {
    next_resync_ = parts_.clock.steady() + daemon::jittered(config_.resync_interval, kTimerJitter);
    tick();
}

void ReconcileLogic::handle(const ReconcileEvent& event) {
    const SteadyTime now = parts_.clock.steady();
    if (std::holds_alternative<BrokerConnected>(event)) {
        tracker_->request_full(now);
        tell_everything_again();
        publish_after_.reset();
        publish_backoff_.reset();
    } else if (const auto* hint = std::get_if<DesiredHint>(&event)) {
        if (tracker_->hint(*hint, now)) tell_everything_again();
    } else if (std::holds_alternative<ContainersChanged>(event)) {
        tick_wanted_ = true;
    } else {
        resync_wanted_ = true;
    }
}

void ReconcileLogic::tell_everything_again() {
    book_.reassert();
    info_confirmed_ = false;
}

void ReconcileLogic::advance() {
    const SteadyTime now = parts_.clock.steady();
    if (std::exchange(resync_wanted_, false) || now >= next_resync_) {
        tracker_->request_full(now);
        tick_wanted_ = true;
        next_resync_ = now + daemon::jittered(config_.resync_interval, kTimerJitter);
    }
    if (const auto due = tracker_->next_due(); due && *due <= now && tracker_->advance(now)) take_desired();
    const auto wanted = reconciler_.next_due();
    const SteadyTime after_reading = parts_.clock.steady();
    if (tick_wanted_ || after_reading >= next_tick_ || (wanted && *wanted <= after_reading)) tick();
    publish();
}

SteadyTime ReconcileLogic::next_due() const {
    SteadyTime due = std::min(next_tick_, next_resync_);
    for (const auto& candidate : {reconciler_.next_due(), tracker_->next_due(), publish_after_}) {
        if (candidate) due = std::min(due, *candidate);
    }
    return due;
}

void ReconcileLogic::take_desired() {
    reconciler_.set_desired(tracker_->held());
    parts_.on_digest(digest_of(tracker_->held()));
    save_desired_ = true;
    tick_wanted_ = true;
    kLog.info("desired state changed", {{"deployments", tracker_->held().size()}});
}

void ReconcileLogic::tick() {
    tick_wanted_ = false;
    ticks_.add();
    next_tick_ = parts_.clock.steady() + daemon::jittered(config_.reconcile_interval, kTimerJitter);
    reconciler_.tick();
    // After the tick: the workers are under way while the disk is waited for.
    save_desired();
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

void ReconcileLogic::save_desired() {
    if (!save_desired_) return;
    const auto saved = store_.save(tracker_->held());
    save_desired_ = !saved;
    note_saved(desired_unsaved_, saved);
}

// Both files fail and recover together where the disk is full, and apart where one of them is at fault.
void ReconcileLogic::note_saved(std::optional<std::string>& unsaved, const Result<void>& saved) {
    if (!saved) {
        save_failures_.add();
        if (!unsaved) {
            kLog.error("the state cannot be stored; going on without", {{"error", saved.error().text()}});
        }
        unsaved = saved.error().text();
    } else if (unsaved) {
        unsaved.reset();
        kLog.info("the state is stored again");
    }
    const auto& why = desired_unsaved_ ? desired_unsaved_ : states_unsaved_;
    if (why) {
        disk_ready_->fail(*why);
    } else {
        disk_ready_->pass();
    }
}

void ReconcileLogic::refresh_info() {
    contracts::DeviceInfo next;
    next.device_id = config_.device_id;
    next.labels = config_.labels;
    next.agent_version = version_;
    next.inventory = parts_.inventory();
    if (const auto& runtime = reconciler_.runtime_info(); next.inventory && runtime) {
        next.inventory->runtime = runtime->name;
        next.inventory->runtime_version = runtime->version;
    }
    if (info_known_ && next.same_content(info_)) return;
    next.updated_at = contracts::Timestamp::after(info_.updated_at, parts_.clock.wall());
    info_ = std::move(next);
    info_known_ = true;
    info_confirmed_ = false;
}

void ReconcileLogic::save_states() {
    note_saved(states_unsaved_, book_.save());
}

void ReconcileLogic::publish() {
    save_states();
    const bool waits = publish_after_ && *publish_after_ > parts_.clock.steady();
    if (waits) return;
    publish_after_.reset();
    // Being connected again asks for everything to be told again.
    if (parts_.connection.status() != nats::ConnectionStatus::Connected) return;
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

void ReconcileLogic::publish_later(const Error& error) {
    publish_after_ = parts_.clock.steady() + publish_backoff_.next();
    kLog.warning("the broker did not confirm; trying again", {{"error", error.text()}});
}

}  // namespace harmony::agent
