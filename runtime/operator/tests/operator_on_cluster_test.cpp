// The real operator on a real API server and a real broker: whatever of them goes away meanwhile.
#include <signal.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <condition_variable>
#include <mutex>

#include "cluster_stack.hpp"
#include "harmony/daemon/files.hpp"

using namespace harmony::op::testing;
namespace contracts = harmony::contracts;
namespace kubernetes = harmony::runtime::kubernetes;

namespace {

contracts::Deployment web(const std::string& image) {
    return deployment("web", selector({}), image);
}

contracts::Deployment rolling(const std::string& image) {
    auto document = web(image);
    document.spec.rollout = contracts::Rolling{{3, false}, std::chrono::seconds{0}, {0, false}};
    return document;
}

bool polled_until(PolledDevices& devices, const std::function<bool()>& done) {
    return eventually([&] {
        devices.poll();
        return done();
    });
}

std::string value(Stack& stack, const std::string& key) {
    const auto all = stack.desired();
    const auto found = all.find(key);
    return found == all.end() ? "" : found->second;
}

bool holds(Stack& stack, const std::string& image) {
    return value(stack, "d0.web") == score(image).encode();
}

// It answers nobody while this lives.
class FrozenApiServer {
 public:
    FrozenApiServer() {
        const auto text = harmony::runtime::daemon::read_file(kubernetes::testing::cluster_folder() +
                                                              "/run/kube-apiserver.pid");
        REQUIRE(text);
        pid_ = static_cast<pid_t>(std::stol(*text));
        REQUIRE(::kill(pid_, SIGSTOP) == 0);
    }
    ~FrozenApiServer() { ::kill(pid_, SIGCONT); }
    FrozenApiServer(const FrozenApiServer&) = delete;
    FrozenApiServer& operator=(const FrozenApiServer&) = delete;

 private:
    pid_t pid_ = 0;
};

struct Standby {
    explicit Standby(ClusterStack& stack)
        : home(stack.server.url(), stack.settings(), stack.name_space()), process(home) {}
    OperatorHome home;
    OperatorProcess process;

    // Its caches are as full as the leader's.
    void wait_until_ready() const {
        REQUIRE(eventually([&] { return home.log().find("resources listed") != std::string::npos; }));
    }
};

}  // namespace

TEST_CASE(
    "a Deployment object becomes desired state, its status counts, and its deletion lets everything go") {
    ClusterStack stack;
    PolledDevices devices(stack, 3);
    stack.apply_object(web("img:1"));
    REQUIRE(polled_until(devices, [&] { return devices.all_run(score("img:1")); }));
    CHECK(stack.held("web"));
    REQUIRE(eventually([&] { return stack.reason("web", "Ready") == "AllDevicesRunning"; }));
    const Json status = stack.get("web")["status"];
    CHECK(status["observedGeneration"] == 1);
    CHECK(status["aggregate"]["matchedDeviceCount"] == 3);
    CHECK(status["aggregate"]["succeeded"] == 3);
    CHECK(stack.records() == 1);

    stack.apply_object(web("img:2"));
    REQUIRE(polled_until(devices, [&] { return devices.all_run(score("img:2")); }));
    REQUIRE(eventually([&] { return stack.get("web")["status"]["observedGeneration"] == 2; }));

    devices.failing = {"d1"};
    devices.failure = GENERATE("does not start", "");
    stack.apply_object(web("img:3"));
    REQUIRE(polled_until(devices, [&] {
        return stack.get("web")["status"]["aggregate"]["failed"] == 1 &&
               stack.reason("web", "Degraded") == "DevicesFailed";
    }));
    REQUIRE(eventually([&] { return stack.events("web").contains("DevicesFailed"); }));

    stack.remove("web");
    REQUIRE(eventually([&] { return stack.get("web").is_null(); }));
    CHECK(value(stack, "d0.web").empty());
    CHECK(value(stack, "d0._index") == R"({"deployments":[]})");
    CHECK(stack.records() == 0);
    CHECK(stack.process->terminate() == 0);
    CHECK(stack.holder().empty());  // given up, so that nobody has to wait for it
}

TEST_CASE("the fleet API writes through the cluster, and a rollout tells people how it goes") {
    ClusterStack stack;
    PolledDevices devices(stack, 6);
    stack.apply(rolling("img:1"));
    CHECK(stack.api.deployment("web").value().spec == rolling("img:1").spec);
    CHECK(stack.get("web")["metadata"]["generation"] == 1);
    REQUIRE(polled_until(devices, [&] { return stack.reason("web", "Progressing") == "Complete"; }));
    CHECK(stack.api.apply(rolling("img:1")).value().change == contracts::ApplyChange::Unchanged);
    CHECK(stack.api.apply(rolling("img:2")).value().change == contracts::ApplyChange::Configured);
    REQUIRE(eventually([&] { return stack.events("web").contains("RolloutStarted"); }));
    REQUIRE(polled_until(devices, [&] { return devices.all_run(score("img:2")); }));
    REQUIRE(polled_until(devices, [&] { return stack.events("web").contains("RolloutCompleted"); }));
    CHECK(stack.api.all_devices().value().size() == 6);
    const auto elsewhere = [&] {
        auto document = web("img:1");
        document.metadata.name_space = "elsewhere";
        return document;
    }();
    CHECK_THAT(stack.api.apply(elsewhere).error().text(), Catch::Contains("metadata.namespace"));
    // What somebody added with another tool goes with what is applied next.
    auto document = rolling("img:2");
    document.spec.score.data = R"({"services":[{"env":{"LEFT":"OVER"},"image":"img:2","name":"web"}]})";
    stack.apply_object(document);
    CHECK(stack.get("web")["spec"]["score"]["data"]["services"][0].contains("env"));
    REQUIRE(stack.api.apply(rolling("img:2")));
    CHECK_FALSE(stack.get("web")["spec"]["score"]["data"]["services"][0].contains("env"));
    // The server's own schema refuses, with the field's name.
    auto empty = rolling("img:2");
    empty.metadata.name = "Not-A-Name";
    CHECK_FALSE(stack.api.apply(empty));
    REQUIRE(stack.api.delete_deployment("web").value().pending);
    REQUIRE(eventually([&] { return stack.get("web").is_null(); }));
    CHECK(stack.api.deployment("web").error().kind() == harmony::ErrorKind::NotFound);
}

TEST_CASE("what the schema admits and the operator can't use gets a condition, and is mended by a change") {
    ClusterStack stack;
    stack.register_device("d0", {});
    Json spec = Json::parse(web("img:1").encode()).at("spec");
    spec["score"]["data"]["services"] = {{{"name", "a"}, {"image", "img:1"}, {"ports", {"80:80"}}},
                                         {{"name", "b"}, {"image", "img:1"}, {"ports", {"80:81"}}}};
    stack.apply_spec("web", spec);
    REQUIRE(eventually([&] { return stack.reason("web", "Ready") == "InvalidSpec"; }));
    CHECK_FALSE(stack.held("web"));
    const Json condition = stack.get("web")["status"]["conditions"][0];
    CHECK_THAT(condition["message"].get<std::string>(), Catch::Contains("spec.score.data.services"));
    REQUIRE(eventually([&] { return stack.events("web").contains("InvalidSpec"); }));
    stack.apply_object(web("img:1"));
    REQUIRE(eventually([&] { return holds(stack, "img:1"); }));
    REQUIRE(eventually([&] { return stack.reason("web", "Ready") == "DevicesPending"; }));
}

TEST_CASE("killed in the middle of a deletion, the next life ends it") {
    ClusterStack stack;
    stack.register_device("d0", {});
    stack.apply_object(web("img:1"));
    REQUIRE(eventually([&] { return holds(stack, "img:1"); }));
    stack.server.stop();  // the keys can't go
    stack.remove("web");
    REQUIRE(eventually([&] { return stack.get("web")["metadata"].contains("deletionTimestamp"); }));
    stack.process->kill();
    CHECK(stack.held("web"));
    stack.server.start();
    stack.process = std::make_unique<OperatorProcess>(stack.home);
    REQUIRE(eventually([&] { return stack.get("web").is_null(); }));
    CHECK(value(stack, "d0.web").empty());
}

TEST_CASE("an API server that restarts is ridden out, and what changed meanwhile is not missed") {
    ClusterStack stack;
    PolledDevices devices(stack, 4);
    stack.apply_object(rolling("img:1"));
    REQUIRE(polled_until(devices, [&] { return devices.all_run(score("img:1")); }));
    REQUIRE(polled_until(devices, [&] { return stack.reason("web", "Progressing") == "Complete"; }));
    devices.most_updating = 0;
    stack.apply_object(rolling("img:2"));
    REQUIRE(kubernetes::testing::run_cluster_command("restart kube-apiserver"));
    REQUIRE(polled_until(devices, [&] { return devices.all_run(score("img:2")); }));
    REQUIRE(eventually([&] {
        const auto applied = stack.admin->get(stack.ref("web"));
        return applied.has_value();
    }));
    stack.apply_object(rolling("img:3"));
    REQUIRE(polled_until(devices, [&] { return devices.all_run(score("img:3")); }));
    CHECK(devices.most_updating <= 3);
    CHECK_FALSE(devices.went_back);
}

TEST_CASE("of two operators one leads; killed, the other goes on with the rollout and keeps its limit") {
    ClusterStack stack;
    Standby standby(stack);
    standby.wait_until_ready();
    PolledDevices devices(stack, 12);
    stack.apply_object(rolling("img:1"));
    REQUIRE(polled_until(devices, [&] { return devices.all_run(score("img:1")); }));
    REQUIRE(polled_until(devices, [&] { return stack.reason("web", "Progressing") == "Complete"; }));
    devices.most_updating = 0;
    stack.apply_object(rolling("img:2"));
    REQUIRE(polled_until(devices, [&] { return devices.most_updating > 0; }));
    const std::string leader = stack.holder();
    stack.process->kill();
    const auto killed = std::chrono::steady_clock::now();
    REQUIRE(polled_until(devices, [&] { return stack.holder() != leader; }));
    REQUIRE(polled_until(devices, [&] { return stack.api.status().has_value(); }));
    const auto took =
        std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - killed);
    WARN("from the kill to the first answer of the standby: " << took.count() << " ms");
    REQUIRE(polled_until(devices, [&] { return devices.all_run(score("img:2")); }));
    REQUIRE(polled_until(devices, [&] { return stack.reason("web", "Progressing") == "Complete"; }));
    CHECK(devices.most_updating <= 3);
    CHECK_FALSE(devices.went_back);
    stack.apply(rolling("img:3"));
    REQUIRE(polled_until(devices, [&] { return devices.all_run(score("img:3")); }));
}

TEST_CASE("a leader that stops hands over at once, and the standby writes nothing before") {
    ClusterStack stack;
    Standby standby(stack);
    standby.wait_until_ready();
    stack.register_device("d0", {});
    stack.apply_object(web("img:1"));
    REQUIRE(eventually([&] { return holds(stack, "img:1"); }));
    CHECK(standby.home.log().find("\"leads\"") == std::string::npos);
    CHECK(stack.process->terminate() == 0);
    REQUIRE(eventually([&] { return standby.home.log().find("\"leads\"") != std::string::npos; }));
    stack.apply_object(web("img:2"));
    REQUIRE(eventually([&] { return holds(stack, "img:2"); }));
}

TEST_CASE("an operator without its permissions refuses to start and names each verb and resource") {
    PreparedCluster cluster(false);
    harmony::runtime::nats_testing::NatsServerFixture server;
    const OperatorHome home(server.url(), cluster.settings(), cluster.name_space());
    OperatorProcess process(home);
    CHECK(process.wait() == 1);
    CHECK_THAT(home.log(),
               Catch::Contains("watch deployments.fleet.nationtech.io in namespace " + cluster.name_space()));
    CHECK_THAT(home.log(), Catch::Contains("patch devices/status.fleet.nationtech.io in the cluster"));
}

TEST_CASE(
    "an operator on a cluster without the fleet's definitions refuses to start and says what is missing") {
    PreparedCluster cluster;
    remove_definitions(*cluster.admin);
    harmony::runtime::nats_testing::NatsServerFixture server;
    const OperatorHome home(server.url(), cluster.settings(), cluster.name_space());
    OperatorProcess process(home);
    CHECK(process.wait() == 1);
    CHECK_THAT(home.log(),
               Catch::Contains("CustomResourceDefinition deployments.fleet.nationtech.io is missing"));
}

TEST_CASE("an operator whose API server is away starts, says so, and begins when it is back") {
    PreparedCluster cluster;
    harmony::runtime::nats_testing::NatsServerFixture server;
    const OperatorHome home(server.url(), cluster.settings(), cluster.name_space());
    auto frozen = std::make_unique<FrozenApiServer>();
    OperatorProcess process(home);
    const bool said =
        eventually([&] { return home.log().find("the API server is away") != std::string::npos; });
    frozen.reset();
    CHECK(said);
    REQUIRE(eventually([&] { return home.log().find("resources listed") != std::string::npos; }));
    REQUIRE(eventually([&] { return !cluster.holder().empty(); }));
}

// Run by name; asserts no duration.
TEST_CASE("how long a change of a Deployment takes until its key is written", "[.][measure]") {
    ClusterStack stack;
    stack.register_device("d0", {});
    stack.apply_object(web("img:0"));
    REQUIRE(eventually([&] { return holds(stack, "img:0"); }));
    std::mutex mutex;
    std::condition_variable arrived;
    std::string last;
    auto subscription = stack.connection->subscribe("$KV.desired-state.d0.web",
                                                    [&](const harmony::runtime::nats::Message& message) {
                                                        const std::lock_guard lock(mutex);
                                                        last = message.payload;
                                                        arrived.notify_all();
                                                    });
    REQUIRE(subscription);
    REQUIRE(stack.connection->flush(std::chrono::seconds(1)));
    std::vector<double> from_request;
    std::vector<double> from_answer;
    for (int number = 1; number <= 100; ++number) {
        const std::string image = "img:" + std::to_string(number);
        const auto begun = std::chrono::steady_clock::now();
        stack.apply_object(web(image));
        const auto answered = std::chrono::steady_clock::now();
        std::unique_lock lock(mutex);
        REQUIRE(
            arrived.wait_for(lock, std::chrono::seconds(30), [&] { return last == score(image).encode(); }));
        const auto written = std::chrono::steady_clock::now();
        from_request.push_back(std::chrono::duration<double, std::milli>(written - begun).count());
        from_answer.push_back(std::chrono::duration<double, std::milli>(written - answered).count());
    }
    std::sort(from_request.begin(), from_request.end());
    std::sort(from_answer.begin(), from_answer.end());
    WARN("milliseconds, p50 and p99: from the request " << from_request[49] << " " << from_request[98]
                                                        << ", from the server's answer " << from_answer[49]
                                                        << " " << from_answer[98]);
}
