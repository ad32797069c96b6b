#include "harmony/agent/reconciler.hpp"

#include <catch2/catch.hpp>
#include <fstream>

#include "harmony/podman/fake_runtime.hpp"
#include "manual_clock.hpp"
#include "temporary_directory.hpp"

namespace harmony::agent {
namespace {

namespace podman = runtime::podman;
using contracts::Phase;
using namespace std::chrono_literals;

const auto kDevice = *contracts::DeviceId::parse("dev");
const auto kApp = *contracts::DeploymentName::parse("app");
const auto kOther = *contracts::DeploymentName::parse("other");
const std::string kImage = "localhost/x:1";

std::string score(const std::string& image, const std::string& further = "") {
    return contracts::Score{"PodmanV0",
                            R"({"services":[{"name":"web","image":")" + image + "\"" + further + "}]}"}
        .encode();
}

struct Bench {
    testing::TemporaryDirectory directory;
    testing::ManualClock clock;
    std::shared_ptr<podman::FakeContainerRuntime> runtime = podman::FakeContainerRuntime::create_runtime();
    StateBook book{directory.file("states.json"), kDevice, clock};
    Reconciler reconciler;

    explicit Bench(bool runtime_enabled = true)
        : reconciler(
              {kDevice, runtime_enabled, {}}, [this] { return runtime; },
              [](const std::function<void()>& work) { work(); }, book, clock) {
        runtime->add_image(kImage);
    }
    // The work runs within the first tick; the second one sees what it did.
    void ticks() {
        reconciler.tick();
        reconciler.tick();
    }
    std::chrono::milliseconds now() const {
        return std::chrono::duration_cast<std::chrono::milliseconds>(clock.steady().time_since_epoch());
    }
    Phase phase(const contracts::DeploymentName& name) const { return book.find(name)->phase; }
    std::string error(const contracts::DeploymentName& name) const {
        return book.find(name)->last_error.value_or("");
    }
};

}  // namespace

TEST_CASE("what is desired gets created once and then left alone") {
    Bench bench;
    bench.reconciler.set_desired({{kApp, score(kImage)}});
    bench.ticks();
    CHECK(bench.phase(kApp) == Phase::Running);
    bench.runtime->forget_calls();
    bench.clock.advance(1h);
    bench.reconciler.set_desired({{kApp, score(kImage)}});
    bench.ticks();
    CHECK(bench.runtime->calls() == std::vector<std::string>{"list", "list"});
}

TEST_CASE(
    "a deployment that cannot run is Failed with its reason, waits longer each time, and others go on") {
    Bench bench;
    bench.reconciler.set_desired({{kApp, score("localhost/none:1")}, {kOther, score(kImage)}});
    bench.ticks();
    CHECK(bench.phase(kOther) == Phase::Running);
    CHECK(bench.phase(kApp) == Phase::Failed);
    CHECK(bench.error(kApp).find("localhost/none:1") != std::string::npos);
    CHECK(bench.reconciler.next_due().has_value());

    bench.runtime->forget_calls();
    bench.ticks();
    CHECK(bench.runtime->calls() == std::vector<std::string>{"list", "list"});
    bench.runtime->add_image("localhost/none:1");
    bench.clock.advance(2s);
    bench.ticks();
    CHECK(bench.phase(kApp) == Phase::Running);
}

TEST_CASE("each attempt waits longer than the last, up to a minute, and no two deployments wait in step") {
    const std::string app_image = "localhost/none:1";
    const std::string other_image = "localhost/none:2";
    Bench bench;
    std::map<std::string, std::vector<std::chrono::milliseconds>> attempts;
    const auto pass = [&](std::chrono::milliseconds time) {
        constexpr auto kStep = 50ms;
        for (auto passed = 0ms; passed < time; passed += kStep) {
            bench.runtime->forget_calls();
            bench.ticks();
            for (const std::string& call : bench.runtime->calls())
                if (call.starts_with("image_exists ")) attempts[call.substr(13)].push_back(bench.now());
            bench.clock.advance(kStep);
        }
    };
    bench.reconciler.set_desired({{kApp, score(app_image)}, {kOther, score(other_image)}});
    pass(5min);
    REQUIRE(attempts[app_image].size() > 6);
    CHECK(attempts[app_image] != attempts[other_image]);
    auto longest = 1000ms;
    for (std::size_t i = 1; i < attempts[app_image].size(); ++i) {
        const auto waited = attempts[app_image][i] - attempts[app_image][i - 1];
        INFO("attempt " << i << " after " << waited.count() << " ms");
        CHECK(waited >= longest / 2);
        CHECK(waited <= longest + 50ms);
        longest = std::min<std::chrono::milliseconds>(2 * longest, 60s);
    }

    // Another score is tried at once, and begins anew.
    attempts.clear();
    bench.reconciler.set_desired({{kApp, score(app_image, R"(,"env":{"A":"1"})")}, {kOther, score(kImage)}});
    const auto changed = bench.now();
    pass(2s);
    REQUIRE(attempts[app_image].size() > 1);
    CHECK(attempts[app_image][0] == changed);
    CHECK(bench.phase(kOther) == Phase::Running);

    // What has run for long begins anew as well.
    attempts.clear();
    bench.runtime->add_image(app_image);
    pass(2min);
    REQUIRE(bench.phase(kApp) == Phase::Running);
    attempts.clear();
    bench.runtime->fail_next("create", 1, Error(ErrorKind::Conflict, "port 80 is taken on this device"));
    REQUIRE(bench.runtime->remove("hf.dev.app.web"));
    pass(2s);
    CHECK(attempts[app_image].size() == 2);
    CHECK(bench.phase(kApp) == Phase::Running);
}

TEST_CASE("a changed image that is missing costs no running container") {
    Bench bench;
    bench.reconciler.set_desired({{kApp, score(kImage)}});
    bench.ticks();
    const std::string id = bench.book.find(kApp)->containers.at(0).id;
    bench.reconciler.set_desired({{kApp, score("localhost/none:1")}});
    bench.ticks();
    CHECK(bench.phase(kApp) == Phase::Failed);
    CHECK(bench.book.find(kApp)->containers.at(0).id == id);
}

TEST_CASE("a withdrawn deployment is removed with its state, a foreign container stays") {
    Bench bench;
    podman::ContainerSpec foreign;
    foreign.name = "hf.dev.app.web2";
    foreign.image = kImage;
    foreign.labels = {{std::string(contracts::kDeviceLabel), "dev"}};
    REQUIRE(bench.runtime->create(foreign));
    bench.reconciler.set_desired({{kApp, score(kImage)}});
    bench.ticks();
    bench.reconciler.set_desired({});
    bench.ticks();
    CHECK(bench.book.find(kApp) == nullptr);
    CHECK_FALSE(bench.runtime->spec_of("hf.dev.app.web"));
    CHECK(bench.runtime->spec_of("hf.dev.app.web2"));
    REQUIRE(bench.book.unconfirmed().size() == 1);
    CHECK_FALSE(bench.book.unconfirmed()[0].state);
}

TEST_CASE("containers that nothing explains stay until the desired state is known") {
    Bench bench;
    bench.reconciler.set_desired({{kApp, score(kImage)}});
    bench.ticks();
    StateBook book(bench.directory.file("fresh.json"), kDevice, bench.clock);
    Reconciler fresh(
        {kDevice, true, {}}, [&] { return bench.runtime; }, [](const std::function<void()>& work) { work(); },
        book, bench.clock);
    fresh.tick();
    CHECK(bench.runtime->spec_of("hf.dev.app.web"));
    fresh.set_desired({});
    fresh.tick();
    CHECK_FALSE(bench.runtime->spec_of("hf.dev.app.web"));
}

TEST_CASE("a runtime that is away is Pending at first, then Failed, and forgotten when it is back") {
    Bench bench;
    bench.runtime->set_available(false);
    bench.reconciler.set_desired({{kApp, score(kImage)}});
    bench.ticks();
    CHECK(bench.phase(kApp) == Phase::Pending);
    CHECK(bench.error(kApp).starts_with("RuntimeUnavailable"));
    CHECK_FALSE(bench.reconciler.runtime_state());
    bench.clock.advance(kRuntimeGrace);
    bench.ticks();
    CHECK(bench.phase(kApp) == Phase::Failed);
    bench.runtime->set_available(true);
    bench.ticks();
    CHECK(bench.phase(kApp) == Phase::Running);
    CHECK(bench.reconciler.runtime_state());
}

TEST_CASE("an init container that fails keeps its services from starting and names its exit code") {
    Bench bench;
    bench.runtime->add_image("localhost/init:1");
    bench.runtime->exit_on_start("localhost/init:1", 7);
    const contracts::Score wanted{"PodmanV0",
                                  R"({"services":[{"name":"web","image":"localhost/x:1"}],)"
                                  R"("init_containers":[{"name":"prepare","image":"localhost/init:1"}]})"};
    bench.reconciler.set_desired({{kApp, wanted.encode()}});
    bench.ticks();
    CHECK(bench.error(kApp).find("prepare: Exited with code 7") != std::string::npos);
    CHECK_FALSE(bench.runtime->spec_of("hf.dev.app.web"));
    CHECK_FALSE(bench.runtime->spec_of("hf.dev.app.init.prepare"));
    bench.runtime->exit_on_start("localhost/init:1", 0);
    bench.clock.advance(2s);
    bench.ticks();
    CHECK(bench.phase(kApp) == Phase::Running);
}

TEST_CASE("a score that is none and a device without a runtime are reported") {
    Bench bench;
    bench.reconciler.set_desired({{kApp, "{"}, {kOther, contracts::Score{"Helm", "{}"}.encode()}});
    bench.ticks();
    CHECK(bench.phase(kApp) == Phase::Failed);
    CHECK(bench.error(kOther).find("Helm") != std::string::npos);

    Bench without(false);
    without.reconciler.set_desired({{kApp, score(kImage)}});
    without.ticks();
    CHECK(without.phase(kApp) == Phase::Failed);
    CHECK(without.error(kApp).find("runtime_enabled") != std::string::npos);
    CHECK(without.runtime->calls().empty());
    without.reconciler.set_desired({});
    without.ticks();
    CHECK(without.book.find(kApp) == nullptr);
}

TEST_CASE("states only ever move forward in time, also across a step of the clock and a restart") {
    testing::TemporaryDirectory directory;
    testing::ManualClock clock;
    const NewState failed{Phase::Failed, "x", "0123456789abcdef", {}};
    const NewState pending{Phase::Pending, std::nullopt, "0123456789abcdef", {}};
    contracts::Timestamp before;
    {
        StateBook book(directory.file("states.json"), kDevice, clock);
        REQUIRE(book.load());
        CHECK(book.set(kApp, pending));
        CHECK_FALSE(book.set(kApp, pending));
        before = book.find(kApp)->last_event_at;
        clock.step(-1h);
        CHECK(book.set(kApp, failed));
        CHECK(book.find(kApp)->last_event_at > before);
        before = book.find(kApp)->last_event_at;
        book.remove(kOther);
        REQUIRE(book.save());
    }
    StateBook book(directory.file("states.json"), kDevice, clock);
    REQUIRE(book.load());
    CHECK(book.find(kApp)->phase == Phase::Failed);
    // What the last life knew is told once this one has seen it too.
    book.reassert();
    CHECK(book.unconfirmed().size() == 1);
    CHECK_FALSE(book.set(kApp, failed));
    CHECK(book.unconfirmed().size() == 2);
    CHECK(book.set(kApp, pending));
    CHECK(book.find(kApp)->last_event_at > before);

    std::ofstream(directory.file("states.json")) << "{";
    StateBook corrupt(directory.file("states.json"), kDevice, clock);
    const auto loaded = corrupt.load();
    REQUIRE_FALSE(loaded);
    CHECK(loaded.error().kind() == ErrorKind::Corrupt);
    CHECK(corrupt.states().empty());
}

}  // namespace harmony::agent
