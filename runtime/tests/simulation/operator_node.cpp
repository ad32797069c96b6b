#include "operator_node.hpp"

#include <algorithm>
#include <deque>

#include "harmony/contracts/fleet_api.hpp"
#include "harmony/contracts/kv.hpp"

namespace harmony::simulation {

namespace nats = runtime::nats;

namespace {

constexpr Micros kDenseTicks = 200 * kMillisecond;  // what the logic itself asks for
// Without an event the ticks thin out up to this: what an idle operator does at a tick is look at the clock.
constexpr Micros kSparseTicks = 5 * kSecond;
constexpr Micros kAckTimeout = 10 * kSecond;

}  // namespace

// Destroyed from the bottom: the logic before what it refers to.
struct OperatorNode::Life {
    Life(Broker& broker, Link& link, std::function<void()> on_death)
        : process(broker.scheduler(), std::move(on_death)), client(broker, process, link) {}

    Process process;
    Client client;
    runtime::daemon::HealthRegistry health;
    runtime::daemon::MetricsRegistry metrics;
    std::unique_ptr<op::BucketAccess> buckets;
    std::unique_ptr<Writer> writer;
    std::unique_ptr<op::ReportDecoder> decoder;
    std::unique_ptr<op::OperatorLogic> logic;
    std::vector<nats::Subscription> subscriptions;
    bool turn_waits = false;
    Micros tick_interval = kDenseTicks;
    bool restored = false;
};

class OperatorNode::Buckets final : public op::BucketAccess {
 public:
    Buckets(Broker& broker, Life& life, std::chrono::seconds heartbeat, const std::set<Plant>& plants)
        : broker_(broker), life_(life), heartbeat_(heartbeat), plants_(plants) {}

    Result<void> make_buckets() override {
        for (const contracts::BucketSettings& wanted : contracts::bucket_settings(1, heartbeat_)) {
            if (auto passed = round_trip(); !passed) return passed;
            broker_.ensure_bucket(wanted.name, wanted.storage == contracts::BucketStorage::Memory,
                                  std::chrono::microseconds(wanted.ttl).count());
        }
        return {};
    }

    Result<void> load(
        const std::function<void(const std::string& key, std::string_view value)>& visit) override {
        if (auto passed = round_trip(); !passed) return passed;
        const Broker::Bucket* bucket = broker_.bucket(contracts::kDesiredStateBucket);
        if (!bucket) return fail(ErrorKind::NotFound, "no such bucket");
        // What is there when the replay begins; the rest comes while it lasts, and is not heard of.
        std::vector<std::pair<std::string, std::string>> entries;
        for (const auto& [key, stored] : bucket->entries) {
            if (!stored.deleted) entries.emplace_back(key, stored.value);
        }
        for (const auto& [key, value] : entries)
            visit(key, value);
        return round_trip();
    }

    Result<nats::BucketState> state() override {
        if (auto passed = round_trip(); !passed) return fail(passed.error());
        const Broker::Bucket* bucket = broker_.bucket(contracts::kDesiredStateBucket);
        if (!bucket) return fail(ErrorKind::NotFound, "no such bucket");
        return nats::BucketState{"once", bucket->entries.size(), bucket->sequence};
    }

    Result<void> write(const op::WriteBatchAction& batch) override {
        for (const op::KvWrite& write : batch.writes) {
            life_.process.crash_point();
            if (!life_.client.reaches()) return lost();
            const auto revision =
                broker_.put(write.bucket, write.key, write.value ? *write.value : "", write.value == nullptr);
            if (!revision) return fail(ErrorKind::NotFound, "no bucket takes this key");
            if (plants_.contains(Plant::BoldWriter) && write.value) write_everywhere(write);
            if (broker_.random().chance(0.2)) life_.process.block(broker_.random().below(2 * kMillisecond));
        }
        return round_trip();
    }

 private:
    Result<void> lost() {
        life_.process.block(kAckTimeout);
        return fail(ErrorKind::Timeout, "no acknowledgement in time");
    }

    Result<void> round_trip() {
        life_.process.crash_point();
        if (!life_.client.reaches() || broker_.random().chance(life_.client.link().loss)) return lost();
        life_.process.block(2 * life_.client.travel());
        life_.process.crash_point();
        return life_.client.reaches() ? Result<void>{} : lost();
    }

    void write_everywhere(const op::KvWrite& write) {
        const auto key = contracts::parse_desired_state_key(write.key);
        if (!key || !key->deployment) return;
        std::vector<std::string> others;
        for (const auto& [other, stored] : broker_.bucket(contracts::kDesiredStateBucket)->entries) {
            const auto parsed = contracts::parse_desired_state_key(other);
            if (parsed && parsed->deployment == key->deployment && !stored.deleted) others.push_back(other);
        }
        for (const std::string& other : others)
            (void)broker_.put(write.bucket, other, *write.value, false);
    }

    Broker& broker_;
    Life& life_;
    std::chrono::seconds heartbeat_;
    const std::set<Plant>& plants_;
};

// As the thread of the real one: a queue of jobs, each attempted until it is done.
class OperatorNode::Writer final : public op::DesiredWriter {
 public:
    Writer(Life& life, op::BucketAccess& buckets, op::WriterEvents events)
        : life_(life), logic_(buckets, std::move(events)) {
        life_.process.spawn([this] { run(); });
    }

    void write(op::WriteBatchAction batch) override { push(std::move(batch)); }
    void load() override { push(op::LoadBucket{}); }
    void ensure_buckets() override {
        if (!std::exchange(ensure_waits_, true)) push(op::EnsureBuckets{});
    }
    void check(std::uint64_t keys) override {
        if (!std::exchange(check_waits_, true)) push(op::CheckBucket{keys});
    }
    void stop() override {}
    [[nodiscard]] std::size_t waiting() const { return jobs_.size(); }

 private:
    void push(op::WriterJob job) {
        jobs_.push_back(std::move(job));
        if (waiting_) life_.process.wake(*waiting_);
    }

    void run() {
        while (true) {
            if (jobs_.empty()) {
                waiting_ = life_.process.ticket();
                life_.process.wait();
                waiting_.reset();
                continue;
            }
            const op::WriterJob job = std::move(jobs_.front());
            jobs_.pop_front();
            if (std::holds_alternative<op::EnsureBuckets>(job)) ensure_waits_ = false;
            if (std::holds_alternative<op::CheckBucket>(job)) check_waits_ = false;
            while (const auto again = logic_.attempt(job))
                life_.process.block(std::chrono::microseconds(*again).count());
        }
    }

    Life& life_;
    op::DesiredWriterLogic logic_;
    std::deque<op::WriterJob> jobs_;
    std::optional<Process::Ticket> waiting_;
    bool ensure_waits_ = false;
    bool check_waits_ = false;
};

OperatorNode::OperatorNode(std::string name, Broker& broker, StoreFile& store, std::chrono::seconds heartbeat,
                           const std::set<Plant>& plants)
    : Node(broker, std::move(name), {80, 10 * kSecond}),
      store_(store),
      heartbeat_(heartbeat),
      plants_(plants) {}

OperatorNode::~OperatorNode() {
    if (life_) life_->process.kill();
}

Process* OperatorNode::process() const {
    return life_ ? &life_->process : nullptr;
}

const op::OperatorLogic* OperatorNode::logic() const {
    return life_ && life_->restored ? life_->logic.get() : nullptr;
}

contracts::Timestamp OperatorNode::wall() const {
    return contracts::Timestamp::from_microseconds(kWorldBegins + broker_.scheduler().now() + clock_offset_);
}

void OperatorNode::start() {
    if (life_) return;
    broker_.history().add(Happened::Started, name());
    life_ = std::make_unique<Life>(broker_, link, [this] { died(); });
    Life& life = *life_;
    op::OperatorOptions options;
    options.name_space = "fleet";
    options.version = "0.0.0-simulated";
    options.reducer.heartbeat_stale_after = 3 * heartbeat_;
    op::OperatorPorts ports;
    ports.reply = [&life](const std::string& subject, std::string payload) {
        nats::Message message;
        message.subject = subject;
        message.payload = std::move(payload);
        (void)life.client.publish(message);
    };
    ports.look_up = [](const op::LookupJob&) { return false; };
    ports.connected = [&life] { return life.client.status() == nats::ConnectionStatus::Connected; };
    life.logic = std::make_unique<op::OperatorLogic>(
        store_.open(&life.process, &broker_.random(), &broker_.history(), &plants_), options, ports,
        life.health, life.metrics, wall());
    life.process.later(100 * kMillisecond, [this, &life] {
        if (auto restored = life.logic->restore(wall()); !restored) life.process.die();
        life.buckets = std::make_unique<Buckets>(broker_, life, heartbeat_, plants_);
        op::WriterEvents events;
        events.on_batch = [this, &life](std::uint64_t number, bool ok) {
            post(life, op::BatchDone{number, ok});
        };
        events.on_snapshot = [this, &life](op::Event event) { post(life, std::move(event)); };
        events.on_loaded = [this, &life] { post(life, op::BucketLoaded{}); };
        events.on_lost = [this, &life] { post(life, op::BucketLost{}); };
        life.writer = std::make_unique<Writer>(life, *life.buckets, std::move(events));
        life.logic->set_writer(*life.writer);
        life.restored = true;
        connect(life);
        watch(life);
        tick_later(life);
    });
}

void OperatorNode::connect(Life& life) {
    nats::ConnectionEvents events;
    events.on_connected = [this, &life](nats::Connected) {
        post(life, op::ConnectedAgain{});
        life.client.restart_watches();
    };
    (void)life.client.start(std::move(events));
    nats::SubscribeOptions options;
    options.queue_group = "harmony-fleet-operator";
    auto api = life.client.subscribe(
        std::string(contracts::kFleetApiSubscription),
        [this, &life](const nats::Message& request) { post(life, request); }, options);
    if (api) life.subscriptions.push_back(*std::move(api));
}

void OperatorNode::watch(Life& life) {
    op::SourceEvents events;
    events.on_info = [this, &life](contracts::DeviceInfo info) { post(life, std::move(info)); };
    events.on_event = [this, &life](op::Event event) {
        auto* reported = std::get_if<op::StateReported>(&event);
        if (reported && plants_.contains(Plant::HopefulStatus) &&
            reported->state.phase == contracts::Phase::Pending)
            reported->state.phase = contracts::Phase::Running;
        post(life, std::move(event));
    };
    events.on_heartbeat = [this, &life](op::Event event) { post(life, std::move(event), true); };
    events.on_caught_up = [this, &life](op::Source source) { post(life, op::CaughtUp{source}); };
    events.on_trouble = [this, &life] { post(life, op::BucketTrouble{}); };
    life.decoder = std::make_unique<op::ReportDecoder>(life.metrics, std::move(events));
    const auto follow = [this, &life](std::string_view bucket, op::Source source) {
        WatchHandlers handlers;
        handlers.on_replay = [&life, source] { life.decoder->replay_began(source); };
        handlers.on_entry = [this, &life, source](const nats::Entry& entry) {
            life.decoder->take(source, entry, wall());
        };
        handlers.on_caught_up = [&life, source] { life.decoder->caught_up(source); };
        handlers.on_trouble = [&life](const Error& error) { life.decoder->trouble(error); };
        life.client.watch(std::string(bucket), std::move(handlers));
    };
    follow(contracts::kDeviceInfoBucket, op::Source::DeviceInfo);
    follow(contracts::kDeviceStateBucket, op::Source::DeviceState);
    follow(contracts::kDeviceHeartbeatBucket, op::Source::DeviceHeartbeat);
}

// The queue of the core thread: what is posted first is handled first, a moment later.
void OperatorNode::post(Life& life, op::OperatorEvent event, bool quiet) {
    life.process.later(300, [this, &life, quiet, event = std::move(event)]() mutable {
        life.process.crash_point();
        life.logic->handle(std::move(event), wall());
        if (!quiet) life.tick_interval = kDenseTicks;
        turn_soon(life);
    });
}

void OperatorNode::turn_soon(Life& life) {
    if (std::exchange(life.turn_waits, true)) return;
    life.process.later(broker_.random().between(500, 20 * kMillisecond), [this, &life] {
        life.turn_waits = false;
        turn(life);
    });
}

void OperatorNode::turn(Life& life) {
    life.process.crash_point();
    life.logic->advance(wall());
    if (observer_) observer_(life.logic->reducer());
}

void OperatorNode::tick_later(Life& life) {
    life.process.later(life.tick_interval, [this, &life] {
        life.tick_interval = std::min(2 * life.tick_interval, kSparseTicks);
        turn(life);
        tick_later(life);
    });
}

void OperatorNode::died() {
    broker_.history().add(Happened::Died, name());
    life_.reset();
    come_back_later();
}

void OperatorNode::step_clock(Micros by) {
    clock_offset_ += by;
    broker_.history().add(Happened::ClockStepped, name(), std::to_string(by / kSecond) + " s");
}

}  // namespace harmony::simulation
