// Logs and exec end to end: the agent's binary, a real broker with a device's permissions, a real podman.
#include <signal.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <thread>

#include "agent_fixture.hpp"
#include "harmony/fleet_client/fleet_commands_client.hpp"

namespace harmony::agent::testing {

using contracts::CommandFailureKind;
using contracts::Phase;
using contracts::RemoteErrorKind;
using runtime::fleet_client::FleetCommandsClient;
using runtime::fleet_client::LogSink;
using runtime::fleet_client::LostReplies;
using namespace std::chrono_literals;

namespace {

std::string score(const std::string& image, const std::string& script) {
    return R"({"services":[{"name":"app","image":")" + image + R"(","args":["/bin/sh","-c",")" + script +
           R"("]}],"lifecycle":{"grace_period_secs":1}})";
}

constexpr const char* kChatty =
    "trap 'exit 0' TERM; i=0; while :; do i=$((i+1)); echo line $i; sleep 0.01; done";
constexpr const char* kIdle = "trap 'exit 0' TERM; echo up; while :; do sleep 0.1; done";

contracts::ExecRequest exec_of(const std::string& deployment, std::vector<std::string> argv) {
    contracts::ExecRequest request;
    request.argv = std::move(argv);
    request.host = deployment.empty();
    if (!request.host) request.deployment = contracts::DeploymentName::parse(deployment).value();
    return request;
}

contracts::LogsRequest logs_of(const std::string& deployment, bool follow) {
    contracts::LogsRequest request;
    request.deployment = contracts::DeploymentName::parse(deployment).value();
    request.follow = follow;
    return request;
}

// May be looked at from another thread.
class Reader final : public LogSink {
 public:
    bool take(const contracts::LogsReply& reply) override {
        const std::lock_guard lock(mutex_);
        lines_.insert(lines_.end(), reply.lines.begin(), reply.lines.end());
        lost_ += reply.lost_lines;
        if (reply.event) events_.push_back(*reply.event);
        return true;
    }
    void lost(const LostReplies& replies) override {
        const std::lock_guard lock(mutex_);
        lost_ += replies.count;
    }
    void restarted() override {}
    bool cancelled() override { return stop; }

    std::vector<std::string> lines() {
        const std::lock_guard lock(mutex_);
        return lines_;
    }
    std::int64_t lost() {
        const std::lock_guard lock(mutex_);
        return lost_;
    }
    bool has(contracts::LogsEvent event) {
        const std::lock_guard lock(mutex_);
        return std::count(events_.begin(), events_.end(), event) > 0;
    }
    bool has(const std::string& line) {
        const std::lock_guard lock(mutex_);
        return std::count(lines_.begin(), lines_.end(), line) > 0;
    }
    std::atomic<bool> stop{false};

 private:
    std::mutex mutex_;
    std::vector<std::string> lines_;
    std::vector<contracts::LogsEvent> events_;
    std::int64_t lost_ = 0;
};

int threads_named(pid_t pid, const std::string& prefix) {
    int count = 0;
    for (const auto& task : std::filesystem::directory_iterator("/proc/" + std::to_string(pid) + "/task")) {
        std::string name;
        std::getline(std::ifstream(task.path() / "comm"), name);
        if (name.starts_with(prefix)) ++count;
    }
    return count;
}

}  // namespace

TEST_CASE("exec runs in a container, on the host only where the device allows it, and leaves its audit") {
    if (podman_is_missing()) return;
    Fleet fleet;
    const std::string one = fleet.device("one");
    const std::string two = fleet.device("two");
    fleet.start_agent(one);
    fleet.start_agent(two, "[exec]\nhost_enabled = true");
    fleet.deploy(one, "web", score(fleet.podman.image(), kIdle));
    REQUIRE(fleet.reaches(one, "web", Phase::Running));
    FleetCommandsClient commands(fleet.admin(), "ada@workshop");
    const auto first = contracts::DeviceId::parse(one).value();
    const auto second = contracts::DeviceId::parse(two).value();
    const auto ran =
        commands.exec(first, exec_of("web", {"/bin/sh", "-c", "echo out; echo err >&2; exit 5"}));
    INFO((ran ? "" : ran.error().text()));
    REQUIRE(ran);
    CHECK(*ran == contracts::ExecReply{5, "out\n", "err\n", false});
    const auto refused = commands.exec(first, exec_of("", {"id"}));
    REQUIRE_FALSE(refused);
    CHECK(refused.error().agent == RemoteErrorKind::Forbidden);
    const auto absent = commands.exec(first, exec_of("wbe", {"id"}));
    REQUIRE_FALSE(absent);
    CHECK(absent.error().agent == RemoteErrorKind::NotFound);
    REQUIRE(eventually([&] { return commands.ping(second, 500ms).has_value(); }));
    const auto host = commands.exec(second, exec_of("", {"sh", "-c", "echo $PWD"}));
    REQUIRE(host);
    CHECK(host->standard_output == "/\n");
    const auto bytes =
        commands.exec(first, exec_of("web", {"/bin/busybox", "head", "-c", "300000", "/dev/zero"}));
    REQUIRE(bytes);
    CHECK(bytes->truncated);
    const std::string audit = fleet.file_of(one, "audit.log");
    CHECK(audit.find(R"("event":"Started")") != std::string::npos);
    CHECK(audit.find(R"("operator_sub":"ada@workshop")") != std::string::npos);
    CHECK(audit.find(R"("exit_code":5)") != std::string::npos);
    CHECK(audit.find(R"("event":"Refused")") != std::string::npos);
    CHECK(fleet.file_of(two, "audit.log").find(R"("target":"host")") != std::string::npos);
}

TEST_CASE("logs are read and followed, over a replacement, and end when they are not wanted any more") {
    if (podman_is_missing()) return;
    Fleet fleet;
    const std::string one = fleet.device("one");
    fleet.start_agent(one);
    fleet.deploy(one, "web", score(fleet.podman.image(), kChatty));
    REQUIRE(fleet.reaches(one, "web", Phase::Running));
    FleetCommandsClient commands(fleet.admin(), "ada@workshop");
    const auto device = contracts::DeviceId::parse(one).value();
    Reader reader;
    contracts::CommandFailure failure;
    std::thread following([&] {
        const auto done = commands.logs(device, logs_of("web", true), reader, {.renew_interval = 300ms});
        if (!done) failure = done.error();
    });
    CHECK(eventually([&] { return reader.lines().size() > 200; }));
    const auto lines = reader.lines();
    for (std::size_t i = 1; i < lines.size(); ++i)
        CHECK(std::stoi(lines[i].substr(5)) == std::stoi(lines[i - 1].substr(5)) + 1);
    CHECK(reader.lost() == 0);
    fleet.deploy(one, "web", score(fleet.podman.image(), kIdle));
    CHECK(eventually([&] { return reader.has("up"); }));
    CHECK(reader.has(contracts::LogsEvent::Ended));
    CHECK(reader.has(contracts::LogsEvent::Resumed));
    CHECK(threads_named(fleet.agent_pid(one), "log-") == 2);
    SECTION("it is cancelled") {
        reader.stop = true;
        following.join();
        CHECK(failure.message.empty());
    }
    SECTION("the broker goes and comes back under it") {
        const auto connected = [&] {
            return fleet.admin().status() == runtime::nats::ConnectionStatus::Connected;
        };
        fleet.nats->stop();
        REQUIRE(eventually([&] { return !connected(); }));
        fleet.nats->start();
        REQUIRE(eventually(connected));
        fleet.make_buckets();
        fleet.deploy(one, "web", score(fleet.podman.image(), std::string("echo back; ") + kIdle));
        CHECK(eventually([&] { return reader.has("back"); }));
        reader.stop = true;
        following.join();
        CHECK(failure.message.empty());
    }
    CHECK(eventually([&] { return threads_named(fleet.agent_pid(one), "log-") == 0; }));
}

TEST_CASE("a line of ten MiB comes cut and says so, and the next one is whole") {
    if (podman_is_missing()) return;
    Fleet fleet;
    const std::string one = fleet.device("one");
    fleet.start_agent(one);
    fleet.deploy(one, "web",
                 score(fleet.podman.image(),
                       "/bin/busybox head -c 10485760 /dev/zero | /bin/busybox tr '\\\\0' x; "
                       "echo; echo after; trap 'exit 0' TERM; while :; do sleep 0.1; done"));
    REQUIRE(fleet.reaches(one, "web", Phase::Running));
    FleetCommandsClient commands(fleet.admin(), "ada@workshop");
    const auto device = contracts::DeviceId::parse(one).value();
    std::vector<std::string> lines;
    REQUIRE(eventually([&] {
        Reader reader;
        if (!commands.logs(device, logs_of("web", false), reader)) return false;
        lines = reader.lines();
        return !lines.empty() && lines.back() == "after";
    }));
    REQUIRE(lines.size() == 2);
    CHECK(lines[0].size() <= contracts::kLogsMaxLineBytes);
    CHECK(lines[0].starts_with("xxx"));
    // How many there were is podman's word: it starts its file over in the middle of such a line.
    CHECK(lines[0].find("[cut, ") != std::string::npos);
    CHECK(lines[0].ends_with(" bytes]"));
}

TEST_CASE("a ping is answered at once while eight chatty streams are followed and commands run") {
    if (podman_is_missing()) return;
    Fleet fleet;
    const std::string one = fleet.device("one");
    fleet.start_agent(one);
    fleet.deploy(one, "web", score(fleet.podman.image(), kChatty));
    REQUIRE(fleet.reaches(one, "web", Phase::Running));
    FleetCommandsClient commands(fleet.admin(), "ada@workshop");
    const auto device = contracts::DeviceId::parse(one).value();
    std::vector<std::unique_ptr<Reader>> readers;
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < contracts::kMaxFollows; ++i) {
        readers.push_back(std::make_unique<Reader>());
        threads.emplace_back([&, reader = readers.back().get()] {
            (void)commands.logs(device, logs_of("web", true), *reader);
        });
        REQUIRE(eventually([&] { return readers.back()->lines().size() > 10; }));
    }
    Reader ninth;
    const auto refused = commands.logs(device, logs_of("web", true), ninth);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().agent == RemoteErrorKind::Forbidden);
    std::atomic<int> ended = 0;
    for (int i = 0; i < 3; ++i) {
        threads.emplace_back([&] {
            (void)commands.exec(device, exec_of("web", {"/bin/sleep", "10"}));
            ++ended;
        });
    }
    std::vector<double> took;
    for (int i = 0; i < 100; ++i) {
        const auto start = std::chrono::steady_clock::now();
        REQUIRE(commands.ping(device));
        took.push_back(
            std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count());
        std::this_thread::sleep_for(5ms);
    }
    CHECK(ended == 0);  // no ping has waited for a command's end
    std::sort(took.begin(), took.end());
    WARN("ping beside 8 streams and 3 commands: p50 " << took[50] << " ms, p99 " << took[98] << " ms");
    for (const auto& reader : readers)
        reader->stop = true;
    for (auto& thread : threads)
        thread.join();
    for (const auto& reader : readers)
        CHECK(reader->lost() == 0);
    CHECK(eventually([&] { return threads_named(fleet.agent_pid(one), "log-") == 0; }));
}

TEST_CASE("a device without a runtime says so when asked for logs or a command in a container") {
    if (podman_is_missing()) return;
    Fleet fleet;
    const std::string one = fleet.device("one");
    fleet.start_agent(one, "runtime_enabled = false");
    FleetCommandsClient commands(fleet.admin());
    const auto device = contracts::DeviceId::parse(one).value();
    REQUIRE(eventually([&] { return commands.ping(device, 500ms).has_value(); }));
    Reader reader;
    CHECK(commands.logs(device, logs_of("web", false), reader).error().agent ==
          RemoteErrorKind::RuntimeUnavailable);
    const auto refused = commands.exec(device, exec_of("web", {"id"}));
    CHECK(refused.error().agent == RemoteErrorKind::RuntimeUnavailable);
    CHECK(refused.error().message.find("runtime_enabled") != std::string::npos);
}

TEST_CASE("a message that comes again gives a device its replies anew, for the same reply subject") {
    runtime::nats_testing::NatsServerFixture server(
        {.jetstream = false,
         .extra_config = "authorization { users: [ {user: admin, password: a}, {user: device, password: d, "
                         "permissions: { publish: { deny: \">\" }, subscribe: \"device-commands.d.>\", "
                         "allow_responses: { max: 3, expires: \"60s\" } } } ] }\n"});
    const auto client = server.connect({"admin", "a"});
    const auto device = server.connect({"device", "d"});
    std::atomic<int> heard{0};
    const auto inbox = client->new_inbox();
    const auto replies = client->subscribe(inbox, [&](const runtime::nats::Message&) { ++heard; });
    std::atomic<int> asked{0};
    const auto requests =
        device->subscribe("device-commands.d.>", [&](const runtime::nats::Message&) { ++asked; });
    REQUIRE(replies);
    REQUIRE(requests);
    REQUIRE(device->flush(5s));
    const auto ask = [&](int nth) {
        runtime::nats::Message message;
        message.subject = "device-commands.d.logs";
        message.reply = inbox;
        REQUIRE(client->publish(message));
        REQUIRE(eventually([&] { return asked == nth; }));
    };
    const auto answer = [&](int times) {
        for (int i = 0; i < times; ++i)
            REQUIRE(device->publish({inbox, "x", "", {}}));
        REQUIRE(device->flush(5s));
        REQUIRE(client->flush(5s));
    };
    ask(1);
    answer(5);
    REQUIRE(eventually([&] { return heard >= 3; }));
    CHECK(heard == 3);
    ask(2);
    answer(5);
    REQUIRE(eventually([&] { return heard >= 6; }));
    CHECK(heard == 6);
}

}  // namespace harmony::agent::testing
