// The real program, a real NATS server and the real operator.
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <thread>

#include "harmony/contracts/device_permissions.hpp"
#include "harmony/contracts/kv.hpp"
#include "harmony/contracts/podman_v0.hpp"
#include "harmony/daemon/files.hpp"
#include "harmony/fleet_client/fleet_api_client.hpp"
#include "harmony/fleet_client/fleet_commands_client.hpp"
#include "harmony/nats/key_value.hpp"
#include "harmony/nats_testing/nats_server.hpp"

using namespace harmony;
using namespace std::chrono_literals;
using runtime::nats_testing::NatsServerFixture;

namespace {

bool eventually(const std::function<bool()>& done) {
    const auto deadline = std::chrono::steady_clock::now() + 30s;
    while (std::chrono::steady_clock::now() < deadline) {
        if (done()) return true;
        std::this_thread::sleep_for(50ms);
    }
    return done();
}

struct Home {
    std::string path;
    Home() {
        std::string pattern = (std::filesystem::temp_directory_path() / "harmony-simulator-XXXXXX").string();
        REQUIRE(mkdtemp(pattern.data()) != nullptr);
        path = pattern;
    }
    ~Home() {
        std::error_code ignored;
        std::filesystem::remove_all(path, ignored);
    }
    Home(const Home&) = delete;
    Home& operator=(const Home&) = delete;
    [[nodiscard]] std::string text(const std::string& file) const {
        return runtime::daemon::read_file(path + "/" + file, 16 * 1024 * 1024).value_or("");
    }
    void write(const std::string& file, const std::string& content) const {
        REQUIRE(runtime::daemon::write_file_durably(path + "/" + file, content));
    }
};

class Process {
 public:
    Process(std::vector<std::string> arguments, const std::string& log) {
        std::vector<char*> values;
        for (std::string& argument : arguments)
            values.push_back(argument.data());
        values.push_back(nullptr);
        pid_ = ::fork();
        REQUIRE(pid_ >= 0);
        if (pid_ > 0) return;
        const int descriptor = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
        ::dup2(descriptor, 1);
        ::dup2(descriptor, 2);
        ::execv(values[0], values.data());
        ::_exit(127);
    }
    ~Process() {
        if (pid_ <= 0) return;
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
    }
    Process(const Process&) = delete;
    Process& operator=(const Process&) = delete;

    // -1: it did not end by itself.
    int wait() {
        int status = 0;
        if (!eventually([&] { return ::waitpid(pid_, &status, WNOHANG) == pid_; })) return -1;
        pid_ = 0;
        return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    }
    int end(int signal) {
        ::kill(pid_, signal);
        return wait();
    }

 private:
    pid_t pid_ = 0;
};

// A user entry as FleetNatsScore writes them.
std::string user(const std::string& name, const contracts::SubjectPermissions& permissions) {
    const auto list = [](const std::vector<std::string>& subjects) {
        std::string text;
        for (const auto& subject : subjects)
            text += (text.empty() ? "\"" : ", \"") + subject + "\"";
        return text;
    };
    return "{ user: \"" + name + "\", password: \"p\", permissions: { publish: { allow: [" +
           list(permissions.publish) + "] }, subscribe: { allow: [" + list(permissions.subscribe) +
           "] }, allow_responses: { max: 1000, expires: \"120s\" } } }\n";
}

std::string users() {
    return "max_subscriptions: 0\nauthorization { users: [ { user: \"admin\", password: \"a\" }\n" +
           user("operator", contracts::operator_permissions()) +
           user("simulator", contracts::simulator_permissions()) +
           user("device-sim-0", contracts::device_permissions(*contracts::DeviceId::parse("sim-0"))) +
           "] }\n";
}

struct Fleet {
    NatsServerFixture server{{.jetstream = true, .extra_config = users()}};
    Home home;
    std::unique_ptr<Process> op;
    std::unique_ptr<runtime::nats::NatsConnection> admin = server.connect({"admin", "a"});
    runtime::fleet_client::FleetApiClient api{*admin, 5s};

    Fleet() {
        home.write(
            "operator.toml",
            "[operator]\nnamespace = \"test\"\nstate_dir = \"" + home.path +
                "/operator\"\n[nats]\nurls = [\"" + server.url() +
                "\"]\n[credentials]\ntype = \"toml-shared\"\nnats_user = \"operator\"\nnats_pass = \"p\"\n");
        home.write("credentials.toml", "nats_user = \"simulator\"\nnats_pass = \"p\"\n");
        op = std::make_unique<Process>(
            std::vector<std::string>{HARMONY_FLEET_OPERATOR, "--config", home.path + "/operator.toml"},
            home.path + "/operator.log");
        REQUIRE(eventually([&] {
            const auto status = api.status();
            return status && status->ready;
        }));
    }
    [[nodiscard]] std::vector<std::string> simulator(std::vector<std::string> more) const {
        std::vector<std::string> arguments{HARMONY_FLEET_SIMULATOR, "--nats", server.url(), "--report",
                                           home.path + "/report.json"};
        arguments.insert(arguments.end(), more.begin(), more.end());
        return arguments;
    }
    [[nodiscard]] contracts::DeploymentAggregate counts() {
        const auto found = api.deployment("web");
        return found && found->status ? found->status->aggregate : contracts::DeploymentAggregate{};
    }
};

contracts::Deployment web() {
    contracts::PodmanService service;
    service.name = "app";
    service.image = "localhost/web:1";
    contracts::PodmanV0 score;
    score.services = {service};
    contracts::Deployment result;
    result.metadata.name = "web";
    result.spec.score = score.to_score();
    result.spec.target_selector.match_labels = {{"site", "s1"}};
    return result;
}

}  // namespace

TEST_CASE("five hundred devices with exact permissions register, run a Deployment, answer and let go of it") {
    Fleet fleet;
    const std::string which = GENERATE("per-device", "shared");
    Process simulator(
        fleet.simulator({"--devices", "500", "--credentials", fleet.home.path + "/credentials.toml",
                         "--label", "site=s{0..4}", "--run", "50ms", "--subscriptions", which}),
        fleet.home.path + "/simulator.log");
    const auto online = [&] {
        const auto status = fleet.api.status();
        return status ? status->devices_online : 0;
    };
    INFO(fleet.home.text("simulator.log"));
    REQUIRE(eventually([&] { return online() == 500; }));
    REQUIRE(fleet.api.apply(web()));
    REQUIRE(eventually([&] { return fleet.counts().succeeded > 50; }));
    REQUIRE(eventually([&] { return fleet.counts().succeeded == fleet.counts().matched_device_count; }));
    CHECK(fleet.counts().matched_device_count < 150);

    runtime::fleet_client::FleetCommandsClient commands(*fleet.admin, "test");
    const auto pong = commands.ping(*contracts::DeviceId::parse("sim-499"));
    REQUIRE(pong);
    CHECK(pong->device_id.str() == "sim-499");

    REQUIRE(fleet.api.delete_deployment("web"));
    runtime::nats::KeyValue states(*fleet.admin, std::string(contracts::kDeviceStateBucket));
    REQUIRE(eventually([&] {
        const auto keys = states.keys();
        return keys && keys->empty();
    }));
    CHECK(simulator.end(SIGTERM) == 0);
    const auto report = nlohmann::json::parse(fleet.home.text("report.json"));
    CHECK(report["counters"]["joins"] == 500);
    CHECK(report["counters"]["commands"] == 1);
    CHECK(report["server_errors"].empty());
    CHECK(report["latency_ms"]["hint_to_start"]["count"] > 50);
}

TEST_CASE("the server's death is survived: everybody is back and says everything again") {
    Fleet fleet;
    Process simulator(
        fleet.simulator({"--devices", "200", "--credentials", fleet.home.path + "/credentials.toml",
                         "--label", "site=s{0..1}", "--run", "10ms", "--heartbeat-interval", "1s"}),
        fleet.home.path + "/simulator.log");
    REQUIRE(fleet.api.apply(web()));
    REQUIRE(eventually([&] { return fleet.counts().succeeded > 50; }));
    fleet.server.kill();
    fleet.server.wipe_storage();
    fleet.server.start();
    runtime::nats::KeyValue states(*fleet.admin, std::string(contracts::kDeviceStateBucket));
    REQUIRE(eventually([&] {
        const auto keys = states.keys();
        return keys && keys->size() == static_cast<std::size_t>(fleet.counts().matched_device_count) &&
               !keys->empty();
    }));
    CHECK(simulator.end(SIGINT) == 0);
    const auto report = nlohmann::json::parse(fleet.home.text("report.json"));
    CHECK(report["counters"]["disconnects"] == 4);
    CHECK(report["counters"]["joins"] == 400);
}

TEST_CASE("a user that may speak for one device only is a clear error, and the end") {
    Fleet fleet;
    fleet.home.write("one.toml", "nats_user = \"device-sim-0\"\nnats_pass = \"p\"\n");
    Process simulator(fleet.simulator({"--devices", "5", "--credentials", fleet.home.path + "/one.toml"}),
                      fleet.home.path + "/simulator.log");
    CHECK(simulator.wait() == 1);
    const std::string log = fleet.home.text("simulator.log");
    CHECK(log.find("Permissions Violation") != std::string::npos);
    CHECK(log.find("FleetNatsScore") != std::string::npos);
}

TEST_CASE("wrong credentials and an unreachable server are clear errors") {
    Fleet fleet;
    fleet.home.write("wrong.toml", "nats_user = \"simulator\"\nnats_pass = \"s3cret\"\n");
    Process refused(fleet.simulator({"--credentials", fleet.home.path + "/wrong.toml"}),
                    fleet.home.path + "/refused.log");
    CHECK(refused.wait() == 1);
    const std::string log = fleet.home.text("refused.log");
    CHECK(log.find("refuses the credentials") != std::string::npos);
    CHECK(log.find("s3cret") == std::string::npos);
    Process alone({HARMONY_FLEET_SIMULATOR, "--nats", "nats://127.0.0.1:1"}, fleet.home.path + "/alone.log");
    CHECK(alone.wait() == 1);
    CHECK(fleet.home.text("alone.log").find("nats://127.0.0.1:1") != std::string::npos);
    CHECK(fleet.home.text("alone.log").find("Connection refused") != std::string::npos);
}
