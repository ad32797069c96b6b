// A real broker, a real podman and the agent's binary, for integration tests.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "harmony/contracts/deployment_state.hpp"
#include "harmony/nats/connection.hpp"
#include "harmony/nats_testing/nats_server.hpp"
#include "harmony/podman/container_runtime.hpp"
#include "harmony/podman_testing/podman_service.hpp"

namespace harmony::agent::testing {

// Asks again until it holds or a minute has passed.
[[nodiscard]] bool eventually(const std::function<bool()>& holds);

// Prints why, for the test to be skipped.
[[nodiscard]] bool podman_is_missing();

// Devices "<name>-<run id>"; removes their containers and ends their agents when destroyed.
class Fleet {
 public:
    Fleet();
    ~Fleet();
    Fleet(const Fleet&) = delete;
    Fleet& operator=(const Fleet&) = delete;

    [[nodiscard]] std::string device(const std::string& name) const { return name + "-" + suffix_; }
    void start_agent(const std::string& device, const std::string& further_agent_lines = "",
                     const std::string& further_podman_lines = "");
    // Waits for its end; the exit code, or minus the signal.
    int stop_agent(const std::string& device, int signal);
    [[nodiscard]] pid_t agent_pid(const std::string& device) const;

    [[nodiscard]] std::string config_file(const std::string& device) const;
    [[nodiscard]] std::string state_directory(const std::string& device) const;
    // What all its agents have said.
    [[nodiscard]] std::string log_of(const std::string& device) const;
    // The exit code of --check-config beside a running agent, and what it printed.
    int check_config(const std::string& device, std::string& output);

    // The text of a file in the agent's state directory; empty where there is none.
    [[nodiscard]] std::string file_of(const std::string& device, const std::string& name) const;

    // As the operator does: the key, then the index; the index, then the deletion.
    void deploy(const std::string& device, const std::string& deployment, const std::string& score_data);
    void withdraw(const std::string& device, const std::string& deployment);

    [[nodiscard]] std::optional<contracts::DeploymentState> state(const std::string& device,
                                                                  const std::string& deployment);
    [[nodiscard]] bool reaches(const std::string& device, const std::string& deployment,
                               contracts::Phase phase);
    [[nodiscard]] std::vector<runtime::podman::Container> containers(const std::string& device);
    [[nodiscard]] std::optional<std::string> value(const std::string& bucket, const std::string& key);
    [[nodiscard]] runtime::nats::NatsConnection& admin() { return *admin_; }
    void make_buckets();

    // Of agents that are started from now on.
    int reconcile_interval_s = 1;
    // Lines of the table [labels] of agents that are started from now on.
    std::string further_labels;

    runtime::podman_testing::PodmanServiceFixture podman;
    std::unique_ptr<runtime::nats_testing::NatsServerFixture> nats;

 private:
    struct Process {
        std::string device;
        pid_t pid;
    };
    void write_index(const std::string& device);
    [[nodiscard]] pid_t spawn(std::vector<std::string> arguments, const std::string& output) const;

    std::string directory_;
    std::string suffix_;
    std::unique_ptr<runtime::nats::NatsConnection> admin_;
    std::unique_ptr<runtime::podman::ContainerRuntime> runtime_;
    std::vector<Process> agents_;
    std::set<std::string> devices_;
    std::map<std::string, std::set<std::string>> index_;
};

}  // namespace harmony::agent::testing
