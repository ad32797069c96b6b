#include <map>

#include "harmony/contracts/kv.hpp"
#include "operator_scenarios.hpp"

namespace harmony::fleet_e2e {

namespace {

constexpr int kDevices = 2;
constexpr int kDeployments = 40;
constexpr int kKills = 4;
constexpr milliseconds kConverged = 30s;

using Keys = std::map<std::string, std::string>;

contracts::PodmanV0 score_of(int number) {
    auto score = one_service("localhost/no-device-runs-this:1");
    score.services.front().env["NUMBER"] = std::to_string(number);
    return score;
}

std::string name_of(int number) {
    return "load-" + std::to_string(number);
}

// What the resources mean: half of the Deployments are for every device, half for the first.
Keys wanted(const Fleet& fleet, int deployments) {
    Keys keys;
    std::vector<contracts::DesiredIndex> indexes(kDevices);
    for (int number = 0; number < deployments; ++number) {
        const auto name =
            contracts::DeploymentName::parse(name_of(number)).value_or(contracts::DeploymentName());
        for (int i = 0; i < kDevices; ++i) {
            if (i > 0 && number % 2 == 1) continue;
            keys[contracts::desired_state_key(fleet.device(i), name)] = score_of(number).to_score().encode();
            indexes[static_cast<std::size_t>(i)].deployments.push_back(name);
        }
    }
    for (int i = 0; i < kDevices; ++i) {
        auto index = contracts::DesiredIndex::decode(indexes[static_cast<std::size_t>(i)].encode());
        keys[contracts::desired_index_key(fleet.device(i))] = index ? index->encode() : "";
    }
    return keys;
}

std::string desired_state_is(Fleet& fleet, const Keys& expected) {
    const auto entries = fleet.bucket(contracts::kDesiredStateBucket).load();
    if (!entries) return entries.error().text();
    Keys found;
    for (const auto& entry : *entries)
        found[entry.key] = entry.value;
    for (const auto& [key, value] : expected) {
        const auto there = found.find(key);
        if (there == found.end()) return "the key " + key + " is missing";
        if (there->second != value) return "the key " + key + " has another value";
    }
    for (const auto& [key, value] : found)
        if (!expected.contains(key)) return "the key " + key + " is an orphan";
    return "";
}

Result<void> converges(Fleet& fleet, int deployments) {
    const Keys expected = wanted(fleet, deployments);
    return fleet.eventually(kConverged, [&]() -> std::string {
        if (auto found = desired_state_is(fleet, expected); !found.empty()) return found;
        for (int i = 0; i < kDevices; ++i)
            if (auto found = fleet.is_online(i); !found.empty()) return found;
        return "";
    });
}

// Of an operator that may be away: goes on until it is taken.
Result<void> deploy_at_last(Fleet& fleet, int number) {
    return fleet.eventually(kConverged, [&]() -> std::string {
        const auto done = fleet.deploy(name_of(number), number % 2 == 1 ? "a" : "", score_of(number));
        return done ? "" : done.error().summary;
    });
}

Result<void> deploy_range(Fleet& fleet, int first, int last) {
    for (int number = first; number < last; ++number) {
        if (auto done = deploy_at_last(fleet, number); !done) return done;
    }
    return {};
}

Result<void> while_stopped(Fleet& fleet, const std::function<Result<void>()>& body) {
    if (auto stopped = fleet.host().stop(kOperatorDaemon); !stopped) return stopped;
    if (auto done = body(); !done) return done;
    return fleet.host().start(kOperatorDaemon);
}

Result<void> lose_buckets(Fleet& fleet) {
    return while_stopped(fleet, [&]() -> Result<void> {
        for (const auto name : contracts::kBuckets) {
            if (auto lost = runtime::nats::delete_bucket(fleet.connection(), name, 5s); !lost)
                return failed(lost.error());
        }
        return {};
    });
}

Result<void> plant_orphans(Fleet& fleet) {
    return while_stopped(fleet, [&]() -> Result<void> {
        auto bucket = fleet.bucket(contracts::kDesiredStateBucket);
        const std::string value = score_of(0).to_score().encode();
        for (const std::string& device : {fleet.device(0).str(), fleet.device(0).str() + "-ghost"}) {
            if (auto put = bucket.put(device + ".orphan", value); !put) return failed(put.error());
        }
        return {};
    });
}

Result<void> kill_under_load(Fleet& fleet) {
    for (int kill = 0; kill < kKills; ++kill) {
        const int half = kDeployments / 2 / kKills;
        const int first = kDeployments / 2 + kill * half;
        if (auto done = deploy_range(fleet, first, first + half / 2); !done) return done;
        if (auto sent = fleet.host().kill(kOperatorDaemon); !sent) return sent;
        if (auto done = deploy_range(fleet, first + half / 2, first + half); !done) return done;
    }
    return {};
}

Result<void> run_two(Fleet& fleet) {
    if (auto added = fleet.host().add_operator(); !added) return added;
    const Keys expected = wanted(fleet, kDeployments);
    auto harmless = fleet.throughout(4s, [&] { return desired_state_is(fleet, expected); });
    auto removed = fleet.host().remove_second_operator();
    return harmless ? removed : harmless;
}

}  // namespace

Result<void> OperatorRecoveryScenario::run(Run& run) {
    return on_a_fleet(run, {.devices = kDevices}, [](Fleet& fleet) {
        constexpr int kHalf = kDeployments / 2;
        return fleet.steps(
            {{"Deployments are applied", [&] { return deploy_range(fleet, 0, kHalf); }},
             {"the desired state is what they say", [&] { return converges(fleet, kHalf); }},
             {"the operator is stopped, every bucket is lost, and it is started",
              [&] { return lose_buckets(fleet); }},
             {"converged after a cold restart", [&] { return converges(fleet, kHalf); }},
             {"orphans are planted while it is stopped", [&] { return plant_orphans(fleet); }},
             {"converged without the orphans", [&] { return converges(fleet, kHalf); }},
             {"the operator is killed while Deployments are applied", [&] { return kill_under_load(fleet); }},
             {"converged after kills under load", [&] { return converges(fleet, kDeployments); }},
             {"a second operator changes nothing", [&] { return run_two(fleet); }}});
    });
}

}  // namespace harmony::fleet_e2e
