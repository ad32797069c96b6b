// How the reconciler's work goes beside other work, step by step.
#include <algorithm>
#include <catch2/catch.hpp>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <system_error>
#include <thread>

#include "harmony/agent/reconciler.hpp"
#include "harmony/podman/fake_runtime.hpp"
#include "manual_clock.hpp"
#include "temporary_directory.hpp"

namespace harmony::agent {
namespace {

namespace podman = runtime::podman;
using contracts::DeploymentName;
using contracts::Phase;
using namespace std::chrono_literals;

const auto kDevice = *contracts::DeviceId::parse("dev");
const auto kApp = *DeploymentName::parse("app");
const std::string kImage = "localhost/x:1";

std::string score(const std::string& members) {
    return contracts::Score{"PodmanV0", "{" + members + "}"}.encode();
}
std::string service(const std::string& image, const std::string& further = "") {
    return R"("services":[{"name":"web","image":")" + image + "\"" + further + "}]";
}
std::string init(const std::string& image) {
    return R"(,"init_containers":[{"name":"prepare","image":")" + image + R"(","timeout":1}])";
}

// Work is queued, so that a test sees the reconciler beside it.
struct Bench {
    testing::TemporaryDirectory directory;
    testing::ManualClock clock;
    std::shared_ptr<podman::FakeContainerRuntime> runtime = podman::FakeContainerRuntime::create_runtime();
    StateBook book{directory.file("states.json"), kDevice, clock};
    std::deque<std::function<void()>> queue;
    int wakes = 0;
    bool no_threads = false;
    std::string missing_path;
    Reconciler reconciler;

    Bench()
        : reconciler(
              {kDevice, true, [this] { ++wakes; },
               [this](const std::string& path) -> Result<void> {
                   if (path == missing_path)
                       return fail(ErrorKind::NotFound, path + " does not exist on this device");
                   return {};
               }},
              [this] { return runtime; },
              [this](std::function<void()> work) {
                  if (no_threads) throw std::system_error(EAGAIN, std::generic_category());
                  queue.push_back(std::move(work));
              },
              book, clock) {
        runtime->add_image(kImage);
    }
    void work() {
        while (!queue.empty()) {
            const auto next = std::move(queue.front());
            queue.pop_front();
            next();
        }
    }
    void converge() {
        for (int i = 0; i < 3; ++i) {
            reconciler.tick();
            work();
        }
        reconciler.tick();
    }
    [[nodiscard]] std::string error(const DeploymentName& name = kApp) const {
        return book.find(name)->last_error.value_or("");
    }
    [[nodiscard]] Phase phase(const DeploymentName& name = kApp) const { return book.find(name)->phase; }
    [[nodiscard]] int count(const std::string& call) const {
        const auto calls = runtime->calls();
        return static_cast<int>(std::count(calls.begin(), calls.end(), call));
    }
};

DeploymentName numbered(int number) {
    return *DeploymentName::parse("app-" + std::to_string(number));
}

// Stays in its pull until it is told to go on.
class PullHold {
 public:
    void wait() {
        std::unique_lock lock(mutex_);
        ++pulling_;
        changed_.notify_all();
        changed_.wait_for(lock, 30s, [&] { return open_; });
    }
    bool reaches(int pulling) {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, 30s, [&] { return pulling_ >= pulling; });
    }
    void open() {
        const std::lock_guard lock(mutex_);
        open_ = true;
        changed_.notify_all();
    }

 private:
    std::mutex mutex_;
    std::condition_variable changed_;
    int pulling_ = 0;
    bool open_ = false;
};

}  // namespace

TEST_CASE("more than a few deployments begin one after another, and none is forgotten") {
    Bench bench;
    HeldDesired held;
    for (int i = 0; i < 3 * kMaxDeploymentsAtWork; ++i)
        held.emplace(numbered(i), score(service(kImage)));
    bench.reconciler.set_desired(held);
    bench.reconciler.tick();
    CHECK(bench.queue.size() == std::size_t{kMaxDeploymentsAtWork});
    int rounds = 0;
    while (!bench.queue.empty() && ++rounds < 10) {
        bench.work();
        bench.reconciler.tick();
    }
    for (const auto& [name, value] : held)
        CHECK(bench.phase(name) == Phase::Running);
}

TEST_CASE("pulls that take long leave their place to other deployments, on threads of their own") {
    testing::TemporaryDirectory directory;
    testing::ManualClock clock;
    const std::shared_ptr<podman::FakeContainerRuntime> runtime =
        podman::FakeContainerRuntime::create_runtime();
    PullHold hold;
    StateBook book(directory.file("states.json"), kDevice, clock);
    std::vector<std::thread> threads;
    runtime->add_image(kImage);
    runtime->add_registry_image("r.example.com/slow:1");
    runtime->on_pull([&](const std::string&) { hold.wait(); });
    Reconciler reconciler(
        {kDevice, true, {}}, [&] { return runtime; },
        [&](std::function<void()> work) { threads.emplace_back(std::move(work)); }, book, clock);
    HeldDesired held;
    for (int i = 0; i < kMaxDeploymentsAtWork; ++i)
        held.emplace(numbered(i), score(service("r.example.com/slow:1")));
    reconciler.set_desired(held);
    reconciler.tick();
    REQUIRE(hold.reaches(kMaxDeploymentsAtWork));
    held.emplace(kApp, score(service(kImage)));
    reconciler.set_desired(held);
    reconciler.tick();
    CHECK(threads.size() == std::size_t{kMaxDeploymentsAtWork + 1});
    threads.back().join();
    threads.pop_back();
    clock.advance(kProgressAfter);
    reconciler.tick();
    CHECK(book.find(kApp)->phase == Phase::Running);
    CHECK(book.find(numbered(0))->phase == Phase::Pending);
    CHECK(book.find(numbered(0))->last_error == "pulling image r.example.com/slow:1");
    hold.open();
    for (std::thread& thread : threads)
        thread.join();
    reconciler.tick();
    CHECK(book.find(numbered(0))->phase == Phase::Running);
}

TEST_CASE("a thread that cannot be had is a failed attempt like any other") {
    Bench bench;
    bench.no_threads = true;
    bench.reconciler.set_desired({{kApp, score(service(kImage))}});
    bench.reconciler.tick();
    bench.reconciler.tick();
    CHECK(bench.phase() == Phase::Failed);
    bench.no_threads = false;
    bench.clock.advance(2s);
    bench.converge();
    CHECK(bench.phase() == Phase::Running);
}

TEST_CASE("a volume that is missing fails before anything is stopped") {
    Bench bench;
    bench.reconciler.set_desired({{kApp, score(service(kImage))}});
    bench.converge();
    const std::string id = bench.book.find(kApp)->containers.at(0).id;
    bench.missing_path = "/nowhere/data";
    bench.reconciler.set_desired({{kApp, score(service(kImage, R"(,"volumes":["/nowhere/data:/data"])"))}});
    bench.converge();
    CHECK(bench.phase() == Phase::Failed);
    CHECK(bench.error().find("/nowhere/data does not exist on this device") != std::string::npos);
    CHECK(bench.book.find(kApp)->containers.at(0).id == id);
    bench.missing_path.clear();
    bench.clock.advance(2s);
    bench.converge();
    CHECK(bench.phase() == Phase::Running);
}

TEST_CASE("the paths of this machine are told apart") {
    CHECK(check_path("/"));
    const auto missing = check_path("/no/such/path");
    REQUIRE_FALSE(missing);
    CHECK(missing.error().kind() == ErrorKind::NotFound);
}

TEST_CASE(
    "init containers run for a fresh set of services, not for a tick, a restart of the agent or a retry") {
    Bench bench;
    bench.runtime->add_image("localhost/init:1");
    bench.runtime->exit_on_start("localhost/init:1", 0);
    const std::string with_init = score(service(kImage) + init("localhost/init:1"));
    bench.runtime->fail_next("create", 2, Error(ErrorKind::Conflict, "port 80 is taken on this device"));
    bench.reconciler.set_desired({{kApp, with_init}});
    bench.reconciler.tick();
    bench.work();
    bench.reconciler.tick();
    CHECK(bench.phase() == Phase::Failed);
    CHECK(bench.error().find("port 80") != std::string::npos);
    CHECK(bench.count("start hf.dev.app.init.prepare") == 1);

    bench.clock.advance(2s);
    bench.converge();
    CHECK(bench.phase() == Phase::Running);
    CHECK(bench.count("start hf.dev.app.init.prepare") == 1);

    StateBook book(bench.directory.file("again.json"), kDevice, bench.clock);
    Reconciler again(
        {kDevice, true, {}}, [&] { return bench.runtime; }, [](const std::function<void()>& work) { work(); },
        book, bench.clock);
    again.set_desired({{kApp, with_init}});
    again.tick();
    CHECK(bench.count("start hf.dev.app.init.prepare") == 1);

    bench.clock.advance(5min);
    REQUIRE(bench.runtime->remove("hf.dev.app.web"));
    bench.converge();
    CHECK(bench.phase() == Phase::Running);
    CHECK(bench.count("start hf.dev.app.init.prepare") == 2);
    CHECK_FALSE(bench.runtime->spec_of("hf.dev.app.init.prepare"));
}

TEST_CASE("how an init container ended is one of two results") {
    CHECK_FALSE(init_failure("x", Exited{0}));
    CHECK(init_failure("x", Exited{3})->text() == "init container x: Exited with code 3");
    CHECK(init_failure("x", TimedOut{7s})->text() == "init container x: TimedOut after 7 s");
}

TEST_CASE("an init container that never ends is removed and named, and the next attempt begins afresh") {
    Bench bench;
    bench.runtime->add_image("localhost/init:1");
    bench.runtime->fail_next("wait", 1, Error(ErrorKind::Timeout, "still running"));
    bench.reconciler.set_desired({{kApp, score(service(kImage) + init("localhost/init:1"))}});
    bench.reconciler.tick();
    bench.work();
    bench.reconciler.tick();
    CHECK(bench.error() == "init container hf.dev.app.init.prepare: TimedOut after 1 s");
    CHECK_FALSE(bench.runtime->spec_of("hf.dev.app.init.prepare"));
    CHECK_FALSE(bench.runtime->spec_of("hf.dev.app.web"));
    bench.runtime->exit_on_start("localhost/init:1", 0);
    bench.clock.advance(2s);
    bench.converge();
    CHECK(bench.phase() == Phase::Running);
}

TEST_CASE("a container is stopped with the grace period it was created with") {
    Bench bench;
    bench.reconciler.set_desired(
        {{kApp, score(service(kImage) + R"(,"lifecycle":{"grace_period_secs":7})")}});
    bench.converge();
    CHECK(bench.runtime->inspect("hf.dev.app.web")->stop_timeout == 7s);
    bench.reconciler.set_desired(
        {{kApp, score(service(kImage) + R"(,"lifecycle":{"grace_period_secs":90})")}});
    bench.converge();
    CHECK(bench.runtime->last_grace() == 7s);
    bench.reconciler.set_desired({});
    bench.converge();
    CHECK(bench.runtime->last_grace() == 90s);
    CHECK(bench.book.find(kApp) == nullptr);
}

TEST_CASE("after a boot what has ended is started again, and is Pending until it runs") {
    Bench bench;
    const std::string wanted = score(service(kImage));
    bench.reconciler.set_desired({{kApp, wanted}});
    bench.converge();
    REQUIRE(bench.book.save());
    REQUIRE(bench.runtime->stop("hf.dev.app.web", 0s));

    StateBook book(bench.directory.file("states.json"), kDevice, bench.clock);
    REQUIRE(book.load());
    std::deque<std::function<void()>> queue;
    Reconciler after(
        {kDevice, true, {}}, [&] { return bench.runtime; },
        [&](std::function<void()> work) { queue.push_back(std::move(work)); }, book, bench.clock);
    after.set_desired({{kApp, wanted}});
    book.reassert();
    CHECK(book.unconfirmed().empty());
    after.tick();
    CHECK(book.find(kApp)->phase == Phase::Pending);
    CHECK(book.unconfirmed().size() == 1);
    queue.front()();
    after.tick();
    CHECK(book.find(kApp)->phase == Phase::Running);
    CHECK(bench.count("create hf.dev.app.web") == 1);
}

TEST_CASE("a runtime that is late after a boot claims nothing of the last life") {
    Bench bench;
    bench.reconciler.set_desired({{kApp, score(service(kImage))}});
    bench.converge();
    REQUIRE(bench.book.save());
    StateBook book(bench.directory.file("states.json"), kDevice, bench.clock);
    REQUIRE(book.load());
    Reconciler after(
        {kDevice, true, {}}, [&] { return bench.runtime; }, [](const std::function<void()>& work) { work(); },
        book, bench.clock);
    after.set_desired({{kApp, score(service(kImage))}});
    bench.runtime->set_available(false);
    after.tick();
    book.reassert();
    CHECK(book.unconfirmed().empty());
    bench.clock.advance(kRuntimeGrace);
    after.tick();
    CHECK(book.find(kApp)->phase == Phase::Failed);
    CHECK(book.unconfirmed().size() == 1);
    bench.runtime->set_available(true);
    after.tick();
    CHECK(book.find(kApp)->phase == Phase::Running);
}

TEST_CASE("a step of the clock does not keep a restarted container from settling") {
    Bench bench;
    bench.reconciler.set_desired({{kApp, score(service(kImage))}});
    bench.converge();
    bench.runtime->set_time(1'700'000'100);
    bench.runtime->exit_container("hf.dev.app.web", 1);
    bench.clock.step(-24h);
    bench.reconciler.tick();
    CHECK(bench.phase() == Phase::Failed);
    bench.clock.advance(kSettleTime);
    bench.reconciler.tick();
    CHECK(bench.phase() == Phase::Running);
}

TEST_CASE("a start of the agent's own is no restart, also where somebody looks while the work goes on") {
    Bench bench;
    bench.runtime->set_time(1'000);
    bench.reconciler.set_desired(
        {{kApp,
          score(
              R"("services":[{"name":"web","image":"localhost/x:1"},{"name":"db","image":"localhost/x:1"}])")}});
    bench.converge();
    REQUIRE(bench.phase() == Phase::Running);
    bench.clock.advance(2min);
    for (const char* name : {"hf.dev.app.web", "hf.dev.app.db"})
        REQUIRE(bench.runtime->stop(name, 0s));
    bench.runtime->set_time(1'100);
    bench.reconciler.tick();
    REQUIRE(bench.queue.size() == 1);
    REQUIRE(bench.runtime->start("hf.dev.app.web"));  // as the work does first
    bench.reconciler.tick();
    bench.work();
    bench.reconciler.tick();
    CHECK(bench.phase() == Phase::Running);
    CHECK(bench.error().empty());
}

TEST_CASE("a new score ends the work on the old one, whose outcome says nothing") {
    Bench bench;
    bench.reconciler.set_desired({{kApp, score(service("localhost/none:1"))}});
    bench.reconciler.tick();
    bench.reconciler.set_desired({{kApp, score(service(kImage))}});
    bench.work();
    bench.reconciler.tick();
    CHECK(bench.phase() == Phase::Pending);
    CHECK(bench.queue.size() == 1);
    bench.work();
    bench.reconciler.tick();
    CHECK(bench.phase() == Phase::Running);
}

}  // namespace harmony::agent
