// The real operator binary, and a broker and devices for it.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "fleet_builders.hpp"
#include "harmony/fleet_client/fleet_api_client.hpp"
#include "harmony/nats/key_value.hpp"
#include "harmony/nats_testing/nats_server.hpp"

namespace harmony::op::testing {

// Polls until `done` or 20 seconds have passed.
[[nodiscard]] bool eventually(const std::function<bool()>& done);

// A temporary directory with the operator's configuration and state.
class OperatorHome {
 public:
    explicit OperatorHome(const std::string& nats_url);
    ~OperatorHome();
    OperatorHome(const OperatorHome&) = delete;
    OperatorHome& operator=(const OperatorHome&) = delete;

    [[nodiscard]] std::string config() const { return path_ + "/operator.toml"; }
    [[nodiscard]] std::string store() const { return path_ + "/state/resources.sqlite"; }
    [[nodiscard]] std::string log() const;
    [[nodiscard]] const std::string& path() const { return path_; }

 private:
    std::string path_;
};

class OperatorProcess {
 public:
    explicit OperatorProcess(const OperatorHome& home);
    ~OperatorProcess() { kill(); }
    OperatorProcess(const OperatorProcess&) = delete;
    OperatorProcess& operator=(const OperatorProcess&) = delete;

    void kill();                    // SIGKILL
    [[nodiscard]] int terminate();  // SIGTERM; the exit code, or -1 where it did not exit by itself
    [[nodiscard]] pid_t pid() const { return pid_; }

 private:
    pid_t pid_ = 0;
};

// A broker with an operator on it.
struct Stack {
    runtime::nats_testing::NatsServerFixture server;
    OperatorHome home{server.url()};
    std::unique_ptr<OperatorProcess> process = std::make_unique<OperatorProcess>(home);
    std::unique_ptr<runtime::nats::NatsConnection> connection = server.connect();
    runtime::fleet_client::FleetApiClient api{*connection, std::chrono::seconds(5)};

    Stack();  // returns when the operator is ready
    void wait_until_ready();
    [[nodiscard]] std::map<std::string, std::string> desired();
    void register_device(const std::string& id, const contracts::Labels& labels);
    void put(std::string_view bucket, const std::string& key, const std::string& value);
    void apply(const contracts::Deployment& deployment);
};

}  // namespace harmony::op::testing
