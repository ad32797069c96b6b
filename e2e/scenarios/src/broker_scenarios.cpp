#include "broker_scenarios.hpp"

#include "test_image.hpp"

namespace harmony::fleet_e2e {

namespace {

constexpr int kTimes = 5;
constexpr const char* kName = "hello";

Result<void> is_back(Fleet& fleet, int time) {
    auto done = fleet.eventually([&] { return fleet.answers(0); });
    if (!done) return done;
    done = fleet.eventually([&] { return fleet.is_online(0); });
    if (!done) return done;
    // The whole way down and up: desired state to the device, its report to the operator.
    const std::string name = "after-restart-" + std::to_string(time);
    done = fleet.eventually([&]() -> std::string {
        const auto applied = fleet.deploy(name, "a", one_service("localhost/no-device-runs-this:1"));
        return applied ? "" : applied.error().summary;
    });
    if (!done) return done;
    return fleet.eventually(
        [&] { return fleet.counts_are(name, "1 matched, 0 succeeded, 1 failed, 0 pending"); });
}

std::string one_runs(Fleet& fleet) {
    const auto containers = fleet.containers(0);
    if (!containers) return containers.error().summary;
    if (containers->size() != 1) return std::to_string(containers->size()) + " containers, expected one";
    return containers->front().state == "running" ? "" : "the container is " + containers->front().state;
}

// As a power cut does: the agent gets no chance to do anything about it.
Result<void> cut_power(Fleet& fleet) {
    auto& processes = fleet.processes();
    const std::string agent = fleet.agent_daemon(0);
    if (auto frozen = processes.signal(agent, "STOP"); !frozen) return frozen;
    const auto removed = fleet.tools().containers->remove_containers(
        {{std::string(contracts::kDeviceLabel), fleet.device(0).str()}});
    if (!removed) return plugin::failure(removed.error());
    if (*removed != 1) return failed("removed " + std::to_string(*removed) + " containers, expected one");
    const auto before = fleet.daemon(agent);
    if (!before) return plugin::failure(before.error());
    if (auto killed = processes.signal(agent, "KILL"); !killed) return killed;
    // Not ready: that takes the broker.
    return fleet.eventually(10s, [&]() -> std::string {
        const auto now = fleet.daemon(agent);
        if (!now) return now.error().summary;
        return now->pid != 0 && now->pid != before->pid ? "" : "the agent has not been started again";
    });
}

Result<void> stop_broker(Fleet& fleet) {
    if (auto stopped = fleet.processes().stop(kBrokerDaemon); !stopped)
        return plugin::failure(std::move(stopped.error()));
    return {};
}

Result<void> start_broker(Fleet& fleet) {
    if (auto started = fleet.processes().restart(kBrokerDaemon); !started)
        return plugin::failure(std::move(started.error()));
    return {};
}

Result<void> is_untouched(Fleet& fleet, const std::string& id) {
    auto done = fleet.eventually(20s, [&] { return fleet.is_online(0); });
    if (!done) return done;
    done = fleet.eventually(
        20s, [&] { return fleet.counts_are(kName, "1 matched, 1 succeeded, 0 failed, 0 pending"); });
    if (!done) return done;
    const auto containers = fleet.containers(0);
    if (!containers) return plugin::failure(containers.error());
    if (containers->size() != 1) return failed("the container is gone");
    return expect_equal("the container's id", containers->front().id, id);
}

}  // namespace

Result<void> NatsRestartScenario::run(Run& run) {
    return on_a_fleet(run, {}, [](Fleet& fleet) -> Result<void> {
        for (int time = 1; time <= kTimes; ++time) {
            const std::string number = std::to_string(time) + " of " + std::to_string(kTimes);
            auto done = fleet.steps(
                {{"nats-server is killed and comes back, " + number,
                  [&] { return fleet.kill(kBrokerDaemon); }},
                 {"the device answers and follows, " + number, [&] { return is_back(fleet, time); }}});
            if (!done) return done;
        }
        return {};
    });
}

Result<void> OfflineBootScenario::run(Run& run) {
    return on_a_fleet(run, {}, [&](Fleet& fleet) -> Result<void> {
        const auto image = ensure_test_image(run, 1);
        if (!image) return plugin::failure(image.error());
        std::string id;
        return fleet.steps(
            {{"a Deployment is applied", [&] { return fleet.deploy(kName, "a", one_service(*image)); }},
             {"its container runs",
              [&] {
                  return fleet.eventually(20s, [&] {
                      return fleet.counts_are(kName, "1 matched, 1 succeeded, 0 failed, 0 pending");
                  });
              }},
             {"the broker goes away", [&] { return stop_broker(fleet); }},
             {"the device loses its containers and its agent, as by a power cut",
              [&] { return cut_power(fleet); }},
             {"its container comes up without the broker",
              [&]() -> Result<void> {
                  if (auto up = fleet.eventually(20s, [&] { return one_runs(fleet); }); !up) return up;
                  const auto containers = fleet.containers(0);
                  if (!containers) return plugin::failure(containers.error());
                  id = containers->front().id;
                  return {};
              }},
             {"the broker comes back", [&] { return start_broker(fleet); }},
             {"the device reports that container and leaves it alone",
              [&] { return is_untouched(fleet, id); }}});
    });
}

}  // namespace harmony::fleet_e2e
