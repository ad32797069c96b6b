#include "agent_node.hpp"

#include "harmony/contracts/commands.hpp"
#include "harmony/contracts/kv.hpp"

namespace harmony::simulation {

namespace nats = runtime::nats;

namespace {

constexpr std::size_t kQueuedEvents = 256;  // as in the agent's own queue
constexpr const char* kVersion = "0.0.0-simulated";

}  // namespace

class AgentNode::DeviceClock final : public agent::Clock {
 public:
    explicit DeviceClock(const Scheduler& scheduler) : scheduler_(scheduler) {}
    [[nodiscard]] agent::SteadyTime steady() const override {
        return agent::SteadyTime(std::chrono::hours(1) + std::chrono::microseconds(scheduler_.now()));
    }
    [[nodiscard]] contracts::Timestamp wall() const override {
        return contracts::Timestamp::from_microseconds(kWorldBegins + scheduler_.now() + offset);
    }
    [[nodiscard]] static Micros when(agent::SteadyTime time) {
        return std::chrono::ceil<std::chrono::microseconds>(time.time_since_epoch() - std::chrono::hours(1))
            .count();
    }
    Micros offset = 0;

 private:
    const Scheduler& scheduler_;
};

// Destroyed from the bottom: the logic before what it refers to.
struct AgentNode::Life {
    Life(Broker& broker, Link& link, std::function<void()> on_death)
        : process(broker.scheduler(), std::move(on_death)), client(broker, process, link) {}

    Process process;
    Client client;
    runtime::daemon::HealthRegistry health;
    runtime::daemon::MetricsRegistry metrics;
    std::unique_ptr<runtime::daemon::Disk> disk;
    std::optional<agent::ControlLogic> control;
    std::optional<agent::ReconcileLogic> logic;
    std::deque<agent::ReconcileEvent> events;
    bool events_lost = false;
    bool wake_waits = false;
    std::optional<Process::Ticket> waiting;
    std::vector<nats::Subscription> subscriptions;
};

AgentNode::AgentNode(Broker& broker, contracts::DeviceId id, contracts::Labels labels, AgentTiming timing,
                     const std::set<Plant>& plants)
    : Node(broker, id.str(), {60, 20 * kSecond}),
      podman(id.str(), broker.scheduler(), broker.random(), broker.history(), plants),
      disk(id.str(), broker.random(), broker.history()),
      id_(std::move(id)),
      labels_(std::move(labels)),
      timing_(timing),
      plants_(plants),
      clock_(std::make_unique<DeviceClock>(broker.scheduler())) {
    podman.set_clock([this] { return clock_->wall().seconds(); });
}

AgentNode::~AgentNode() {
    podman.on_change(nullptr);
    if (life_) life_->process.kill();
}

const agent::ReconcileLogic* AgentNode::logic() const {
    return life_ && life_->logic ? &*life_->logic : nullptr;
}

Process* AgentNode::process() const {
    return life_ ? &life_->process : nullptr;
}

std::size_t AgentNode::queued() const {
    return life_ ? life_->events.size() : 0;
}

nats::ConnectionEvents AgentNode::events_of(Life& life) {
    nats::ConnectionEvents events;
    events.on_connected = [this, &life](nats::Connected) {
        push(life, agent::BrokerConnected{});
        life.control->beat();
    };
    return events;
}

void AgentNode::start() {
    if (life_) return;
    joined_ = true;
    broker_.history().add(Happened::Started, name());
    life_ = std::make_unique<Life>(broker_, link, [this] { died(); });
    Life& life = *life_;
    agent::AgentConfig config;
    config.device_id = id_;
    config.labels = labels_;
    config.state_dir = "/state";
    config.heartbeat_interval = timing_.heartbeat;
    config.reconcile_interval = timing_.reconcile;
    config.resync_interval = timing_.resync;
    life.disk = disk.view_for(life.process);
    life.client.set_deaf(plants_.contains(Plant::DeafDevice));
    life.control.emplace(agent::ControlOptions{id_, kVersion, timing_.heartbeat}, life.client, *clock_,
                         life.metrics);
    agent::ReconcileParts parts{life.client,
                                [this, &life] { return podman.runtime_for(life.process); },
                                [&life](std::function<void()> work) { life.process.spawn(std::move(work)); },
                                [this, &life] { containers_changed(life); },
                                [&life](std::string digest) { life.control->set_digest(std::move(digest)); },
                                [this] {
                                    contracts::Inventory inventory;
                                    inventory.hostname = name();
                                    inventory.runtime = "podman";
                                    return std::optional(inventory);
                                },
                                *clock_,
                                *life.disk,
                                [](const std::string&) { return Result<void>{}; }};
    life.logic.emplace(config, kVersion, std::move(parts), life.health, life.metrics);
    life.process.spawn([this, &life] { reconcile(life); });
}

void AgentNode::reconcile(Life& life) {
    if (auto loaded = life.logic->load(); !loaded) life.process.die();
    (void)life.client.start(events_of(life));
    auto desired = life.client.subscribe(
        contracts::kv_subject(contracts::kDesiredStateBucket, contracts::desired_state_filter(id_)),
        [this, &life](const nats::Message& message) {
            if (const auto hint = agent::DesiredHint::from(id_, message)) push(life, *hint);
        },
        {});
    if (desired) life.subscriptions.push_back(*std::move(desired));
    podman.on_change([this, &life] {
        life.process.later(20 * kMillisecond, [this, &life] { containers_changed(life); });
    });
    beat_later(life);
    life.logic->begin();
    while (true) {
        while (!life.events.empty()) {
            const agent::ReconcileEvent event = std::move(life.events.front());
            life.events.pop_front();
            if (std::holds_alternative<agent::ContainersChanged>(event)) life.wake_waits = false;
            life.logic->handle(event);
        }
        if (std::exchange(life.events_lost, false)) life.logic->handle(agent::EventsLost{});
        life.logic->advance();
        if (!life.events.empty()) continue;
        life.waiting = life.process.ticket();
        life.process.wait(DeviceClock::when(life.logic->next_due()));
        life.waiting.reset();
    }
}

bool AgentNode::push(Life& life, agent::ReconcileEvent event) {
    const bool taken = life.events.size() < kQueuedEvents;
    if (taken) {
        life.events.push_back(std::move(event));
    } else {
        life.events_lost = true;
    }
    if (life.waiting) life.process.wake(*life.waiting);
    return taken;
}

void AgentNode::containers_changed(Life& life) {
    if (std::exchange(life.wake_waits, true)) return;
    if (!push(life, agent::ContainersChanged{})) life.wake_waits = false;
}

void AgentNode::beat_later(Life& life) {
    const Micros due = DeviceClock::when(life.control->next_due());
    life.process.later(std::max<Micros>(0, due - broker_.scheduler().now()), [this, &life] {
        life.control->advance();
        beat_later(life);
    });
}

void AgentNode::died() {
    broker_.history().add(Happened::Died, name());
    podman.on_change(nullptr);
    life_.reset();
    come_back_later();
}

void AgentNode::reboot(bool disk_lies) {
    if (!joined_) return;
    broker_.history().add(Happened::Rebooted, name(), disk_lies ? "with a disk that lies" : "");
    if (life_) kill(broker_.random().between(10 * kSecond, 60 * kSecond));
    podman.reboot();
    disk.lose_power(disk_lies);
}

void AgentNode::set_labels(contracts::Labels labels) {
    labels_ = std::move(labels);
    std::string text;
    for (const auto& [key, value] : labels_)
        text += key + "=" + value + " ";
    broker_.history().add(Happened::LabelsChanged, name(), text);
    // The configuration is read at the start.
    kill(2 * kSecond);
}

void AgentNode::step_clock(Micros by) {
    clock_->offset += by;
    broker_.history().add(Happened::ClockStepped, name(), std::to_string(by / kSecond) + " s");
}

}  // namespace harmony::simulation
