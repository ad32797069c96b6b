#include "harmony/podman/fake_runtime.hpp"

#include <catch2/catch.hpp>

#include "runtime_behaviour.hpp"

namespace harmony::runtime::podman::testing {
namespace {

void on_fake(void (*behaviour)(const Subject&)) {
    const auto runtime = FakeContainerRuntime::create_runtime();
    runtime->add_image("localhost/sleeper:latest");
    behaviour({.runtime = *runtime, .image = "localhost/sleeper:latest", .run_id = "fake", .is_fake = true});
}

}  // namespace

TEST_CASE("a container is created, started, stopped and removed on the fake") {
    on_fake(a_container_lives);
}
TEST_CASE("the fake tells absence and conflict apart") {
    on_fake(absence_and_conflict_are_told_apart);
}
TEST_CASE("the fake lists containers by labels") {
    on_fake(containers_are_listed_by_labels);
}
TEST_CASE("the fake tells events") {
    on_fake(events_are_told);
}

TEST_CASE("commands run in a container of the fake") {
    on_fake(commands_run_in_a_container);
}

TEST_CASE("the fake tells lines as they come, from where a reader stands, until the container ends") {
    const auto runtime = FakeContainerRuntime::create_runtime();
    runtime->add_image("i");
    ContainerSpec spec;
    spec.name = "web";
    spec.image = "i";
    REQUIRE(runtime->create(spec));
    REQUIRE(runtime->start("web"));
    runtime->set_logs("web", {{"stdout", "one"}, {"stdout", "two"}});
    const auto tail = runtime->logs("web", {.lines = 1});
    REQUIRE(tail);
    REQUIRE(tail->lines.size() == 1);
    runtime->append_log("web", {"stdout", "three"});
    std::vector<std::string> lines;
    const auto followed = runtime->follow_logs("web", tail->position, 100,
                                               [&](LogLine line, const LogPosition&) {
                                                   lines.push_back(line.text);
                                                   if (lines.size() == 1) runtime->exit_container("web", 0);
                                                   return true;
                                               },
                                               {});
    CHECK(followed);
    CHECK(lines == std::vector<std::string>{"three"});
}

TEST_CASE("the fake records calls, fails the n-th and goes away") {
    const auto runtime = FakeContainerRuntime::create_runtime();
    runtime->add_image("i");
    ContainerSpec spec;
    spec.name = "web";
    spec.image = "i";
    runtime->fail_next("create", 2, Error(ErrorKind::Internal, "disk full"));
    const auto id = runtime->create(spec);
    REQUIRE(id);
    REQUIRE(runtime->remove(*id));
    CHECK(runtime->create(spec).error().text() == "disk full");
    REQUIRE(runtime->create(spec));
    CHECK(runtime->calls() ==
          std::vector<std::string>{"create web", "remove web", "create web", "create web"});
    CHECK(runtime->spec_of("web") == spec);
    runtime->set_available(false);
    CHECK(runtime->list({}).error().kind() == ErrorKind::Unavailable);
}

TEST_CASE("the fake pulls only what its registry has and honours restart policies") {
    const auto runtime = FakeContainerRuntime::create_runtime();
    runtime->add_registry_image("r/web");
    CHECK(runtime->pull("r/absent", {}, {}).error().kind() == ErrorKind::NotFound);
    REQUIRE(runtime->pull("r/web", {}, {}));
    ContainerSpec spec;
    spec.name = "always";
    spec.image = "r/web";
    spec.restart_policy = RestartPolicy::Always;
    REQUIRE(runtime->create(spec));
    REQUIRE(runtime->start("always"));
    runtime->exit_container("always", 0);
    CHECK(runtime->inspect("always")->status == ContainerStatus::Running);
    CHECK(runtime->inspect("always")->restart_count == 1);
    runtime->exit_on_start("r/web", 3);
    spec.name = "init";
    spec.restart_policy = RestartPolicy::No;
    REQUIRE(runtime->create(spec));
    REQUIRE(runtime->start("init"));
    CHECK(*runtime->wait("init", std::chrono::seconds{1}, {}) == 3);
}

}  // namespace harmony::runtime::podman::testing
