// Thousands of random facts, and after each handful the reducer must agree with a model that recomputes
// everything from nothing.
#include <algorithm>
#include <catch2/catch.hpp>
#include <random>
#include <set>

#include "fleet_builders.hpp"
#include "harmony/operator/reducer.hpp"

using namespace harmony::op;
using namespace harmony::op::testing;
namespace contracts = harmony::contracts;

namespace {

struct Model {
    std::size_t max_held;
    std::map<std::string, contracts::Labels> devices;
    std::map<std::string, FakeRollouts> deployments;
    std::map<std::string, double> heartbeats;
    // Whose place in a rollout is decided: by deployment.
    std::map<std::string, std::set<std::string>> members;
    std::map<std::pair<std::string, std::string>, contracts::DeploymentState> reports;

    // The oldest of the deployments that select these labels.
    std::set<std::string> held_by(const contracts::Labels& labels) const {
        std::vector<std::pair<contracts::Timestamp, std::string>> selecting;
        for (const auto& [name, stored] : deployments) {
            if (stored.document.metadata.deletion_timestamp || !stored.active ||
                !stored.active->target_selector.matches(labels))
                continue;
            selecting.emplace_back(stored.document.metadata.creation_timestamp.value(), name);
        }
        std::sort(selecting.begin(), selecting.end());
        std::set<std::string> held;
        for (const auto& [created, name] : selecting) {
            if (held.size() < max_held) held.insert(name);
        }
        return held;
    }

    std::map<std::string, std::string> bucket() const {
        std::map<std::string, std::string> result;
        for (const auto& [device, labels] : devices) {
            contracts::DesiredIndex index;
            for (const auto& name : held_by(labels)) {
                index.deployments.push_back(deployment_name(name));
                result[device + "." + name] = deployments.at(name).held(device).encode();
            }
            result[device + "._index"] = index.encode();
        }
        return result;
    }

    contracts::DeploymentAggregate aggregate(const std::string& name) const {
        contracts::DeploymentAggregate result;
        const FakeRollouts& stored = deployments.at(name);
        if (stored.document.metadata.deletion_timestamp || !stored.active) return result;
        for (const auto& [device, labels] : devices) {
            if (!stored.active->target_selector.matches(labels)) continue;
            ++result.matched_device_count;
            const auto report = reports.find({device, name});
            const bool about = report != reports.end() && held_by(labels).contains(name) &&
                               members.at(name).contains(device) &&
                               stored.held(device) == stored.active->score &&
                               report->second.score_hash == stored.active->score.hash();
            if (about && report->second.phase == contracts::Phase::Running) ++result.succeeded;
            if (about && report->second.phase == contracts::Phase::Failed) ++result.failed;
        }
        result.pending = result.matched_device_count - result.succeeded - result.failed;
        return result;
    }

    // One that begins to hold a deployment in the middle of a rollout is no member until that is stored.
    void follow_members() {
        for (const auto& [name, stored] : deployments) {
            std::set<std::string> targets;
            for (const auto& [device, labels] : devices) {
                if (held_by(labels).contains(name)) targets.insert(device);
            }
            auto& decided = members[name];
            if (!stored.record.in_progress()) decided = targets;
            std::erase_if(decided, [&](const auto& device) { return !targets.contains(device); });
        }
    }

    struct Place {
        bool decided, updated, online, reported, running, failed;
        bool given;        // an older score, by this rollout
        bool failed_held;  // with what it is to hold
    };
    // Where every target is, by device.
    std::map<std::string, Place> places(const std::string& name, double now) const {
        std::map<std::string, Place> result;
        const FakeRollouts& stored = deployments.at(name);
        for (const auto& [device, labels] : devices) {
            if (!held_by(labels).contains(name)) continue;
            const auto beat = heartbeats.find(device);
            const auto report = reports.find({device, name});
            const auto held = stored.held(device);
            Place place{};
            place.decided = members.at(name).contains(device);
            place.updated = place.decided && held == stored.active->score;
            place.online = beat != heartbeats.end() && beat->second + 90 > now;
            place.reported = report != reports.end();
            const bool about = place.decided && place.reported && report->second.score_hash == held.hash();
            place.running = about && report->second.phase == contracts::Phase::Running;
            place.failed_held = about && report->second.phase == contracts::Phase::Failed;
            place.failed = place.updated && place.failed_held;
            place.given = place.decided && !place.updated && hash_of(held) != stored.record.base;
            result[device] = place;
        }
        return result;
    }
};

// What a rollout may do next, recomputed.
struct Allowance {
    std::int64_t limit = 0, unavailable = 0, in_flight = 0;
    bool stopped = false;
    std::vector<std::string> available, broken, overtaken, overtaken_failed;  // not updated, by id

    Allowance(const std::map<std::string, Model::Place>& places, const FakeRollouts& stored) {
        const auto& rolling = std::get<contracts::Rolling>(stored.active->rollout);
        const auto matched = static_cast<std::int64_t>(places.size());
        std::int64_t failed = 0;
        for (const auto& [device, place] : places) {
            const bool is_available = place.running && place.online;
            unavailable += is_available ? 0 : 1;
            in_flight += (place.updated || place.given) && !place.running ? 1 : 0;
            failed += place.failed ? 1 : 0;
            if (!place.decided || place.updated) continue;
            if (is_available) available.push_back(device);
            if (!place.online || !place.reported || place.running) continue;
            (place.given ? overtaken : broken).push_back(device);
            if (place.given && place.failed_held) overtaken_failed.push_back(device);
        }
        limit = std::max<std::int64_t>(1, rolling.max_unavailable.of(matched));
        if (in_flight > limit) overtaken = overtaken_failed;
        stopped = stored.document.spec.paused || failed > rolling.max_failures.of(matched);
    }
    bool may_go() const {
        return !stopped && ((!available.empty() && unavailable < limit) ||
                            (!broken.empty() && in_flight < limit) || !overtaken.empty());
    }
};

class Story {
 public:
    Story(std::uint32_t seed, std::size_t max_held) : random_(seed), model_{max_held, {}, {}, {}, {}, {}} {
        start();
        bucket_.snapshot_to(*reducer_, now());
    }

    void step() {
        ++time_;
        happen();
        model_.follow_members();
    }

    [[nodiscard]] std::size_t steps() const { return steps_; }

    void check() {
        tell(Tick{});
        if (!reducer_->in_sync()) bucket_.snapshot_to(*reducer_, now());
        roll();
        REQUIRE(bucket_.settle(*reducer_, now()));
        for (const auto& name : reducer_->releasable_deployments()) {
            REQUIRE(model_.deployments.at(name.str()).document.metadata.deletion_timestamp);
            model_.deployments.erase(name.str());
            model_.members.erase(name.str());
            tell(DeploymentGone{name});
        }
        model_.follow_members();
        roll();
        REQUIRE(bucket_.settle(*reducer_, now()));
        REQUIRE(bucket_.values == model_.bucket());
        for (const auto& [name, stored] : model_.deployments) {
            auto found = reducer_->aggregate(deployment_name(name));
            const auto wanted = model_.aggregate(name);
            INFO("deployment " << name);
            REQUIRE(found.last_error.has_value() == (wanted.failed > 0));
            found.last_error.reset();
            REQUIRE(found == wanted);
        }
        REQUIRE(reducer_->counts().devices == static_cast<std::int64_t>(model_.devices.size()));
    }

 private:
    void happen() {
        switch (pick(16)) {
            case 0:
            case 1:
            case 2:
                device_known();
                break;
            case 3:
                device_forgotten();
                break;
            case 4:
            case 5:
                deployment_known();
                break;
            case 6:
                deployment_deleted();
                break;
            case 7:
            case 8:
            case 9:
                reported();
                break;
            case 10:
                write_some();
                break;
            case 11:
            case 12:
            case 13:
            case 14:
                heartbeats(4);
                break;
            default:
                disturb();
        }
    }

    contracts::Timestamp now() const { return at(time_); }
    int pick(int count) { return static_cast<int>(random_() % static_cast<std::uint32_t>(count)); }
    std::string device() { return "d" + std::to_string(pick(12)); }
    std::string name() { return "app" + std::to_string(pick(6)); }
    std::string value() { return "v" + std::to_string(pick(3)); }
    std::string key() { return "k" + std::to_string(pick(3)); }
    std::string image() { return "img:" + std::to_string(pick(3)); }

    void tell(const Event& event) { reducer_->apply(event, now()); }
    void start() {
        ReducerOptions options;
        options.max_deployments_per_device = model_.max_held;
        reducer_ = std::make_unique<Reducer>(options);
    }
    // Everything from the store and the buckets.
    void restart() {
        start();
        for (const auto& [id, labels] : model_.devices)
            tell(DeviceKnown{device_id(id), labels});
        for (const auto& [name, stored] : model_.deployments) {
            tell(stored.known());
            tell(stored.rollout());
            model_.members[name].clear();
            for (const auto& [id, labels] : model_.devices)
                model_.members[name].insert(id);
        }
        model_.follow_members();
        for (const auto& [id, when] : model_.heartbeats)
            tell(HeartbeatSeen{device_id(id), "0123456789abcdef", at(when)});
        replay();
        bucket_.snapshot_to(*reducer_, now());
    }
    void replay() {
        tell(StateReplayBegan{});
        for (const auto& [where, report] : model_.reports)
            tell(StateReported{device_id(where.first), report});
        tell(StateReplayEnded{});
    }

    // Steps until there are none; each is looked at, and some are lost before they are stored.
    void roll() {
        for (;;) {
            const auto steps = reducer_->take_rollout_steps(static_cast<std::size_t>(1 + pick(4)), now());
            if (steps.empty()) break;
            for (const RolloutStep& step : steps) {
                const std::string name = step.deployment.str();
                INFO("deployment " << name);
                verify(step, model_.deployments.at(name));
                if (pick(8) == 0) continue;
                tell(model_.deployments.at(name).commit(step));
                for (const auto& device : step.devices)
                    model_.members[name].insert(device.str());
                ++steps_;
            }
        }
        for (const auto& [name, stored] : model_.deployments) {
            if (stored.document.metadata.deletion_timestamp || !stored.record.in_progress()) continue;
            INFO("deployment " << name);
            REQUIRE_FALSE(Allowance(model_.places(name, time_), stored).may_go());
        }
    }

    void verify(const RolloutStep& step, const FakeRollouts& stored) const {
        const auto places = model_.places(step.deployment.str(), time_);
        REQUIRE(step.score == hash_of(stored.active->score));
        const Allowance allowed(places, stored);
        if (step.finished) {
            for (const auto& [device, place] : places)
                REQUIRE((place.updated && place.running));
            return;
        }
        std::vector<std::string> available;
        std::vector<std::string> broken;
        std::vector<std::string> overtaken;
        for (const auto& device : step.devices) {
            const Model::Place& place = places.at(device.str());
            if (!place.decided) continue;  // joins
            REQUIRE_FALSE(place.updated);
            REQUIRE((place.online && place.reported));
            (place.running ? available : place.given ? overtaken : broken).push_back(device.str());
        }
        const auto taken = static_cast<std::int64_t>(available.size() + broken.size());
        REQUIRE((overtaken.empty() || !allowed.stopped));
        REQUIRE(overtaken.size() <= allowed.overtaken.size());
        REQUIRE(std::equal(overtaken.begin(), overtaken.end(), allowed.overtaken.begin()));
        if (taken == 0) return;
        REQUIRE_FALSE(allowed.stopped);
        REQUIRE(allowed.in_flight + taken <= allowed.limit);
        REQUIRE((available.empty() ||
                 allowed.unavailable + static_cast<std::int64_t>(available.size()) <= allowed.limit));
        REQUIRE(std::equal(available.begin(), available.end(), allowed.available.begin()));
        REQUIRE(std::equal(broken.begin(), broken.end(), allowed.broken.begin()));
    }

    contracts::RolloutStrategy random_strategy() {
        if (pick(3) == 0) return contracts::AllAtOnce{};
        return contracts::Rolling{{1 + pick(3), false}, std::chrono::seconds{0}, {pick(3), false}};
    }

    contracts::LabelSelector random_selector() {
        contracts::LabelSelector result;
        if (pick(3) == 0) result.match_labels[key()] = value();
        for (int more = pick(3); more > 0; --more) {
            const auto op = static_cast<contracts::SelectorOperator>(pick(4));
            const bool listed =
                op == contracts::SelectorOperator::In || op == contracts::SelectorOperator::NotIn;
            result.match_expressions.push_back(
                {key(), op, listed ? std::vector{value(), value()} : std::vector<std::string>{}});
        }
        return result;
    }

    void device_known() {
        contracts::Labels labels;
        for (int more = pick(4); more > 0; --more)
            labels[key()] = value();
        const std::string id = device();
        model_.devices[id] = labels;
        tell(DeviceKnown{device_id(id), labels});
    }
    void device_forgotten() {
        const std::string id = device();
        if (model_.devices.erase(id) == 0) return;
        model_.heartbeats.erase(id);
        tell(DeviceForgotten{device_id(id)});
        model_.follow_members();
        // Its report keys go with it; a bucket in doubt may keep them until then.
        if (!reducer_->in_sync()) bucket_.snapshot_to(*reducer_, now());
        if (pick(3) == 0) {
            const auto lost = reducer_->take_writes(1'000, now());
            tell(BucketUncertain{});
            REQUIRE(reducer_->releasable_devices().empty());
            bucket_.snapshot_to(*reducer_, now());
        }
        REQUIRE(bucket_.settle(*reducer_, now()));
        REQUIRE(reducer_->releasable_devices() == std::vector{device_id(id)});
        tell(DeviceGone{device_id(id)});
        REQUIRE(bucket_.settle(*reducer_, now()));
        std::erase_if(model_.reports, [&](const auto& report) { return report.first.first == id; });
    }
    void deployment_known() {
        const std::string id = name();
        const auto current = model_.deployments.find(id);
        const bool known = current != model_.deployments.end();
        if (known && current->second.document.metadata.deletion_timestamp) return;
        auto document = deployment(id, random_selector(), image());
        document.metadata.creation_timestamp =
            known ? current->second.document.metadata.creation_timestamp : now();
        document.spec.rollout = random_strategy();
        document.spec.paused = pick(6) == 0;
        if (known && pick(4) != 0) {
            document.spec.target_selector = current->second.document.spec.target_selector;
        }
        tell(model_.deployments[id].apply(document));
    }
    void deployment_deleted() {
        const auto found = model_.deployments.find(name());
        if (found == model_.deployments.end()) return;
        found->second.document.metadata.deletion_timestamp = now();
        tell(found->second.known());
    }
    void reported() {
        const std::string id = device();
        const std::string about = name();
        if (pick(5) == 0) {
            model_.reports.erase({id, about});
            tell(StateWithdrawn{device_id(id), deployment_name(about)});
            return;
        }
        const auto phase = pick(2) == 0 ? contracts::Phase::Running : static_cast<contracts::Phase>(pick(3));
        // Half of the devices tell of what they are to hold.
        const auto stored = model_.deployments.find(about);
        const bool knows = stored != model_.deployments.end() && stored->second.active && pick(2) == 0;
        const auto report =
            state(about, phase, knows ? stored->second.held(id) : score(image()), now(), "reason");
        model_.reports[{id, about}] = report;
        tell(StateReported{device_id(id), report});
    }
    void write_some() {
        const auto batch = reducer_->take_writes(static_cast<std::size_t>(1 + pick(4)), now());
        if (batch.writes.empty()) return;
        if (pick(4) == 0) {
            tell(BucketUncertain{});  // and the batch never arrived
            return;
        }
        REQUIRE(bucket_.apply(batch));
        tell(WritesAcknowledged{batch.number});
    }
    void heartbeats(int count) {
        for (; count > 0; --count) {
            const std::string id = device();
            model_.heartbeats[id] = time_;
            tell(HeartbeatSeen{device_id(id), "0123456789abcdef", now()});
        }
    }
    void disturb() {
        switch (pick(8)) {
            case 0:
                bucket_.values.clear();
                tell(BucketUncertain{});
                break;
            case 1:
                bucket_.snapshot_to(*reducer_, now());
                break;
            case 2:
                replay();
                break;
            case 3:
                restart();
                break;
            default:
                heartbeats(1);
                time_ += pick(40);
                tell(Tick{});
        }
    }

    std::mt19937 random_;
    double time_ = 1'000;
    Model model_;
    std::unique_ptr<Reducer> reducer_;
    FakeBucket bucket_;
    std::size_t steps_ = 0;
};

}  // namespace

TEST_CASE("after any history the reducer agrees with a recomputation from nothing") {
    const auto seed = GENERATE(range(1U, 25U));
    INFO("seed " << seed);
    const std::size_t max_held = seed % 2 == 0 ? contracts::kMaxDeploymentsPerDevice : 2;
    Story story(seed, max_held);
    for (int step = 0; step < 3'000; ++step) {
        story.step();
        if (step % 25 == 0) story.check();
    }
    story.check();
    CHECK(story.steps() > 50);
}
