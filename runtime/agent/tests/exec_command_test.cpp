#include "harmony/agent/exec_command.hpp"

#include <fstream>
#include <nlohmann/json.hpp>

#include "command_bench.hpp"

namespace harmony::agent {
namespace {

namespace podman = runtime::podman;
using testing::eventually_holds;
using namespace std::chrono_literals;

struct Bench : testing::CommandBench {
    ExecOptions options{device, true, false, directory.file("audit.log"), 25s};
    std::atomic<int> host_runs{0};
    Result<podman::ExecOutcome> host_outcome = podman::ExecOutcome{7, "host out", "host err", false};
    std::unique_ptr<ExecCommand> exec;

    void start() {
        const auto host = [this](const podman::ExecSpec&, const std::stop_token&) {
            ++host_runs;
            return host_outcome;
        };
        exec = std::make_unique<ExecCommand>(options, *connection, runtimes, host, clock, metrics);
    }
    // Its one answer.
    std::string run(const std::string& payload, const std::string& id = "id-1") {
        if (!exec) start();
        server->forget_published();
        const auto begun = exec->begin(call(payload, id));
        if (!begun) return contracts::RemoteError::from_error(begun.error()).encode();
        eventually_holds([&] { return answers().size() == 1; });
        return answers().front();
    }
    [[nodiscard]] std::vector<nlohmann::json> audit() const {
        std::vector<nlohmann::json> lines;
        std::ifstream file(options.audit_path);
        for (std::string line; std::getline(file, line);)
            lines.push_back(nlohmann::json::parse(line));
        return lines;
    }
};

contracts::RemoteError refusal(const std::string& answer) {
    INFO(answer);
    return contracts::RemoteError::decode(answer).value();
}

constexpr const char* kEcho = R"({"deployment":"web","argv":["echo","hello"]})";

}  // namespace

TEST_CASE("a command runs in the deployment's only service, and the audit log says so before and after") {
    Bench bench;
    bench.run_service("web", "app");
    bench.run_service("other", "app");
    const auto reply = contracts::ExecReply::decode(bench.run(kEcho));
    REQUIRE(reply);
    CHECK(*reply == contracts::ExecReply{0, "hello\n", "", false});
    const auto audit = bench.audit();
    REQUIRE(audit.size() == 2);
    CHECK(audit[0]["event"] == "Started");
    CHECK(audit[0]["operator_sub"] == "ada@workshop");
    CHECK(audit[0]["target"] == "web/app");
    CHECK(audit[0]["container"] == "hf.dev.web.app");
    CHECK(audit[0]["argv"] == std::vector<std::string>{"echo", "hello"});
    CHECK(audit[1]["event"] == "Ended");
    CHECK(audit[1]["exit_code"] == 0);
}

TEST_CASE("a command has the exit code and the streams of its program") {
    Bench bench;
    bench.run_service("web", "app");
    CHECK(contracts::ExecReply::decode(bench.run(R"({"deployment":"web","argv":["false"]})"))->exit_code ==
          1);
    const auto absent =
        contracts::ExecReply::decode(bench.run(R"({"deployment":"web","argv":["x"]})", "id-2"));
    CHECK(absent->exit_code == 127);
    CHECK(absent->standard_error.find("not found") != std::string::npos);
}

TEST_CASE("a request that comes again is not carried out again") {
    Bench bench;
    bench.run_service("web", "app");
    (void)bench.run(kEcho);
    CHECK(bench.exec->begin(bench.call(kEcho, "id-1")));
    CHECK(bench.exec->begin(bench.call(kEcho, "id-1")));
    REQUIRE(bench.exec->stop(5s));
    CHECK(bench.answers().size() == 1);
    CHECK(bench.audit().size() == 2);
}

TEST_CASE("the host is closed unless its own configuration opens it, and every try is in the audit log") {
    Bench bench;
    bench.options.host_enabled = GENERATE(false, true);
    const std::string answer = bench.run(R"({"host":true,"argv":["uptime"]})");
    const auto audit = bench.audit();
    CHECK(audit[0]["target"] == "host");
    if (bench.options.host_enabled) {
        CHECK(*contracts::ExecReply::decode(answer) ==
              contracts::ExecReply{7, "host out", "host err", false});
        CHECK(audit[1]["exit_code"] == 7);
    } else {
        CHECK(refusal(answer).kind == contracts::RemoteErrorKind::Forbidden);
        CHECK(bench.host_runs == 0);
        CHECK(audit[0]["event"] == "Refused");
    }
}

TEST_CASE("what cannot be run is refused by kind, with the names that would be right") {
    Bench bench;
    bench.run_service("web", "app");
    bench.run_service("web", "cache");
    struct Row {
        const char* payload;
        contracts::RemoteErrorKind kind;
        const char* says;
    };
    const auto row = GENERATE(values<Row>({
        {R"({"deployment":"web","argv":["true"]})", contracts::RemoteErrorKind::BadRequest, "app, cache"},
        {R"({"deployment":"web","service":"apq","argv":["true"]})", contracts::RemoteErrorKind::NotFound,
         "app, cache"},
        {R"({"deployment":"wbe","argv":["true"]})", contracts::RemoteErrorKind::NotFound, "there are: web"},
        {R"({"deployment":"web"})", contracts::RemoteErrorKind::BadRequest, "argv"},
        {"nonsense", contracts::RemoteErrorKind::BadRequest, ""},
    }));
    const auto refused = refusal(bench.run(row.payload));
    CHECK(refused.kind == row.kind);
    CHECK_THAT(refused.message, Catch::Contains(row.says));
}

TEST_CASE("a container that does not run, a runtime that is away and one that is off are unavailable") {
    Bench bench;
    const auto name = bench.run_service("web", "app");
    const int what = GENERATE(0, 1, 2);
    if (what == 0) REQUIRE(bench.runtime->stop(name, 0s));
    if (what == 1) bench.runtime->set_available(false);
    if (what == 2) bench.options.runtime_enabled = false;
    const auto refused = refusal(bench.run(kEcho));
    CHECK(refused.kind == contracts::RemoteErrorKind::RuntimeUnavailable);
    if (what == 2) CHECK_THAT(refused.message, Catch::Contains("runtime_enabled"));
    CHECK(bench.audit().front()["event"] == "Refused");
}

TEST_CASE("a command that does not end in time is killed, and the audit log says so") {
    Bench bench;
    bench.options.deadline = 20ms;
    bench.run_service("web", "app");
    const auto refused = refusal(bench.run(R"({"deployment":"web","argv":["sleep","1000"]})"));
    CHECK(refused.kind == contracts::RemoteErrorKind::Timeout);
    CHECK_THAT(refused.message, Catch::Contains("was killed"));
    CHECK(bench.audit().at(1)["event"] == "Failed");
}

TEST_CASE("a command whose deadline has passed is not run and not answered, and is in the audit log") {
    Bench bench;
    bench.run_service("web", "app");
    bench.start();
    auto late = bench.call(kEcho, "id-1");
    late.expired = true;
    CHECK(bench.exec->begin(late));
    REQUIRE(bench.exec->stop(5s));
    CHECK(bench.answers().empty());
    REQUIRE(bench.audit().size() == 1);
    CHECK(bench.audit()[0]["event"] == "Refused");
}

TEST_CASE("a command whose deadline passes while its container is looked for is not run") {
    Bench bench;
    bench.run_service("web", "app");
    bench.runtimes = [&] {
        bench.clock.advance(2s);
        return bench.runtime;
    };
    bench.start();
    auto slow = bench.call(kEcho, "id-1");
    slow.headers.deadline =
        contracts::Timestamp::from_microseconds(bench.clock.wall().microseconds() + 1'000'000);
    CHECK(bench.exec->begin(slow));
    eventually_holds([&] { return bench.answers().size() == 1; });
    CHECK(refusal(bench.answers().front()).kind == contracts::RemoteErrorKind::Timeout);
    REQUIRE(bench.audit().size() == 1);
    CHECK(bench.audit()[0]["event"] == "Refused");
}

TEST_CASE("without its line in the audit log nothing is run") {
    Bench bench;
    bench.options.audit_path = bench.directory.file("no-folder/audit.log");
    bench.options.host_enabled = true;
    const auto refused = refusal(bench.run(R"({"host":true,"argv":["uptime"]})"));
    CHECK(refused.kind == contracts::RemoteErrorKind::RuntimeUnavailable);
    CHECK_THAT(refused.message, Catch::Contains("the audit log cannot be written"));
    CHECK(bench.host_runs == 0);
}

TEST_CASE(
    "more commands than a device runs at once are refused, not queued, and stopping ends those that run") {
    Bench bench;
    bench.run_service("web", "app");
    bench.start();
    for (std::size_t i = 0; i < contracts::kMaxExecs; ++i) {
        const auto id = "id-" + std::to_string(i);
        REQUIRE(bench.exec->begin(
            bench.call(R"({"deployment":"web","argv":["sleep","1000"]})", id, "reply." + id)));
    }
    eventually_holds([&] { return bench.audit().size() == contracts::kMaxExecs; });
    REQUIRE(bench.exec->begin(bench.call(kEcho, "one-more")));
    eventually_holds([&] { return bench.answers().size() == 1; });
    CHECK(refusal(bench.answers()[0]).kind == contracts::RemoteErrorKind::Forbidden);
    CHECK(bench.exec->stop(5s));
    CHECK(refusal(bench.answers("reply.id-0").at(0)).kind == contracts::RemoteErrorKind::RuntimeUnavailable);
}

TEST_CASE("a command without an id of its own is refused") {
    Bench bench;
    CHECK_THAT(refusal(bench.run(kEcho, "")).message, Catch::Contains("X-Harmony-Request-Id: missing"));
}

TEST_CASE("a command that is refused before anything of it is looked for is in the audit log all the same") {
    struct Commands final : LongCommands {
        explicit Commands(ExecCommand& command) : exec_command(command) {}
        Result<void> logs(const CommandCall&) override { return {}; }
        Result<void> exec(const CommandCall& call) override { return exec_command.begin(call); }
        void exec_refused(const CommandCall& call, const Error& why) override {
            exec_command.note_refused(call, why);
        }
        ExecCommand& exec_command;
    };
    Bench bench;
    bench.start();
    Commands commands(*bench.exec);
    CommandDispatcher dispatcher(bench.device, "1", bench.clock, bench.metrics);
    dispatcher.offer(commands);
    runtime::nats::Message message{.subject = "device-commands.dev.exec",
                                   .payload = kEcho,
                                   .reply = "reply.1",
                                   .headers = {{"X-Harmony-Operator-Sub", "ada@workshop"}}};
    const auto noted = [&] {
        const auto answer = dispatcher.answer(message);
        REQUIRE(answer);
        CHECK(refusal(*answer).kind == contracts::RemoteErrorKind::BadRequest);
        const auto lines = bench.audit();
        REQUIRE(lines.size() == 1);
        CHECK(lines[0]["event"] == "Refused");
        return lines[0];
    };
    SECTION("no request id") {
        const auto line = noted();
        CHECK(line["operator_sub"] == "ada@workshop");
        CHECK(line["target"] == "web");
        CHECK(line["argv"] == std::vector<std::string>{"echo", "hello"});
        CHECK_THAT(line["reason"].get<std::string>(), Catch::Contains("X-Harmony-Request-Id"));
    }
    SECTION("nonsense") {
        message.headers.push_back({"X-Harmony-Request-Id", "id-1"});
        message.payload = "nonsense";
        const auto line = noted();
        CHECK(line["request_id"] == "id-1");
        CHECK(line["operator_sub"] == "ada@workshop");
    }
    SECTION("nonsense, and too late") {
        message.headers.push_back({"X-Harmony-Request-Id", "id-1"});
        message.headers.push_back({"X-Harmony-Deadline", "2001-01-01T00:00:00Z"});
        message.payload = "nonsense";
        CHECK_FALSE(dispatcher.answer(message));
        CHECK(bench.audit().size() == 1);
    }
    SECTION("headers that are none") {
        message.headers.push_back({"X-Harmony-Deadline", "soon"});
        const auto line = noted();
        CHECK_THAT(line["reason"].get<std::string>(), Catch::Contains("X-Harmony-Deadline"));
        CHECK(line["operator_sub"] == "ada@workshop");
    }
    SECTION("too large") {
        message.headers.push_back({"X-Harmony-Request-Id", "id-1"});
        message.payload.resize(contracts::kMaxCommandRequestBytes + 1, ' ');
        CHECK(noted()["argv"].empty());
    }
    SECTION("too large, and too late") {
        message.headers.push_back({"X-Harmony-Request-Id", "id-1"});
        message.headers.push_back({"X-Harmony-Deadline", "2001-01-01T00:00:00Z"});
        message.payload.resize(contracts::kMaxCommandRequestBytes + 1, ' ');
        CHECK_FALSE(dispatcher.answer(message));
        CHECK(bench.audit().size() == 1);
    }
    CHECK(bench.answers().empty());
}

TEST_CASE("requests are remembered for a while, and not without limit") {
    RecentRequests recent(10s, 3);
    SteadyTime now{};
    CHECK(recent.is_new("a", now));
    CHECK_FALSE(recent.is_new("a", now + 9s));
    CHECK(recent.is_new("a", now + 10s));
    for (const char* id : {"b", "c", "d"})
        CHECK(recent.is_new(id, now + 11s));
    CHECK_FALSE(recent.is_new("d", now + 11s));
    CHECK(recent.is_new("a", now + 11s));
}

}  // namespace harmony::agent
