// A cluster in memory around a real nats-server: its Secret becomes the server's files when its pod is
// touched.
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <future>
#include <harmony/plugin/testing/fake_host.hpp>
#include <harmony/plugin/testing/fake_kubernetes.hpp>

#include "harmony/contracts/device_permissions.hpp"
#include "harmony/http/base64.hpp"
#include "harmony/nats_testing/nats_server.hpp"
#include "server_config.hpp"
#include "system_account.hpp"

using namespace harmony::plugin;
using namespace harmony::plugin::testing;
using harmony::runtime::nats_testing::NatsServerFixture;
namespace contracts = harmony::contracts;
namespace fleet_nats = harmony::fleet_nats;
namespace runtime = harmony::runtime;

namespace {

class Folder {
 public:
    Folder() {
        std::string pattern = (std::filesystem::temp_directory_path() / "harmony-users-XXXXXX").string();
        if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary directory");
        path = pattern;
    }
    ~Folder() {
        std::error_code ignored;
        std::filesystem::remove_all(path, ignored);
    }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    std::filesystem::path path;
};

// Does what a node does: a pod that is touched gets its Secret's files.
class NodeCluster final : public Kubernetes {
 public:
    explicit NodeCluster(std::filesystem::path folder) : folder_(std::move(folder)) {}

    Result<KubernetesCluster> info() override { return objects.info(); }
    Result<std::vector<KubernetesChange>> diff(const KubernetesBatch& batch) override {
        return objects.diff(batch);
    }
    Result<std::vector<KubernetesApplied>> apply(const KubernetesBatch& batch) override {
        if (batch.objects.size() == 1 && batch.objects.front()["kind"] == Json("Pod")) {
            ++hurried;
            write_files();
            return std::vector<KubernetesApplied>();
        }
        return objects.apply(batch);
    }
    Result<std::optional<Json>> get(const KubernetesRef& ref) override { return objects.get(ref); }
    Result<std::vector<Json>> list(const KubernetesQuery& query) override { return objects.list(query); }
    Result<std::vector<KubernetesRef>> owned(const KubernetesInventory& inventory) override {
        return objects.owned(inventory);
    }
    Result<bool> remove(const KubernetesRemoval& removal) override { return objects.remove(removal); }
    Result<std::vector<KubernetesReady>> wait(const KubernetesRollout& rollout) override {
        return objects.wait(rollout);
    }
    Result<bool> ensure_namespace(const std::string& name, int timeout_s) override {
        return objects.ensure_namespace(name, timeout_s);
    }
    Result<KubernetesAddress> reach(const KubernetesServicePort& service) override {
        return objects.reach(service);
    }

    void write_files() {
        const auto secret = objects.get({"v1", "Secret", "fleet", "fleet-nats-config"}).value();
        for (const char* name : {fleet_nats::kUsersFile, fleet_nats::kSystemFile}) {
            std::ofstream stream(folder_ / name, std::ios::binary);
            stream << runtime::http::decode_base64((*secret)["data"][name].string_or("")).value();
        }
    }

    FakeKubernetes objects;
    int hurried = 0;

 private:
    std::filesystem::path folder_;
};

struct Fixture {
    Fixture() {
        host.offer<Kubernetes>(cluster);
        host.offer<SecretStore>(secrets);
    }
    ScoreHandle score(const std::string& devices) {
        return host
            .score("FleetNatsScore",
                   Json::parse(R"({"namespace":"fleet","image":"x","devices":[)" + devices + "]}").value())
            .value();
    }
    void apply(ScoreHandle& handle) {
        const auto plan = handle.plan().value();
        for (const auto& step : plan.steps) {
            INFO(step.id);
            REQUIRE(handle.apply(step));
        }
    }
    std::unique_ptr<NatsServerFixture> start_server() {
        cluster.write_files();
        // An include is looked for beside the server's own file.
        const std::string files = "../" + folder.path.filename().string() + "/";
        auto server = std::make_unique<NatsServerFixture>(runtime::nats_testing::NatsServerOptions{
            .extra_config = "include \"" + files + fleet_nats::kSystemFile +
                            "\"\nauthorization: { include \"" + files + fleet_nats::kUsersFile + "\" }\n"});
        cluster.objects.expose("fleet-nats", "client",
                               {"127.0.0.1", server->port(), KubernetesRoute::NodePort});
        return server;
    }
    static bool all_ok(const std::vector<Check>& checks) {
        for (const auto& check : checks) {
            INFO(check.name << ": " << check.detail);
            CHECK(check.ok);
            if (!check.ok) return false;
        }
        return true;
    }

    Folder folder;
    FakeHost host{harmony_plugin_entry_1};
    NodeCluster cluster{folder.path};
    FakeSecretStore secrets;
};

}  // namespace

TEST_CASE("a device more is let in without a restart, and who is connected stays so") {
    Fixture fixture;
    auto one = fixture.score(R"("edge-north")");
    fixture.apply(one);
    const auto server = fixture.start_server();
    REQUIRE(Fixture::all_ok(one.verify().value()));
    CHECK(fixture.cluster.hurried == 0);

    std::atomic<int> lost{0};
    const auto north = contracts::DeviceId::parse("edge-north").value();
    auto options = server->connection_options();
    options.credentials = {contracts::device_user(north),
                           fixture.secrets.values().at("nats/device/edge-north")};
    options.inbox_prefix = contracts::device_inbox_prefix(north);
    const auto connection = runtime::nats::make_nats_connection(std::move(options));
    runtime::nats::ConnectionEvents events;
    events.on_disconnected = [&](const harmony::Error&) { ++lost; };
    REQUIRE(connection->start(events));

    auto two = fixture.score(R"("edge-north","edge-south")");
    const auto start = [&] {
        return (*fixture.cluster.objects.get({"apps/v1", "StatefulSet", "fleet", "fleet-nats"})
                     .value())["spec"]["template"];
    };
    const Json before = start();
    const int pid = server->pid();
    fixture.apply(two);
    CHECK(fixture.cluster.hurried > 0);
    CHECK(start() == before);
    CHECK(server->pid() == pid);
    CHECK(two.plan().value().steps.empty());
    REQUIRE(Fixture::all_ok(two.verify().value()));
    REQUIRE(connection->flush(std::chrono::seconds(5)));
    CHECK(lost == 0);
    connection->close();
}

TEST_CASE("verify asks again while a server can't be reached yet") {
    Fixture fixture;
    auto one = fixture.score(R"("edge-north")");
    fixture.apply(one);
    const auto server = fixture.start_server();
    server->stop();
    auto verified = std::async(std::launch::async, [&] { return one.verify(); });
    CHECK(verified.wait_for(std::chrono::seconds(1)) == std::future_status::timeout);
    server->start();
    REQUIRE(Fixture::all_ok(verified.get().value()));
}

TEST_CASE("a device that is no longer named is shut out at once") {
    Fixture fixture;
    auto two = fixture.score(R"("edge-north","edge-south")");
    fixture.apply(two);
    const auto server = fixture.start_server();
    REQUIRE(Fixture::all_ok(two.verify().value()));
    const std::string password = fixture.secrets.values().at("nats/device/edge-south");
    auto one = fixture.score(R"("edge-north")");
    fixture.apply(one);
    REQUIRE(Fixture::all_ok(one.verify().value()));
    auto options = server->connection_options();
    options.credentials = {contracts::device_user(contracts::DeviceId::parse("edge-south").value()),
                           password};
    options.retry_first_connect = false;
    const auto started = runtime::nats::make_nats_connection(std::move(options))->start({});
    REQUIRE_FALSE(started);
    CHECK(started.error().kind() == harmony::ErrorKind::PermissionDenied);
}

TEST_CASE("a server with other users than the cluster's is told by verify") {
    Fixture fixture;
    auto one = fixture.score(R"("edge-north")");
    fixture.apply(one);
    const auto server = fixture.start_server();
    // Somebody has written the server's users by hand since, and the server has loaded them.
    std::ofstream(fixture.folder.path / fleet_nats::kSystemFile)
        << fleet_nats::system_config(fixture.secrets.values().at("nats/system"), "users:other");
    auto account =
        fleet_nats::SystemAccount::connect(server->url(), fixture.secrets.values().at("nats/system"));
    REQUIRE(account);
    CHECK(account->ask().value().version.starts_with("2."));
    server->restart();
    const auto checks = one.verify().value();
    const auto wrong =
        std::find_if(checks.begin(), checks.end(), [](const Check& check) { return !check.ok; });
    REQUIRE(wrong != checks.end());
    CHECK(wrong->name == "nats-server has loaded its users");
    CHECK(wrong->detail.find("users:other") != std::string::npos);
}
