#include "world.hpp"

#include <algorithm>
#include <utility>

#include "harmony/contracts/kv.hpp"

namespace harmony::simulation {

namespace {

// The slowest way back: a resync of the device with its jitter, the longest back-off of an attempt, an init
// container's time limit, and the same once more for a rolling update's second step.
constexpr Micros kConvergenceBound = 90 * kMinute;
constexpr Micros kFirstLook = 5 * kSecond;
constexpr Micros kLastLook = 2 * kMinute;
// Never seen idle for so long: it does not end, rather than going on in vain.
constexpr Micros kLongestWork = 30 * kMinute;
constexpr std::uint64_t kEventsAtOnce = 100'000;

}  // namespace

World::World(WorldOptions options)
    : options_(std::move(options)),
      seeded_(options_.seed * 0x9e3779b97f4a7c15U + 1),
      random_(options_.seed),
      history_(scheduler_, options_.verbose),
      invariants_(scheduler_),
      broker_random_(random_.fork()),
      broker_(scheduler_, broker_random_, history_) {
    user_link_.name = "user";
    broker_.observe_losses(
        [this](std::string_view bucket, std::string_view key) { invariants_.on_loss(bucket, key); });
    store_.observe_commits([this](const StoredContent& content) { invariants_.on_commit(content); });
    broker_.observe_puts([this](std::string_view bucket, std::string_view key, const Broker::Stored& stored) {
        const Happened what = bucket == contracts::kDesiredStateBucket
                                  ? (stored.deleted ? Happened::DesiredDeleted : Happened::DesiredPut)
                              : bucket == contracts::kDeviceStateBucket ? Happened::StateTold
                              : bucket == contracts::kDeviceInfoBucket  ? Happened::InfoTold
                                                                        : Happened::Heartbeat;
        history_.add(what, key, what == Happened::Heartbeat ? std::string_view() : stored.value);
        if (what != Happened::Heartbeat) invariants_.on_put(bucket, key, stored);
    });
}

World::~World() = default;

void World::add_operator() {
    auto node = std::make_unique<OperatorNode>("operator-" + std::to_string(operators_.size() + 1), broker_,
                                               store_, timing_.heartbeat, options_.plants);
    watch_turns(*node);
    node->start();
    operators_.push_back(std::move(node));
}

void World::watch_turns(OperatorNode& node) {
    node.on_turn([this](const op::Reducer& reducer) {
        invariants_.check_status(reducer, store_.content(), store_.commits());
        if (std::exchange(checked_commits_, store_.commits()) != store_.commits())
            invariants_.check_store(store_.content());
    });
}

void World::join_device(const std::string& name, contracts::Labels labels) {
    auto node = std::make_unique<AgentNode>(broker_, *contracts::DeviceId::parse(name), std::move(labels),
                                            timing_, options_.plants);
    AgentNode& joined = *node;
    joined.podman.observe(
        {[this, name](const auto& container) { invariants_.on_create(name, container); },
         [this, &joined](const auto&) { invariants_.on_start(joined.name(), joined.podman.containers()); }});
    history_.add(Happened::DeviceJoined, name);
    devices_.push_back(std::move(node));
    joined.start();
}

void World::run_for(Micros duration) {
    const Micros end = scheduler_.now() + duration;
    Micros moment = scheduler_.now();
    std::uint64_t at_moment = 0;
    while (!invariants_.violation() && scheduler_.step(end)) {
        if (scheduler_.now() != moment) {
            moment = scheduler_.now();
            at_moment = 0;
        } else if (++at_moment > kEventsAtOnce) {
            invariants_.violated(kEnds, "time stands still: something wakes itself again and again");
        }
    }
}

void World::set_up() {
    constexpr std::int64_t kHeartbeats[] = {30, 60, 120, 300};
    constexpr std::int64_t kReconciles[] = {30, 120, 600};
    timing_.heartbeat = std::chrono::seconds(kHeartbeats[random_.below(4)]);
    timing_.reconcile = std::chrono::seconds(kReconciles[random_.below(3)]);
    timing_.resync = std::chrono::seconds(random_.chance(0.5) ? 300 : 900);
    const auto operators = random_.chance(0.3) ? 2 : 1;
    for (int i = 0; i < operators; ++i)
        add_operator();
    const auto devices = random_.between(3, 7);
    for (std::int64_t i = 0; i < devices; ++i)
        join_device("edge-" + std::to_string(i + 1), random_labels());
}

void World::faulty_phase(Micros duration) {
    history_.add(Happened::FaultsBegan, "world");
    const Micros end = scheduler_.now() + duration;
    while (scheduler_.now() < end && !invariants_.violation()) {
        run_for(random_.between(kSecond / 2, 25 * kSecond));
        if (random_.chance(0.4)) {
            random_change();
        } else {
            random_fault();
        }
    }
}

void World::mend() {
    history_.add(Happened::FaultsEnded, "world");
    broker_.start();
    user_link_.loss = 0;
    store_.set_error_rate(0);
    const auto mend_link = [&](Link& link) {
        link.cut = false;
        link.loss = 0;
        link.duplicate = 0;
        link.delay = 500;
        link.jitter = 500;
        broker_.link_changed(link);
    };
    mend_link(user_link_);
    for (const auto& node : operators_) {
        mend_link(node->link);
        if (!node->running()) node->start();
    }
    for (const auto& node : devices_) {
        mend_link(node->link);
        node->podman.set_error_rate(0);
        node->podman.set_up(true);
        node->disk.set_full(false);
        node->disk.set_tears(false);
        if (!node->running()) node->start();
    }
}

void World::converge() {
    const Micros bound = scheduler_.now() + kConvergenceBound;
    std::string why;
    Micros settled_at = scheduler_.now();
    for (Micros look = kFirstLook; !invariants_.violation(); look = std::min(2 * look, kLastLook)) {
        forget_retired();
        run_for(look);
        why = why_not_converged();
        if (why.empty()) break;
        const std::string unsettled = why_not_settled();
        if (unsettled.empty()) settled_at = scheduler_.now();
        if (scheduler_.now() <= bound) continue;
        if (scheduler_.now() - settled_at > kLongestWork) {
            invariants_.violated(kEnds, unsettled);
        } else {
            invariants_.violated(kConverges, why);
        }
    }
    invariants_.check_store(store_.content());
    if (!invariants_.violation()) history_.add(Happened::Converged, "world");
}

Outcome World::run() {
    set_up();
    const auto total =
        static_cast<Micros>(options_.device_hours / static_cast<double>(devices_.size()) * kHour);
    const auto epochs = random_.between(2, 3);
    for (std::int64_t epoch = 0; epoch < epochs && !invariants_.violation(); ++epoch) {
        faulty_phase(random_.between(3, 12) * kMinute);
        mend();
        converge();
        const Micros until = total * (epoch + 1) / epochs;
        if (scheduler_.now() < until) run_for(until - scheduler_.now());
        // Left alone, it must have stayed so.
        if (invariants_.violation()) break;
        if (const std::string why = why_not_converged(); !why.empty()) converge();
    }
    Outcome outcome;
    outcome.seed = options_.seed;
    outcome.violation = invariants_.violation();
    outcome.history_hash = history_.hash();
    if (outcome.violation) outcome.history = history_.text();
    outcome.device_hours = static_cast<double>(devices_.size()) * static_cast<double>(scheduler_.now()) /
                           static_cast<double>(kHour);
    outcome.events = scheduler_.events();
    return outcome;
}

std::size_t World::running_containers(const std::string& device) const {
    std::size_t running = 0;
    for (const auto& node : devices_) {
        if (node->name() != device) continue;
        for (const auto& container : node->podman.containers())
            running += container.status == runtime::podman::ContainerStatus::Running ? 1 : 0;
    }
    return running;
}

Outcome simulate(const WorldOptions& options) {
    World world(options);
    return world.run();
}

}  // namespace harmony::simulation
