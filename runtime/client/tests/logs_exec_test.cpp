// Logs and exec against a real server, with the device's side played by a few lines of the contract.
#include <catch2/catch.hpp>
#include <mutex>
#include <thread>

#include "harmony/fleet_client/fleet_commands_client.hpp"
#include "harmony/nats_testing/nats_server.hpp"

namespace {

namespace nats = harmony::runtime::nats;
using namespace harmony::contracts;
using harmony::runtime::fleet_client::FleetCommandsClient;
using harmony::runtime::fleet_client::LogSink;
using harmony::runtime::fleet_client::LogTimes;
using harmony::runtime::fleet_client::LostReplies;
using namespace std::chrono_literals;

// An answer that comes has all the time that a loaded machine needs; one that must not come is awaited
// briefly.
constexpr LogTimes kTimes{.deadline = 20s, .renew_interval = 100ms, .patience = 300ms};
constexpr LogTimes kImpatient{.deadline = 300ms, .renew_interval = 100ms, .patience = 300ms};

struct Fixture {
    harmony::runtime::nats_testing::NatsServerFixture server{{.jetstream = false, .extra_config = ""}};
    std::unique_ptr<nats::NatsConnection> client = server.connect();
    std::unique_ptr<nats::NatsConnection> agent = server.connect();
    DeviceId device = DeviceId::parse("edge-1").value();
    FleetCommandsClient commands{*client, "ada@workshop"};
    std::mutex mutex;
    std::vector<nats::Message> requests;
    nats::Subscription subscription;

    // Whatever `answer` sends is sent to the request's reply subject.
    void agent_is(std::function<void(Fixture&, const nats::Message&)> answer) {
        auto subscribed =
            agent->subscribe(command_subscription(device), [this, answer](const nats::Message& request) {
                {
                    const std::lock_guard lock(mutex);
                    requests.push_back(request);
                }
                answer(*this, request);
            });
        REQUIRE(subscribed);
        subscription = std::move(*subscribed);
        REQUIRE(agent->flush(5s));
    }
    void send(const nats::Message& request, const std::string& payload) const {
        nats::Message message;
        message.subject = request.reply;
        message.payload = payload;
        CHECK(agent->publish(message));
    }
    void send_lines(const nats::Message& request, std::int64_t sequence, std::vector<std::string> lines,
                    std::optional<LogsEnd> end = std::nullopt) const {
        LogsReply reply;
        reply.source = "hf.edge-1.web.app";
        reply.service = "app";
        reply.captured_at = Timestamp::now();
        reply.sequence = sequence;
        reply.lines = std::move(lines);
        reply.end = end;
        send(request, reply.encode());
    }
    std::vector<LogsRequest> seen() {
        const std::lock_guard lock(mutex);
        std::vector<LogsRequest> result;
        for (const auto& request : requests)
            result.push_back(LogsRequest::decode(request.payload).value());
        return result;
    }
};

struct Recorder final : LogSink {
    std::vector<std::string> lines;
    std::int64_t lost_replies = 0;
    int restarts = 0;
    std::size_t enough = 1'000'000;
    std::function<bool()> cancel = [] { return false; };

    bool take(const LogsReply& reply) override {
        lines.insert(lines.end(), reply.lines.begin(), reply.lines.end());
        return lines.size() < enough;
    }
    void lost(const LostReplies& replies) override { lost_replies += replies.count; }
    void restarted() override { ++restarts; }
    bool cancelled() override { return cancel(); }
};

LogsRequest request(bool follow) {
    LogsRequest result;
    result.deployment = DeploymentName::parse("web").value();
    result.follow = follow;
    return result;
}

}  // namespace

TEST_CASE("exec brings exit code and both streams back, and names who asks") {
    Fixture fixture;
    fixture.agent_is([](Fixture& self, const nats::Message& message) {
        CHECK(message.header(kOperatorSubHeader) == "ada@workshop");
        CHECK(message.header(kRequestIdHeader)->size() == 16);
        CHECK(ExecRequest::decode(message.payload)->argv == std::vector<std::string>{"ls", "-l"});
        self.send(message, ExecReply{3, "out", "err", true}.encode());
    });
    ExecRequest exec;
    exec.deployment = DeploymentName::parse("web").value();
    exec.argv = {"ls", "-l"};
    const auto reply = fixture.commands.exec(fixture.device, exec);
    REQUIRE(reply);
    CHECK(*reply == ExecReply{3, "out", "err", true});
}

TEST_CASE("exec fails by kind: offline at once, silence, nonsense, the agent's refusal; and is sent once") {
    Fixture fixture;
    ExecRequest exec;
    exec.host = true;
    exec.argv = {"true"};
    // Were it not at once, it would be a Timeout.
    CHECK(fixture.commands.exec(fixture.device, exec).error().kind == CommandFailureKind::DeviceOffline);
    std::string answer;
    fixture.agent_is([&](Fixture& self, const nats::Message& message) {
        if (!answer.empty()) self.send(message, answer);
    });
    CHECK(fixture.commands.exec(fixture.device, exec, 150ms).error().kind == CommandFailureKind::Timeout);
    CHECK(fixture.requests.size() == 1);
    answer = "{}";
    CHECK(fixture.commands.exec(fixture.device, exec).error().kind == CommandFailureKind::BadReply);
    answer = R"({"error":{"kind":"Forbidden","message":"not here"}})";
    const auto refused = fixture.commands.exec(fixture.device, exec);
    CHECK(refused.error().text() == "Agent{Forbidden}: not here");
}

TEST_CASE("last lines come in several replies until the last one") {
    Fixture fixture;
    fixture.agent_is([](Fixture& self, const nats::Message& message) {
        self.send_lines(message, 0, {"a", "b"});
        self.send_lines(message, 1, {"c"});
        self.send_lines(message, 2, {}, LogsEnd::Complete);
        self.send_lines(message, 3, {"never"});
    });
    Recorder sink;
    const auto done = fixture.commands.logs(fixture.device, request(false), sink, kTimes);
    CHECK(done);
    CHECK(sink.lines == std::vector<std::string>{"a", "b", "c"});
    CHECK(sink.lost_replies == 0);
}

TEST_CASE("a reply that is missing is told, one that comes twice is not taken twice") {
    Fixture fixture;
    fixture.agent_is([](Fixture& self, const nats::Message& message) {
        self.send_lines(message, 0, {"a"});
        self.send_lines(message, 3, {"d"});
        self.send_lines(message, 3, {"d"});
        self.send_lines(message, 4, {}, LogsEnd::Complete);
    });
    Recorder sink;
    CHECK(fixture.commands.logs(fixture.device, request(false), sink, kTimes));
    CHECK(sink.lines == std::vector<std::string>{"a", "d"});
    CHECK(sink.lost_replies == 2);
}

TEST_CASE("a followed stream is renewed with its id until it is cancelled, and then ended") {
    Fixture fixture;
    std::string opened;
    fixture.agent_is([&](Fixture& self, const nats::Message& message) {
        const std::string id(message.header(kRequestIdHeader).value());
        if (opened.empty()) {
            opened = id;
            self.send_lines(message, 0, {"a"});
        }
        CHECK(id == opened);
    });
    Recorder sink;
    sink.cancel = [&] { return fixture.seen().size() >= 4; };
    CHECK(fixture.commands.logs(fixture.device, request(true), sink, kTimes));
    REQUIRE(fixture.client->flush(5s));
    const auto deadline = std::chrono::steady_clock::now() + 30s;
    while (fixture.seen().back().lease != FollowLease::End && std::chrono::steady_clock::now() < deadline)
        std::this_thread::sleep_for(5ms);
    const auto seen = fixture.seen();
    CHECK(seen.front().lease == FollowLease::Open);
    CHECK(seen[1].lease == FollowLease::Renew);
    CHECK(seen.back().lease == FollowLease::End);
}

TEST_CASE("an agent that was restarted is asked anew, from where the lines stood") {
    Fixture fixture;
    std::string first;
    fixture.agent_is([&](Fixture& self, const nats::Message& message) {
        const auto asked = LogsRequest::decode(message.payload).value();
        const std::string id(message.header(kRequestIdHeader).value());
        if (first.empty()) first = id;
        if (asked.lease == FollowLease::Renew && id == first) {
            self.send(message, RemoteError{RemoteErrorKind::NotFound, "not here any more"}.encode());
        } else if (asked.lease == FollowLease::Open) {
            CHECK(asked.since.has_value() == (id != first));
            self.send_lines(message, 0, {id == first ? "old" : "new"});
        }
    });
    Recorder sink;
    sink.enough = 2;
    CHECK(fixture.commands.logs(fixture.device, request(true), sink, kTimes));
    CHECK(sink.lines == std::vector<std::string>{"old", "new"});
    CHECK(sink.restarts == 1);
}

TEST_CASE("a followed stream ends when its device is gone for longer than a reconnect takes") {
    Fixture fixture;
    fixture.agent_is([](Fixture& self, const nats::Message& message) { self.send_lines(message, 0, {"a"}); });
    Recorder sink;
    sink.cancel = [&] {
        if (!sink.lines.empty()) fixture.subscription.end();  // it leaves once its line has been read
        return false;
    };
    const auto done = fixture.commands.logs(fixture.device, request(true), sink, kTimes);
    REQUIRE_FALSE(done);
    CHECK(done.error().kind == CommandFailureKind::DeviceOffline);
    CHECK(sink.lines.size() == 1);
}

TEST_CASE("logs fail by kind: offline at once, silence, nonsense, the agent's refusal") {
    Fixture fixture;
    const bool follow = GENERATE(true, false);
    Recorder sink;
    const auto ask = [&](const LogTimes& times = kTimes) {
        return fixture.commands.logs(fixture.device, request(follow), sink, times).error();
    };
    CHECK(ask().kind == CommandFailureKind::DeviceOffline);
    std::string answer;
    fixture.agent_is([&](Fixture& self, const nats::Message& message) {
        if (!answer.empty()) self.send(message, answer);
    });
    CHECK(ask(kImpatient).kind == CommandFailureKind::Timeout);
    answer = "garbage";
    CHECK(ask().kind == CommandFailureKind::BadReply);
    answer = R"({"error":{"kind":"NotFound","message":"no such deployment"}})";
    CHECK(ask().text() == "Agent{NotFound}: no such deployment");
}

TEST_CASE("a reader that is slow loses replies, is told, and never hangs") {
    Fixture fixture;
    fixture.agent_is([](Fixture& self, const nats::Message& message) {
        if (LogsRequest::decode(message.payload)->lease != FollowLease::Open) return;
        for (int i = 0; i < 6'000; ++i)
            self.send_lines(message, i, {"x"});
        self.send_lines(message, 6'000, {}, LogsEnd::Stopped);
    });
    struct Slow final : LogSink {
        std::int64_t taken = 0;
        std::int64_t missing = 0;
        bool take(const LogsReply& reply) override {
            if (taken == 0) std::this_thread::sleep_for(1s);
            ++taken;
            (void)reply;
            return true;
        }
        void lost(const LostReplies& replies) override { missing += replies.count; }
        void restarted() override {}
        bool cancelled() override { return taken + missing > 4'000 && taken % 2 == 0; }
    } sink;
    CHECK(fixture.commands.logs(fixture.device, request(true), sink, kTimes));
    CHECK(sink.taken > 0);
}
