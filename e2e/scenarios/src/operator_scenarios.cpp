#include "operator_scenarios.hpp"

#include <algorithm>

#include "harmony/contracts/desired_state.hpp"
#include "harmony/contracts/kv.hpp"

namespace harmony::fleet_e2e {

namespace {

constexpr const char* kImage = "localhost/no-device-runs-this:1";
constexpr const char* kName = "hello";

std::string index_lists(Fleet& fleet, const std::string& name, bool expected) {
    const auto entry =
        fleet.bucket(contracts::kDesiredStateBucket).get(contracts::desired_index_key(fleet.device(0)));
    if (!entry) return entry.error().text();
    const std::string index = *entry ? (*entry)->value : "";
    if ((index.find('"' + name + '"') != std::string::npos) == expected) return "";
    return "the index is " + (index.empty() ? "not there" : index);
}

// On a cluster the operator adds it to what the API server has taken.
Result<void> has_finalizer(Fleet& fleet) {
    return fleet.eventually([&]() -> std::string {
        const auto stored = fleet.api().deployment(kName);
        if (!stored) return stored.error().text();
        const auto& finalizers = stored->metadata.finalizers;
        if (std::ranges::find(finalizers, contracts::kFinalizer) != finalizers.end()) return "";
        return "the stored Deployment does not carry " + std::string(contracts::kFinalizer);
    });
}

// With no containers to run, the device says so.
Result<void> is_reported(Fleet& fleet, const std::string& name) {
    return fleet.eventually(
        [&] { return fleet.counts_are(name, "1 matched, 0 succeeded, 1 failed, 0 pending"); });
}

Result<void> desired_comes(Fleet& fleet, const std::string& name) {
    const std::string value = one_service(kImage).to_score().encode();
    return fleet.eventually([&] { return fleet.desired_is(0, name, value); });
}

Result<void> stop_and_start(Fleet& fleet) {
    if (auto stopped = fleet.host().stop(kOperatorDaemon); !stopped) return stopped;
    if (const auto answer = fleet.api().status(); answer) return failed("the stopped operator answers");
    return fleet.host().start(kOperatorDaemon);
}

Result<void> goes_on(Fleet& fleet, const std::string& later) {
    if (auto kept = desired_comes(fleet, kName); !kept) return kept;
    if (const auto stored = fleet.api().deployment(kName); !stored) return failed(stored.error());
    if (auto done = fleet.deploy(later, "", one_service(kImage)); !done) return done;
    if (auto done = desired_comes(fleet, later); !done) return done;
    return is_reported(fleet, later);
}

}  // namespace

Result<void> OperatorScenario::run(Run& run) {
    return on_a_fleet(run, {}, [](Fleet& fleet) {
        return fleet.steps(
            {{"a Deployment is applied", [&] { return fleet.deploy(kName, "a", one_service(kImage)); }},
             {"it carries the finalizer", [&] { return has_finalizer(fleet); }},
             {"its desired state is there", [&] { return desired_comes(fleet, kName); }},
             {"the device's index lists it",
              [&] { return fleet.eventually([&] { return index_lists(fleet, kName, true); }); }},
             {"the device reports it", [&] { return is_reported(fleet, kName); }},
             {"it is deleted", [&] { return fleet.remove(kName); }},
             {"its desired state is gone",
              [&] { return fleet.eventually([&] { return fleet.desired_is(0, kName, std::nullopt); }); }},
             {"the index does not list it",
              [&] { return fleet.eventually([&] { return index_lists(fleet, kName, false); }); }}});
    });
}

Result<void> OperatorRestartScenario::run(Run& run) {
    return on_a_fleet(run, {}, [](Fleet& fleet) {
        return fleet.steps(
            {{"a Deployment is applied", [&] { return fleet.deploy(kName, "a", one_service(kImage)); }},
             {"its desired state is there", [&] { return desired_comes(fleet, kName); }},
             {"the operator is killed and comes back", [&] { return fleet.kill(kOperatorDaemon); }},
             {"nothing is lost, and the next Deployment works", [&] { return goes_on(fleet, "second"); }},
             {"the operator is stopped and started", [&] { return stop_and_start(fleet); }},
             {"nothing is lost, and the next Deployment works again",
              [&] { return goes_on(fleet, "third"); }}});
    });
}

}  // namespace harmony::fleet_e2e
