// The operator's logic without threads and without a broker, on a real store.
#include "harmony/operator/operator_logic.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <random>

#include "fleet_builders.hpp"
#include "harmony/contracts/canonical_json.hpp"
#include "harmony/contracts/kv.hpp"
#include "harmony/operator/sqlite_resource_store.hpp"

using namespace harmony::op;
using namespace harmony::op::testing;
namespace contracts = harmony::contracts;

namespace {

struct Directory {
    std::filesystem::path path;
    Directory() {
        std::string pattern = (std::filesystem::temp_directory_path() / "harmony-logic-XXXXXX").string();
        REQUIRE(mkdtemp(pattern.data()) != nullptr);
        path = pattern;
    }
    ~Directory() { std::filesystem::remove_all(path); }
    std::string file() const { return (path / "resources.sqlite").string(); }
};

// Writes to a bucket that may be another operator's too.
class BucketWriter final : public DesiredWriter {
 public:
    explicit BucketWriter(FakeBucket& bucket) : bucket_(bucket) {}
    void write(WriteBatchAction batch) override {
        if (before_write) std::exchange(before_write, nullptr)();
        const bool arrives = loses == 0 || loses-- == 0;
        if (arrives) consistent = bucket_.apply(batch) && consistent;
        done.push_back({batch.number, arrives});
    }
    void load() override { load_wanted = true; }
    void ensure_buckets() override {}
    void check(std::uint64_t) override {}
    void stop() override {}

    std::vector<BatchDone> done;
    bool load_wanted = false;
    bool consistent = true;
    int loses = 0;                       // so many batches
    std::function<void()> before_write;  // once: what happens in the middle of the logic's next turn

 private:
    FakeBucket& bucket_;
};

struct Operator {
    Operator(const Directory& directory, FakeBucket& shared, contracts::Timestamp now)
        : bucket(shared), writer(shared) {
        auto store = open_sqlite_resource_store(directory.file());
        if (!store) FAIL(store.error().text());
        OperatorPorts ports;
        ports.reply = [this](const std::string&, std::string payload) { reply = std::move(payload); };
        ports.look_up = [](LookupJob) { return true; };
        ports.connected = [] { return true; };
        logic = std::make_unique<OperatorLogic>(std::move(*store), OperatorOptions{"fleet", "1", {}},
                                                std::move(ports), health, metrics, now);
        logic->set_writer(writer);
        REQUIRE(logic->restore(now));
    }
    void caught_up(Source source, contracts::Timestamp now) { logic->handle(CaughtUp{source}, now); }
    void all_caught_up(contracts::Timestamp now) {
        for (const auto source : {Source::DeviceInfo, Source::DeviceState, Source::DeviceHeartbeat})
            caught_up(source, now);
    }
    // One turn, with what the writer says meanwhile.
    void turn(contracts::Timestamp now) {
        logic->advance(now);
        if (std::exchange(writer.load_wanted, false)) {
            SnapshotChunk chunk;
            for (const auto& [key, value] : bucket.values)
                chunk.entries.push_back({key, contracts::fnv1a64(value)});
            logic->handle(Event(SnapshotBegan{}), now);
            logic->handle(Event(std::move(chunk)), now);
            logic->handle(Event(SnapshotEnded{}), now);
            logic->handle(BucketLoaded{}, now);
        }
        for (const BatchDone& done : std::exchange(writer.done, {}))
            logic->handle(done, now);
    }
    void ask(std::string_view subject, std::string payload, contracts::Timestamp now) {
        harmony::runtime::nats::Message request;
        request.subject = subject;
        request.payload = std::move(payload);
        request.reply = "reply";
        logic->handle(std::move(request), now);
        const auto refused = contracts::find_remote_error(reply);
        if (!refused || *refused) FAIL(reply);
    }
    void apply(const contracts::Deployment& document, contracts::Timestamp now) {
        ask(contracts::kDeploymentsApply, contracts::ApplyRequest{document, false}.encode(), now);
    }
    void remove(const std::string& deployment, contracts::Timestamp now) {
        ask(contracts::kDeploymentsDelete, contracts::NameRequest{deployment}.encode(), now);
    }
    // Until nothing is left to do, as far as this one knows.
    void turns(contracts::Timestamp now) {
        for (int turns = 0; turns < 5; ++turns)
            turn(now);
        REQUIRE(logic->settled());
    }

    FakeBucket& bucket;
    harmony::runtime::daemon::HealthRegistry health;
    harmony::runtime::daemon::MetricsRegistry metrics;
    BucketWriter writer;
    std::string reply;
    std::unique_ptr<OperatorLogic> logic;
};

contracts::DeviceInfo info(const std::string& id) {
    contracts::DeviceInfo result;
    result.device_id = device_id(id);
    result.agent_version = "0.1.0";
    return result;
}

contracts::Deployment web(int image) {
    auto document = deployment("web", selector({}), "img:" + std::to_string(image));
    document.spec.rollout = contracts::Rolling{{2, false}, std::chrono::seconds{0}, {0, false}};
    return document;
}

// Two operators on one store and one bucket, and devices whose words reach each of them in its own time.
class Twins {
 public:
    explicit Twins(std::uint32_t seed) : random_(seed) {
        for (int number = 0; number < kDevices; ++number)
            runs_["d" + std::to_string(number)] = 0;
        for (auto& one : operators_) {
            one = std::make_unique<Operator>(directory_, bucket_, now());
            for (const auto& [device, image] : runs_)
                one->logic->handle(info(device), now());
            one->all_caught_up(now());
        }
        operators_[0]->apply(web(1), now());
    }

    void step() {
        time_ += 0.05;
        const std::size_t which = pick(2);
        Operator& one = *operators_[which];
        deliver(which);
        one.turn(now());
        REQUIRE(one.writer.consistent);
        look();
        if (pick(3) == 0) arrive();
        if (pick(40) == 0) {
            for (std::size_t other = 0; other < 2; ++other) {
                for (const auto& [device, image] : runs_)
                    tell(other, HeartbeatSeen{device_id(device), digest(image), now()});
            }
        }
        if (pick(300) == 0) restart(which);
    }
    void change(int image) { operators_[pick(2)]->apply(web(image), now()); }
    bool all_run(int image) const {
        return std::all_of(runs_.begin(), runs_.end(),
                           [&](const auto& runs) { return runs.second == image; });
    }

    std::size_t most_updating = 0;

 private:
    static constexpr int kDevices = 9;

    contracts::Timestamp now() const { return at(time_); }
    std::size_t pick(std::uint32_t count) { return random_() % count; }
    static std::string digest(int image) {
        if (image == 0) return contracts::desired_digest({});
        return contracts::desired_digest(
            {{deployment_name("web"), score("img:" + std::to_string(image)).hash()}});
    }
    void tell(std::size_t which, Event event) { waiting_[which].push_back(std::move(event)); }
    void deliver(std::size_t which) {
        for (std::size_t count = pick(3); count > 0 && !waiting_[which].empty(); --count) {
            operators_[which]->logic->handle(std::move(waiting_[which].front()), now());
            waiting_[which].pop_front();
        }
    }
    // What the bucket tells each device.
    void look() {
        for (auto& [device, image] : runs_) {
            const auto key = bucket_.values.find(device + ".web");
            if (key == bucket_.values.end()) continue;
            const int told = std::stoi(key->second.substr(key->second.find("img:") + 4));
            REQUIRE(told >= told_[device]);
            told_[device] = told;
        }
        std::size_t updating = 0;
        for (const auto& [device, image] : runs_)
            updating += told_[device] != image ? 1U : 0U;
        most_updating = std::max(most_updating, updating);
    }
    // Some device now runs what it was told, and says so to both.
    void arrive() {
        const std::string device = "d" + std::to_string(pick(kDevices));
        if (told_[device] == runs_[device]) return;
        runs_[device] = told_[device];
        event_ += 1;
        for (std::size_t which = 0; which < 2; ++which)
            tell(which, report(device));
    }
    Event report(const std::string& device) const {
        return StateReported{device_id(device),
                             state("web", contracts::Phase::Running,
                                   score("img:" + std::to_string(runs_.at(device))), at(event_))};
    }
    // It reads everything anew.
    void restart(std::size_t which) {
        waiting_[which].clear();
        operators_[which].reset();
        operators_[which] = std::make_unique<Operator>(directory_, bucket_, now());
        for (const auto& [device, image] : runs_) {
            operators_[which]->logic->handle(info(device), now());
            if (image != 0) operators_[which]->logic->handle(report(device), now());
            operators_[which]->logic->handle(Event(HeartbeatSeen{device_id(device), digest(image), now()}),
                                             now());
        }
        operators_[which]->all_caught_up(now());
    }

    std::mt19937 random_;
    double time_ = 1000;
    double event_ = 1;
    Directory directory_;
    FakeBucket bucket_;
    std::unique_ptr<Operator> operators_[2];
    std::deque<Event> waiting_[2];
    std::map<std::string, int> runs_;
    std::map<std::string, int> told_;
};

}  // namespace

TEST_CASE("nothing is read, written or removed before every bucket has told what it holds") {
    const Directory directory;
    FakeBucket bucket;
    const auto now = at(1000);
    Operator one(directory, bucket, now);
    const std::string orphan = score("img:1").encode();
    bucket.values = {
        {"late._index", R"({"deployments":["web"]})"}, {"late.web", orphan}, {"ghost.web", orphan}};
    const auto before = bucket.values;
    one.apply(deployment("web", selector({}), "img:1"), now);
    one.caught_up(Source::DeviceState, now);
    one.caught_up(Source::DeviceHeartbeat, now);
    one.turn(now);
    one.turn(now);
    CHECK(bucket.values == before);
    one.logic->handle(info("late"), now);  // the last thing that its bucket tells
    one.caught_up(Source::DeviceInfo, now);
    for (int turns = 0; turns < 3; ++turns)
        one.turn(now);
    CHECK(bucket.values == std::map<std::string, std::string>{{"late._index", R"({"deployments":["web"]})"},
                                                              {"late.web", orphan}});
}

TEST_CASE("what others have stored is taken in only once the devices are known") {
    const Directory directory;
    FakeBucket bucket;
    const auto now = at(1000);
    Operator one(directory, bucket, now);
    Operator other(directory, bucket, now);
    other.apply(deployment("web", selector({}), "img:1"), now);
    one.turn(now);
    CHECK(one.logic->reducer().deployments().empty());
    one.caught_up(Source::DeviceInfo, now);
    one.turn(now);
    CHECK(one.logic->reducer().deployments() == std::vector{deployment_name("web")});
}

TEST_CASE("an operator that starts again keeps the conditions until every bucket has told") {
    const Directory directory;
    FakeBucket bucket;
    const auto conditions = [&] {
        auto store = open_sqlite_resource_store(directory.file());
        REQUIRE(store);
        return (*store)->deployment(deployment_name("web")).value()->conditions;
    };
    const auto told = [&](Operator& one, double seconds) {
        one.logic->handle(info("a"), at(seconds));
        one.logic->handle(Event(HeartbeatSeen{device_id("a"), "", at(seconds)}), at(seconds));
        one.logic->handle(Event(StateReported{device_id("a"), state("web", contracts::Phase::Running,
                                                                    score("img:1"), at(1))}),
                          at(seconds));
        one.all_caught_up(at(seconds));
        one.turns(at(seconds));
    };
    {
        Operator one(directory, bucket, at(1000));
        one.apply(deployment("web", selector({}), "img:1"), at(1000));
        told(one, 1001);
        one.turns(at(1005));
    }
    const auto before = conditions();
    REQUIRE(std::any_of(before.begin(), before.end(), [](const contracts::Condition& condition) {
        return condition.type == contracts::kConditionReady &&
               condition.status == contracts::ConditionStatus::True;
    }));
    Operator again(directory, bucket, at(1010));
    for (const double seconds : {1010, 1012, 1014})
        again.turn(at(seconds));
    CHECK(conditions() == before);
    told(again, 1020);
    again.turns(at(1025));
    CHECK(conditions() == before);
}

TEST_CASE("a device is forgotten once nothing of it is left, whatever the buckets tell meanwhile") {
    const Directory directory;
    FakeBucket bucket;
    const auto now = at(1000);
    const auto started = [&] {
        auto one = std::make_unique<Operator>(directory, bucket, now);
        one->all_caught_up(now);
        return one;
    };
    auto one = started();
    one->logic->handle(info("a"), now);
    one->apply(deployment("web", selector({}), "img:1"), now);
    one->turns(now);
    REQUIRE(bucket.values.size() == 2);
    one->reply.clear();
    harmony::runtime::nats::Message request;
    request.subject = std::string(contracts::kDevicesDelete);
    request.payload = contracts::NameRequest{"a"}.encode();
    request.reply = "reply";
    one->logic->handle(request, now);
    SECTION("a watch that begins anew") {
        one->logic->handle(info("a"), now);
        one->turn(now);
        CHECK(one->reply.empty());
        one->logic->handle(info("a"), now);
        one->turns(now);
        CHECK(contracts::DeleteReply::decode(one->reply)->name == "a");
        CHECK(bucket.values.empty());
        CHECK(bucket.other_deletes.at("device-info/info.a") == 1);
        CHECK(one->logic->reducer().devices().empty());
        one = started();
        CHECK(one->logic->reducer().devices().empty());
        one->logic->handle(info("a"), now);  // it lives, and says so later
        CHECK(one->logic->reducer().devices().size() == 1);
    }
    SECTION("writes that are lost") {
        one->writer.loses = 1;
        one->turn(now);
        one->logic->handle(info("a"), now);
        one->turn(now);
        CHECK(one->reply.empty());
        one->turns(now);
        CHECK(contracts::DeleteReply::decode(one->reply)->name == "a");
        CHECK(bucket.other_deletes.at("device-info/info.a") == 1);
        CHECK(one->logic->reducer().devices().empty());
    }
    SECTION("an operator that ends before") {
        one = started();
        CHECK(one->reply.empty());
        CHECK(one->logic->reducer().devices() == std::vector{device_id("a")});
    }
}

TEST_CASE("a Deployment that another operator has deleted and released is not written any more") {
    const Directory directory;
    FakeBucket bucket;
    const auto now = at(1000);
    Operator one(directory, bucket, now);
    Operator other(directory, bucket, now);
    one.logic->handle(info("a"), now);
    other.logic->handle(info("a"), now);
    one.all_caught_up(now);
    other.all_caught_up(now);
    one.turns(now);
    // It comes through the one's own API, and is gone before the one looks at the store again.
    one.apply(deployment("web", selector({}), "img:1"), now);
    other.turns(now);
    REQUIRE(bucket.values.contains("a.web"));
    other.remove("web", now);
    other.turns(now);
    REQUIRE_FALSE(bucket.values.contains("a.web"));
    REQUIRE(other.logic->reducer().deployments().empty());

    one.turns(now);
    CHECK(one.logic->reducer().deployments().empty());
    one.logic->handle(info("b"), now);
    one.turns(now);
    CHECK(bucket.values == std::map<std::string, std::string>{{"a._index", R"({"deployments":[]})"},
                                                              {"b._index", R"({"deployments":[]})"}});
}

TEST_CASE(
    "a Deployment that is released by another operator and applied anew meanwhile is not released again") {
    const Directory directory;
    FakeBucket bucket;
    const auto now = at(1000);
    Operator one(directory, bucket, now);
    Operator other(directory, bucket, now);
    one.logic->handle(info("a"), now);
    other.logic->handle(info("a"), now);
    one.all_caught_up(now);
    other.all_caught_up(now);
    one.apply(deployment("web", selector({}), "img:1"), now);
    one.turns(now);
    other.turns(now);
    one.remove("web", now);
    one.turn(now);  // its keys go; the next turn would release it
    REQUIRE_FALSE(bucket.values.contains("a.web"));
    REQUIRE(one.logic->reducer().releasable_deployments().size() == 1);

    // In the middle of that turn, after the one has looked at the store.
    one.writer.before_write = [&] {
        other.turns(now);
        REQUIRE(other.logic->reducer().deployments().empty());
        other.apply(deployment("web", selector({}), "img:2"), now);
    };
    one.logic->handle(info("b"), now);
    one.turn(now);
    REQUIRE_FALSE(one.writer.before_write);
    one.turns(now);
    other.turns(now);
    for (const Operator* each : {&one, &other})
        CHECK(each->logic->reducer().deployments() == std::vector{deployment_name("web")});
    CHECK(bucket.values.at("a.web") == score("img:2").encode());
    CHECK(bucket.values.at("b.web") == score("img:2").encode());
}

TEST_CASE("two operators roll out as one: within the limit, and nobody goes back") {
    const auto seed = GENERATE(range(1U, 9U));
    INFO("seed " << seed);
    Twins twins(seed);
    const auto until = [&](int image) {
        for (int steps = 0; steps < 20'000 && !twins.all_run(image); ++steps)
            twins.step();
        return twins.all_run(image);
    };
    REQUIRE(until(1));
    twins.most_updating = 0;
    for (int image = 2; image <= 5; ++image) {
        twins.change(image);
        for (int steps = 0; steps < 150; ++steps)
            twins.step();
    }
    REQUIRE(until(5));
    CHECK(twins.most_updating <= 2);
    CHECK(twins.most_updating > 0);
}
