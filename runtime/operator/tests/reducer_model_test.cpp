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
    std::map<std::string, contracts::Deployment> deployments;
    std::map<std::pair<std::string, std::string>, contracts::DeploymentState> reports;

    // The oldest of the deployments that select these labels.
    std::set<std::string> held_by(const contracts::Labels& labels) const {
        std::vector<std::pair<contracts::Timestamp, std::string>> selecting;
        for (const auto& [name, document] : deployments) {
            if (document.metadata.deletion_timestamp || !document.spec.target_selector.matches(labels))
                continue;
            selecting.emplace_back(document.metadata.creation_timestamp.value(), name);
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
                result[device + "." + name] = deployments.at(name).spec.score.encode();
            }
            result[device + "._index"] = index.encode();
        }
        return result;
    }

    contracts::DeploymentAggregate aggregate(const std::string& name) const {
        contracts::DeploymentAggregate result;
        const auto& document = deployments.at(name);
        if (document.metadata.deletion_timestamp) return result;
        for (const auto& [device, labels] : devices) {
            if (!document.spec.target_selector.matches(labels)) continue;
            ++result.matched_device_count;
            const auto report = reports.find({device, name});
            const bool about = report != reports.end() && held_by(labels).contains(name) &&
                               report->second.score_hash == document.spec.score.hash();
            if (about && report->second.phase == contracts::Phase::Running) ++result.succeeded;
            if (about && report->second.phase == contracts::Phase::Failed) ++result.failed;
        }
        result.pending = result.matched_device_count - result.succeeded - result.failed;
        return result;
    }
};

class Story {
 public:
    Story(std::uint32_t seed, std::size_t max_held)
        : random_(seed), model_{max_held, {}, {}, {}}, reducer_({.max_deployments_per_device = max_held}) {
        bucket_.snapshot_to(reducer_, now());
    }

    void step() {
        ++time_;
        switch (pick(12)) {
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
            default:
                disturb();
        }
    }

    void check() {
        if (!reducer_.in_sync()) bucket_.snapshot_to(reducer_, now());
        REQUIRE(bucket_.settle(reducer_, now()));
        for (const auto& name : reducer_.releasable_deployments()) {
            REQUIRE(model_.deployments.at(name.str()).metadata.deletion_timestamp);
            model_.deployments.erase(name.str());
            reducer_.apply(DeploymentGone{name}, now());
        }
        REQUIRE(bucket_.settle(reducer_, now()));
        REQUIRE(bucket_.values == model_.bucket());
        for (const auto& [name, document] : model_.deployments) {
            auto found = reducer_.aggregate(deployment_name(name));
            const auto wanted = model_.aggregate(name);
            INFO("deployment " << name);
            REQUIRE(found.last_error.has_value() == (wanted.failed > 0));
            found.last_error.reset();
            REQUIRE(found == wanted);
        }
        REQUIRE(reducer_.counts().devices == static_cast<std::int64_t>(model_.devices.size()));
    }

 private:
    contracts::Timestamp now() const { return at(time_); }
    int pick(int count) { return static_cast<int>(random_() % static_cast<std::uint32_t>(count)); }
    std::string device() { return "d" + std::to_string(pick(12)); }
    std::string name() { return "app" + std::to_string(pick(6)); }
    std::string value() { return "v" + std::to_string(pick(3)); }
    std::string key() { return "k" + std::to_string(pick(3)); }
    std::string image() { return "img:" + std::to_string(pick(3)); }

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
        reducer_.apply(DeviceKnown{device_id(id), labels}, now());
    }
    void device_forgotten() {
        const std::string id = device();
        if (model_.devices.erase(id) == 0) return;
        reducer_.apply(DeviceForgotten{device_id(id)}, now());
        // Its report keys go with it; a bucket in doubt may keep them until then.
        if (!reducer_.in_sync()) bucket_.snapshot_to(reducer_, now());
        REQUIRE(bucket_.settle(reducer_, now()));
        std::erase_if(model_.reports, [&](const auto& report) { return report.first.first == id; });
    }
    void deployment_known() {
        const std::string id = name();
        const auto current = model_.deployments.find(id);
        if (current != model_.deployments.end() && current->second.metadata.deletion_timestamp) return;
        auto document = deployment(id, random_selector(), image());
        document.metadata.creation_timestamp =
            current == model_.deployments.end() ? now() : current->second.metadata.creation_timestamp;
        if (current != model_.deployments.end() && pick(2) == 0) {
            document.spec.target_selector = current->second.spec.target_selector;
        }
        model_.deployments[id] = document;
        reducer_.apply(known(document), now());
    }
    void deployment_deleted() {
        const auto found = model_.deployments.find(name());
        if (found == model_.deployments.end()) return;
        found->second.metadata.deletion_timestamp = now();
        reducer_.apply(known(found->second), now());
    }
    void reported() {
        const std::string id = device();
        const std::string about = name();
        if (pick(5) == 0) {
            model_.reports.erase({id, about});
            reducer_.apply(StateWithdrawn{device_id(id), deployment_name(about)}, now());
            return;
        }
        const auto report =
            state(about, static_cast<contracts::Phase>(pick(3)), score(image()), now(), "reason");
        model_.reports[{id, about}] = report;
        reducer_.apply(StateReported{device_id(id), report}, now());
    }
    void write_some() {
        const auto batch = reducer_.take_writes(static_cast<std::size_t>(1 + pick(4)), now());
        if (batch.writes.empty()) return;
        if (pick(4) == 0) {
            reducer_.apply(BucketUncertain{}, now());  // and the batch never arrived
            return;
        }
        REQUIRE(bucket_.apply(batch));
        reducer_.apply(WritesAcknowledged{batch.number}, now());
    }
    void disturb() {
        switch (pick(4)) {
            case 0:
                bucket_.values.clear();
                reducer_.apply(BucketUncertain{}, now());
                break;
            case 1:
                bucket_.snapshot_to(reducer_, now());
                break;
            case 2:
                reducer_.apply(StateReplayBegan{}, now());
                for (const auto& [where, report] : model_.reports) {
                    reducer_.apply(StateReported{device_id(where.first), report}, now());
                }
                reducer_.apply(StateReplayEnded{}, now());
                break;
            default:
                reducer_.apply(HeartbeatSeen{device_id(device()), "0123456789abcdef", now()}, now());
                time_ += pick(200);
                reducer_.apply(Tick{}, now());
        }
    }

    std::mt19937 random_;
    double time_ = 1'000;
    Model model_;
    Reducer reducer_;
    FakeBucket bucket_;
};

}  // namespace

TEST_CASE("after any history the reducer agrees with a recomputation from nothing") {
    const auto seed = GENERATE(range(1U, 13U));
    INFO("seed " << seed);
    const std::size_t max_held = seed % 2 == 0 ? contracts::kMaxDeploymentsPerDevice : 2;
    Story story(seed, max_held);
    for (int step = 0; step < 3'000; ++step) {
        story.step();
        if (step % 25 == 0) story.check();
    }
    story.check();
}
