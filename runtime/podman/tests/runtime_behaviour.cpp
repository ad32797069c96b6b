#include "runtime_behaviour.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <chrono>
#include <mutex>
#include <thread>

namespace harmony::runtime::podman::testing {

using namespace std::chrono_literals;

ContainerSpec spec_for(const Subject& subject, const std::string& name) {
    ContainerSpec spec;
    spec.name = "harmony-test-" + subject.run_id + "-" + name;
    spec.image = subject.image;
    spec.labels = {{"io.nationtech.harmony/test-run", subject.run_id}, {"service", name}};
    spec.network_mode = "none";
    spec.stop_timeout = 1s;
    return spec;
}

void a_container_lives(const Subject& subject) {
    ContainerRuntime& runtime = subject.runtime;
    const ContainerSpec spec = spec_for(subject, "life");
    const auto id = runtime.create(spec);
    INFO((id ? "" : id.error().text()));
    REQUIRE(id);
    CHECK(runtime.inspect(spec.name)->status == ContainerStatus::Created);
    REQUIRE(runtime.start(*id));
    REQUIRE(runtime.start(*id));
    const auto running = runtime.inspect(spec.name);
    REQUIRE(running);
    CHECK(running->id == *id);
    CHECK(running->name == spec.name);
    CHECK(running->image == subject.image);
    CHECK(running->status == ContainerStatus::Running);
    CHECK(running->labels.at("service") == "life");
    CHECK(running->started_at > 1'600'000'000);
    const auto early = runtime.wait(*id, 50ms, {});
    REQUIRE_FALSE(early);
    CHECK(early.error().kind() == ErrorKind::Timeout);
    REQUIRE(runtime.stop(*id, 0s));
    REQUIRE(runtime.stop(*id, 0s));
    const auto code = runtime.wait(*id, 10s, {});
    REQUIRE(code);
    CHECK(*code >= 128);
    CHECK(runtime.inspect(*id)->status == ContainerStatus::Exited);
    REQUIRE(runtime.start(*id));
    REQUIRE(runtime.remove(*id));
    CHECK(runtime.inspect(*id).error().kind() == ErrorKind::NotFound);
}

void absence_and_conflict_are_told_apart(const Subject& subject) {
    ContainerRuntime& runtime = subject.runtime;
    const std::string absent = "harmony-test-" + subject.run_id + "-absent";
    CHECK(runtime.inspect(absent).error().kind() == ErrorKind::NotFound);
    CHECK(runtime.start(absent).error().kind() == ErrorKind::NotFound);
    CHECK(runtime.stop(absent, 0s).error().kind() == ErrorKind::NotFound);
    CHECK(runtime.remove(absent).error().kind() == ErrorKind::NotFound);
    CHECK(runtime.logs(absent, {}).error().kind() == ErrorKind::NotFound);
    CHECK(runtime.wait(absent, 1s, {}).error().kind() == ErrorKind::NotFound);
    CHECK(*runtime.image_exists(subject.image));
    CHECK_FALSE(*runtime.image_exists("localhost/harmony-test-absent:latest"));
    ContainerSpec spec = spec_for(subject, "twice");
    REQUIRE(runtime.create(spec));
    const auto again = runtime.create(spec);
    REQUIRE_FALSE(again);
    INFO(again.error().text());
    CHECK(again.error().kind() == ErrorKind::Conflict);
    ContainerSpec no_image = spec_for(subject, "noimage");
    no_image.image = "localhost/harmony-test-absent:latest";
    const auto missing = runtime.create(no_image);
    REQUIRE_FALSE(missing);
    INFO(missing.error().text());
    CHECK(missing.error().kind() == ErrorKind::NotFound);
    REQUIRE(runtime.remove(spec.name));
}

void containers_are_listed_by_labels(const Subject& subject) {
    ContainerRuntime& runtime = subject.runtime;
    const ContainerSpec one = spec_for(subject, "one");
    const ContainerSpec two = spec_for(subject, "two");
    REQUIRE(runtime.create(one));
    REQUIRE(runtime.create(two));
    REQUIRE(runtime.start(two.name));
    const std::string run_label = "io.nationtech.harmony/test-run";
    const auto all = runtime.list({{run_label, subject.run_id}});
    REQUIRE(all);
    CHECK(all->size() == 2);
    const auto second = runtime.list({{run_label, subject.run_id}, {"service", "two"}});
    REQUIRE(second);
    REQUIRE(second->size() == 1);
    CHECK(second->front().name == two.name);
    CHECK(second->front().image == subject.image);
    CHECK(second->front().status == ContainerStatus::Running);
    CHECK(second->front().labels == two.labels);
    CHECK(second->front().created_at > 1'600'000'000);
    CHECK(runtime.list({{run_label, subject.run_id}, {"service", ""}})->size() == 2);
    CHECK(runtime.list({{run_label, "another-run"}})->empty());
    REQUIRE(runtime.remove(one.name));
    REQUIRE(runtime.remove(two.name));
    CHECK(runtime.list({{run_label, subject.run_id}})->empty());
}

void events_are_told(const Subject& subject) {
    ContainerRuntime& runtime = subject.runtime;
    const ContainerSpec spec = spec_for(subject, "events");
    std::mutex mutex;
    std::vector<std::string> actions;
    std::stop_source source;
    Result<void> ended = fail(ErrorKind::Internal, "not ended");
    std::thread listener([&] {
        ended = runtime.events(
            {.label = "service=events"},
            [&](const RuntimeEvent& event) {
                const std::lock_guard lock(mutex);
                if (event.container_name == spec.name) actions.push_back(event.action);
                return true;
            },
            source.get_token());
    });
    const auto seen = [&](const std::string& action) {
        const std::lock_guard lock(mutex);
        return std::find(actions.begin(), actions.end(), action) != actions.end();
    };
    // Nothing says when the stream is in place, so the container is made until it is.
    const auto deadline = std::chrono::steady_clock::now() + 20s;
    while (!seen("died") && std::chrono::steady_clock::now() < deadline) {
        CHECK(runtime.create(spec));
        CHECK(runtime.start(spec.name));
        CHECK(runtime.stop(spec.name, 0s));
        CHECK(runtime.remove(spec.name));
        std::this_thread::sleep_for(10ms);
    }
    CHECK(seen("died"));
    source.request_stop();
    listener.join();
    INFO((ended ? "" : ended.error().text()));
    CHECK(ended.has_value());
}

void commands_run_in_a_container(const Subject& subject) {
    ContainerRuntime& runtime = subject.runtime;
    const ContainerSpec spec = spec_for(subject, "exec");
    CHECK(runtime.exec(spec.name, {.argv = {"echo"}}, {}).error().kind() == ErrorKind::NotFound);
    REQUIRE(runtime.create(spec));
    const auto early = runtime.exec(spec.name, {.argv = {"echo"}}, {});
    REQUIRE_FALSE(early);
    INFO(early.error().text());
    CHECK(early.error().kind() == ErrorKind::Conflict);
    REQUIRE(runtime.start(spec.name));
    const auto said = runtime.exec(spec.name, {.argv = {"echo", "two words", "and $HOME"}}, {});
    INFO((said ? "" : said.error().text()));
    REQUIRE(said);
    CHECK(said->exit_code == 0);
    CHECK(said->standard_output == "two words and $HOME\n");
    CHECK(said->standard_error.empty());
    CHECK_FALSE(said->truncated);
    CHECK(runtime.exec(spec.name, {.argv = {"false"}}, {})->exit_code == 1);
    const auto absent = runtime.exec(spec.name, {.argv = {"no-such-program"}}, {});
    REQUIRE(absent);
    CHECK(absent->exit_code == 127);
    CHECK(absent->standard_error.find("no-such-program") != std::string::npos);
    const auto cut = runtime.exec(spec.name, {.argv = {"echo", "12345678"}, .max_stream_bytes = 5}, {});
    REQUIRE(cut);
    CHECK(cut->standard_output == "12345");
    CHECK(cut->truncated);
    const auto before = std::chrono::steady_clock::now();
    const auto late = runtime.exec(spec.name, {.argv = {"sleep", "1000"}, .timeout = 300ms}, {});
    REQUIRE_FALSE(late);
    INFO(late.error().text());
    CHECK(late.error().kind() == ErrorKind::Timeout);
    CHECK(std::chrono::steady_clock::now() - before < 10s);
    std::stop_source source;
    source.request_stop();
    CHECK(runtime.exec(spec.name, {.argv = {"sleep", "1000"}}, source.get_token()).error().kind() ==
          ErrorKind::Cancelled);
    REQUIRE(runtime.remove(spec.name));
}

}  // namespace harmony::runtime::podman::testing
