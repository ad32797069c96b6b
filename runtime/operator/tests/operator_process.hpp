// The real operator binary, and a broker and devices for it.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "fleet_builders.hpp"
#include "harmony/fleet_client/fleet_api_client.hpp"
#include "harmony/nats/key_value.hpp"
#include "harmony/nats_testing/nats_server.hpp"

namespace harmony::op::testing {

// Polls until `done` or a minute has passed.
[[nodiscard]] bool eventually(const std::function<bool()>& done);

// A temporary directory with the operator's configuration and state.
class OperatorHome {
 public:
    // `settings`: further lines of the table [operator], and further tables.
    explicit OperatorHome(const std::string& nats_url, const std::string& settings = "",
                          const std::string& name_space = "fleet-test");
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
    [[nodiscard]] int wait();       // for its own end; as above
    [[nodiscard]] pid_t pid() const { return pid_; }

 private:
    pid_t pid_ = 0;
};

// A broker with an operator on it.
struct Stack {
    explicit Stack(const std::string& settings = "", const std::string& server_config = "",
                   const std::string& name_space = "fleet-test")
        : server({.extra_config = server_config}), home(server.url(), settings, name_space) {
        wait_until_ready();
    }

    runtime::nats_testing::NatsServerFixture server;
    OperatorHome home;
    std::unique_ptr<OperatorProcess> process = std::make_unique<OperatorProcess>(home);
    std::unique_ptr<runtime::nats::NatsConnection> connection = server.connect();
    runtime::fleet_client::FleetApiClient api{*connection, std::chrono::seconds(5)};

    void wait_until_ready();
    [[nodiscard]] std::map<std::string, std::string> desired();
    void register_device(const std::string& id, const contracts::Labels& labels);
    void put(std::string_view bucket, const std::string& key, const std::string& value);
    void apply(const contracts::Deployment& deployment);
    [[nodiscard]] contracts::Condition condition(const std::string& deployment, std::string_view type);
};

// The devices' side of the contract, one step each time poll() is called: what is desired is taken, and some
// polls later reported as running. A device that was told something else than it runs is updating until then.
class PolledDevices {
 public:
    PolledDevices(Stack& stack, int count);

    void poll();
    // As agents do when they have connected again.
    void reassert();
    [[nodiscard]] bool all_run(const contracts::Score& score) const;

    std::set<std::string> failing;  // report Failed for every score but the first
    std::string failure = "does not start";
    std::set<std::string> silent;   // neither report nor beat
    std::size_t most_updating = 0;  // at once, since this was last set
    bool went_back = false;         // somebody was told an older score than before

 private:
    void report(const std::string& device);
    void beat(const std::string& device);

    Stack& stack_;
    std::map<std::string, std::string> runs_;  // the score's bytes
    std::map<std::string, std::string> updating_;
    std::map<std::string, int> told_;  // the greatest image number
    contracts::Timestamp reported_;
};

}  // namespace harmony::op::testing
