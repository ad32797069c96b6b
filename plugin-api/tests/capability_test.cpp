// Each capability's client speaks to its own server through JSON: what goes in has to come out.
#include <catch2/catch.hpp>
#include <harmony/plugin/testing/fake_capabilities.hpp>

using namespace harmony::plugin;
using namespace harmony::plugin::testing;

namespace {

// Passes text, as the boundary does.
template <class C>
class Loop final : public CapabilityCaller {
 public:
    explicit Loop(C& server) : server_(server) {}
    Result<Json> call(std::string_view capability, std::string_view method, const Json& params) override {
        CHECK(capability == C::kId);
        auto parsed = Json::parse(params.dump());
        REQUIRE(parsed);
        auto result = C::dispatch(server_, method, *parsed);
        if (!result) return result;
        return Json::parse(result->dump());
    }

 private:
    C& server_;
};

DaemonSpec full_spec() {
    return {.name = "web",
            .program = "busybox",
            .args = {"httpd", "-p", "@{port:http}"},
            .env = {{"A", "b"}},
            .files = {{.path = "index.html", .content = "hi\n", .mode = "0644", .reloadable = true}},
            .ports = {{.name = "http", .port = 0}},
            .readiness = {.kind = ReadinessKind::Http, .port = "http", .path = "/x", .timeout_s = 5},
            .reload_signal = "HUP",
            .stop = {.signal = "INT", .grace_s = 3},
            .restart = {.initial_ms = 1, .max_ms = 2, .reset_after_s = 3}};
}

}  // namespace

TEST_CASE("process-host: a specification arrives whole and a daemon comes back whole") {
    FakeProcessHost host;
    Loop<ProcessHost> loop(host);
    auto client = ProcessHost::client(loop);

    CHECK(client->plan(full_spec())->action == DaemonAction::Create);
    auto ensured = client->ensure(full_spec());
    REQUIRE(ensured);
    REQUIRE(host.spec("web") != nullptr);
    CHECK(*host.spec("web") == full_spec());
    auto inspected = client->inspect("web");
    REQUIRE(inspected);
    REQUIRE(*inspected);
    CHECK(**inspected == ensured->daemon);
    CHECK(ensured->daemon.ports.at("http") > 0);
    CHECK(client->list()->size() == 1);
    CHECK(client->plan(full_spec())->action == DaemonAction::None);

    auto changed = full_spec();
    changed.files[0].content = "other";
    CHECK(client->plan(changed)->action == DaemonAction::Reload);
    host.lose("web");
    CHECK(client->plan(full_spec())->action == DaemonAction::Restart);
    CHECK(client->restart("web")->state == DaemonState::Running);
    host.set_logs("web", {"one", "two", "three"});
    CHECK(*client->logs("web", 2) == std::vector<std::string>{"two", "three"});

    CHECK(*client->remove("web", false));
    CHECK(host.data().contains("web"));
    CHECK(*client->kept_data() == std::vector<std::string>{"web"});
    CHECK(*client->remove("web", true));
    CHECK(client->kept_data()->empty());
    CHECK_FALSE(*client->remove("web", true));
    CHECK_FALSE(host.data().contains("web"));
    CHECK_FALSE(client->inspect("web")->has_value());
}

TEST_CASE("process-host: a daemon is stopped, started and killed") {
    FakeProcessHost host;
    Loop<ProcessHost> loop(host);
    auto client = ProcessHost::client(loop);
    const auto first = client->ensure(full_spec())->daemon;
    REQUIRE(client->signal("web", "KILL"));
    const auto second = client->inspect("web").value().value();
    CHECK(second.pid != first.pid);
    CHECK(second.restarts == 1);
    CHECK(client->stop("web")->state == DaemonState::Stopped);
    CHECK(client->signal("web", "KILL").error().code == "process-host.not-running");
    CHECK(client->plan(full_spec())->action == DaemonAction::Restart);
    CHECK(client->restart("web")->state == DaemonState::Running);
}

// What a topology was that knew only the methods of the first day.
class EarlyProcessHost : public FakeProcessHost {
 public:
    Result<Daemon> stop(const std::string& name) override { return ProcessHost::stop(name); }
    Result<void> signal(const std::string& name, const std::string& signal) override {
        return ProcessHost::signal(name, signal);
    }
    Result<std::vector<std::string>> kept_data() override { return ProcessHost::kept_data(); }
};

TEST_CASE("process-host: methods that joined later are unknown to an earlier topology") {
    EarlyProcessHost host;
    Loop<ProcessHost> loop(host);
    auto client = ProcessHost::client(loop);
    CHECK(client->stop("web").error().code == "capability.unknown-method");
    CHECK(client->signal("web", "KILL").error().code == "capability.unknown-method");
    CHECK(client->kept_data().error().code == "capability.unknown-method");
}

TEST_CASE("process-host: wrong parameters are refused with their path, without file contents") {
    FakeProcessHost host;
    auto json =
        Json::parse(R"({"spec":{"name":"web","program":"p","files":[{"path":"a","content":[31337]}]}})");
    auto result = ProcessHost::dispatch(host, "ensure", *json);
    REQUIRE_FALSE(result);
    CHECK(result.error().path == "spec.files[0].content");
    CHECK(result.error().summary.find("31337") == std::string::npos);
    CHECK(host.calls().empty());
    CHECK_FALSE(ProcessHost::dispatch(host, "ensure", Json::object()));
    CHECK(ProcessHost::dispatch(host, "explode", Json::object()).error().status == HP_E_METHOD);
}

TEST_CASE("secret-store: values travel, names are checked, a fault reaches the caller") {
    FakeSecretStore store;
    Loop<SecretStore> loop(store);
    auto client = SecretStore::client(loop);

    auto made = client->ensure("nats/admin", 32);
    REQUIRE(made);
    CHECK(made->created);
    CHECK(made->value.size() == 43);
    CHECK_FALSE(client->ensure("nats/admin", 32)->created);
    CHECK(*client->get("nats/admin") == made->value);
    REQUIRE(client->put("nats/device/a", "v"));
    CHECK(*client->list("nats/device/") == std::vector<std::string>{"nats/device/a"});
    CHECK(*client->remove("nats/device/a"));
    CHECK(client->get("nats/device/a").error().code == SecretStore::kNotFound);
    CHECK(client->get("../etc/passwd").error().path == "name");

    store.fail_call(1, {.code = "secret-store.locked", .summary = "locked"});
    CHECK(client->get("nats/admin").error().code == "secret-store.locked");
    CHECK(client->get("nats/admin"));
}

TEST_CASE("service-directory: endpoints of daemons are found") {
    FakeProcessHost host;
    REQUIRE(host.ensure(full_spec()));
    FakeServiceDirectory directory(host);
    Loop<ServiceDirectory> loop(directory);
    auto client = ServiceDirectory::client(loop);
    CHECK(client->resolve("web", "http")->host == "127.0.0.1");
    CHECK(client->resolve("web", "none").error().code == ServiceDirectory::kNotFound);
    CHECK(client->list()->size() == 1);
}

TEST_CASE("container-runtime: containers are selected by label and never removed without one") {
    FakeContainerRuntime runtime;
    runtime.add({.id = "1", .name = "a", .image = "i", .state = "running", .labels = {{"k", "v"}}});
    runtime.add({.id = "2", .name = "b", .image = "i", .state = "running"});
    runtime.add_image("i");
    Loop<ContainerRuntime> loop(runtime);
    auto client = ContainerRuntime::client(loop);
    CHECK_FALSE(client->info()->running);
    CHECK(client->ensure()->socket == client->info()->socket);
    CHECK(client->info()->running);
    CHECK(client->containers({})->size() == 2);
    CHECK(client->containers({{"k", "v"}})->front().id == "1");
    CHECK(client->remove_containers({}).error().path == "labels");
    CHECK(*client->remove_containers({{"k", "v"}}) == 1);
    CHECK(*client->image_exists("i"));
    CHECK_FALSE(*client->image_exists("j"));
}
