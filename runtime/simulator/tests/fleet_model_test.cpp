#include "harmony/simulator/fleet_model.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "harmony/contracts/canonical_json.hpp"
#include "harmony/contracts/commands.hpp"
#include "harmony/contracts/desired_state.hpp"
#include "harmony/contracts/device_info.hpp"
#include "harmony/contracts/device_permissions.hpp"
#include "harmony/contracts/heartbeat.hpp"
#include "harmony/contracts/kv.hpp"
#include "harmony/contracts/podman_v0.hpp"

using namespace harmony;
using namespace harmony::simulator;

namespace {

constexpr std::int64_t kSecond = 1'000'000;

struct Sent {
    std::string subject;
    std::string reply;
    std::string payload;
    bool deletes = false;

    bool operator==(const Sent&) const = default;
};

class RecordingOutbox final : public Outbox {
 public:
    std::map<std::uint64_t, std::string> subscriptions;
    std::vector<Sent> sent;

    void subscribe(std::uint32_t, const std::string& subject, std::uint64_t number) override {
        subscriptions[number] = subject;
    }
    void unsubscribe(std::uint32_t, std::uint64_t number) override { subscriptions.erase(number); }
    void publish(std::uint32_t, const std::string& subject, const std::string& reply,
                 std::string_view payload) override {
        sent.push_back({subject, reply, std::string(payload), false});
    }
    void delete_key(std::uint32_t, const std::string& subject, const std::string& reply) override {
        sent.push_back({subject, reply, "", true});
    }
};

std::string score_bytes(const std::string& image) {
    contracts::PodmanService service;
    service.name = "app";
    service.image = image;
    contracts::PodmanV0 score;
    score.services = {service};
    return score.to_score().encode();
}

// A model with a clock that is moved by hand, and a broker that answers what the test puts into it.
struct Fixture {
    SimulatorOptions options;
    RecordingOutbox outbox;
    std::unique_ptr<FleetModel> model;
    std::int64_t clock = 1'000 * kSecond;
    std::map<std::string, std::string> bucket;  // desired-state subject: value

    explicit Fixture(std::uint32_t devices = 1) {
        options.devices = devices;
        options.connections = 1;
        options.run = *DurationDistribution::parse("1s");
        options.resync_interval = std::chrono::hours(1);
    }
    [[nodiscard]] Now now() const {
        return {clock, contracts::Timestamp::from_microseconds(1'700'000'000 * kSecond + clock)};
    }
    void start() {
        model = std::make_unique<FleetModel>(options, outbox, "_INBOX_simulator.x", "1.0");
        model->link_up(0, now());
        pass(kSecond);
    }
    void pass(std::int64_t microseconds) {
        for (const std::int64_t end = clock + microseconds; clock < end;) {
            clock = std::min(end, clock + kSecond / 20);
            model->advance(now());
        }
    }
    void deliver(std::uint64_t number, const std::string& subject, const std::string& payload,
                 const std::string& headers = "", const std::string& reply = "") {
        model->receive(0, {subject, number, reply, headers, payload}, now());
    }
    // Answers every request of `outbox.sent` once, and those that follow.
    void answer_all() {
        for (std::size_t at = 0; at < outbox.sent.size(); ++at) {
            const Sent sent = outbox.sent[at];
            if (sent.reply.empty()) continue;
            constexpr std::string_view get = "$JS.API.DIRECT.GET.KV_desired-state.";
            if (sent.subject.rfind(get, 0) != 0) {
                deliver(1, sent.reply, R"({"stream":"KV_x","seq":1})");
                continue;
            }
            const auto found = bucket.find(sent.subject.substr(get.size()));
            if (found == bucket.end()) {
                deliver(1, sent.reply, "", "NATS/1.0 404 Message Not Found\r\n\r\n");
            } else {
                deliver(1, sent.reply, found->second, "NATS/1.0\r\nNats-Sequence: 1\r\n\r\n");
            }
        }
        outbox.sent.clear();
    }
    void put(const std::string& key, const std::string& value) {
        bucket["$KV.desired-state." + key] = value;
        deliver(2, "$KV.desired-state." + key, value);
    }
    [[nodiscard]] std::vector<std::string> phases() const {
        std::vector<std::string> result;
        for (const Sent& sent : outbox.sent) {
            if (sent.subject.rfind("$KV.device-state.", 0) != 0) continue;
            const auto state = contracts::DeploymentState::decode(sent.payload);
            result.emplace_back(sent.deletes ? "withdrawn"
                                : state      ? contracts::to_string(state->phase)
                                             : "unreadable");
        }
        return result;
    }
    [[nodiscard]] std::string last_digest() const {
        std::string digest;
        for (const Sent& sent : outbox.sent) {
            const auto heartbeat = contracts::Heartbeat::decode(sent.payload);
            if (sent.subject.rfind("$KV.device-heartbeat.", 0) == 0)
                digest = heartbeat.value().desired_digest;
        }
        return digest;
    }
};

}  // namespace

TEST_CASE("a device that joins subscribes, says who it is and reads its index") {
    Fixture fixture;
    fixture.start();
    CHECK(fixture.outbox.subscriptions[2] == "$KV.desired-state.sim-0.>");
    CHECK(fixture.outbox.subscriptions[3] == "device-commands.sim-0.>");
    REQUIRE(fixture.outbox.sent.size() == 3);
    const auto info = contracts::DeviceInfo::decode(fixture.outbox.sent[0].payload);
    REQUIRE(info);
    CHECK(info->device_id.str() == "sim-0");
    CHECK(fixture.last_digest() == contracts::desired_digest({}));
    CHECK(fixture.outbox.sent[2].subject ==
          "$JS.API.DIRECT.GET.KV_desired-state.$KV.desired-state.sim-0._index");
}

TEST_CASE("every subject that a device uses is one that a simulator's user may use") {
    Fixture fixture(2);
    fixture.start();
    fixture.answer_all();
    fixture.put("sim-0.web", score_bytes("a"));
    fixture.put("sim-0._index", R"({"deployments":["web"]})");
    const auto permissions = contracts::simulator_permissions();
    const auto allowed = [](const std::vector<std::string>& filters, const std::string& subject) {
        return std::any_of(filters.begin(), filters.end(), [&](const std::string& filter) {
            std::string_view f = filter, s = subject;
            for (;;) {
                const auto token = f.substr(0, f.find('.')), part = s.substr(0, s.find('.'));
                if (token == ">") return true;
                if (token != "*" && token != part) return false;
                if (token.size() == f.size() || part.size() == s.size())
                    return token.size() == f.size() && part.size() == s.size();
                f.remove_prefix(token.size() + 1);
                s.remove_prefix(part.size() + 1);
            }
        });
    };
    REQUIRE_FALSE(fixture.outbox.sent.empty());
    for (const Sent& sent : fixture.outbox.sent) {
        INFO(sent.subject);
        CHECK(allowed(permissions.publish, sent.subject));
        if (!sent.reply.empty()) CHECK(sent.reply.rfind(permissions.inbox_prefix + ".", 0) == 0);
    }
}

TEST_CASE("a deployment is read once its index lists it, runs, and is told in the digest") {
    Fixture fixture;
    fixture.start();
    fixture.answer_all();
    fixture.put("sim-0.web", score_bytes("a"));
    CHECK(fixture.outbox.sent.empty());  // not listed yet
    fixture.put("sim-0._index", R"({"deployments":["web"]})");
    REQUIRE(fixture.outbox.sent.size() == 1);
    fixture.answer_all();
    fixture.pass(2 * kSecond);
    CHECK(fixture.phases() == std::vector<std::string>{"Running"});
    fixture.answer_all();
    fixture.pass(40 * kSecond);
    const auto name = contracts::DeploymentName::parse("web").value();
    CHECK(fixture.last_digest() ==
          contracts::desired_digest({{name, contracts::value_hash(score_bytes("a"))}}));
    CHECK(fixture.model->figures().repeats == 0);
    CHECK(fixture.model->figures().hint_to_start.count() == 1);
}

TEST_CASE("a deployment that the index no longer lists is withdrawn, also when the confirmation is lost") {
    Fixture fixture;
    fixture.start();
    fixture.put("sim-0.web", score_bytes("a"));
    fixture.put("sim-0._index", R"({"deployments":["web"]})");
    fixture.answer_all();
    fixture.pass(2 * kSecond);
    fixture.answer_all();
    fixture.put("sim-0._index", R"({"deployments":[]})");
    const Sent get = fixture.outbox.sent.back();
    fixture.deliver(1, get.reply, R"({"deployments":[]})");
    CHECK(fixture.phases() == std::vector<std::string>{"withdrawn"});
    fixture.outbox.sent.clear();
    fixture.pass(12 * kSecond);
    CHECK(fixture.phases() == std::vector<std::string>{"withdrawn"});
    fixture.answer_all();
    fixture.pass(60 * kSecond);
    CHECK(fixture.phases().empty());
}

TEST_CASE("a missing index takes nothing away") {
    Fixture fixture;
    fixture.start();
    fixture.put("sim-0.web", score_bytes("a"));
    fixture.put("sim-0._index", R"({"deployments":["web"]})");
    fixture.answer_all();
    fixture.pass(2 * kSecond);
    fixture.answer_all();
    fixture.bucket.clear();
    fixture.model->link_down(0, fixture.now());
    fixture.model->link_up(0, fixture.now());
    fixture.pass(kSecond);
    CHECK(fixture.phases() == std::vector<std::string>{"Running"});  // asserted again
    fixture.answer_all();
    fixture.pass(kSecond);
    CHECK(fixture.phases().empty());
}

TEST_CASE("a read that is older than the hint is repeated until it shows it") {
    Fixture fixture;
    fixture.start();
    fixture.put("sim-0.web", score_bytes("a"));
    fixture.put("sim-0._index", R"({"deployments":["web"]})");
    fixture.answer_all();
    fixture.pass(2 * kSecond);
    fixture.answer_all();
    fixture.deliver(2, "$KV.desired-state.sim-0.web", score_bytes("b"));
    fixture.answer_all();  // still the old value
    CHECK(fixture.phases().empty());
    fixture.bucket["$KV.desired-state.sim-0.web"] = score_bytes("b");
    fixture.pass(kSecond / 10);
    fixture.answer_all();
    fixture.pass(2 * kSecond);
    CHECK(fixture.phases() == std::vector<std::string>{"Running"});
}

TEST_CASE("an unknown score type is reported as Failed with its name") {
    Fixture fixture;
    fixture.start();
    fixture.answer_all();
    fixture.put("sim-0.web", R"({"data":{},"type":"Wasm"})");
    fixture.put("sim-0._index", R"({"deployments":["web"]})");
    const Sent index_get = fixture.outbox.sent.back();
    fixture.deliver(1, index_get.reply, R"({"deployments":["web"]})");
    const Sent get = fixture.outbox.sent.back();
    fixture.deliver(1, get.reply, R"({"data":{},"type":"Wasm"})");
    REQUIRE(fixture.phases() == std::vector<std::string>{"Failed"});
    CHECK(fixture.outbox.sent.back().payload.find("Wasm") != std::string::npos);
}

TEST_CASE("ping is answered, other commands are refused, a past deadline is ignored") {
    Fixture fixture;
    fixture.start();
    fixture.outbox.sent.clear();
    fixture.deliver(3, "device-commands.sim-0.ping", "", "", "_INBOX.r");
    fixture.deliver(3, "device-commands.sim-0.exec", "", "", "_INBOX.r");
    fixture.deliver(3, "device-commands.sim-0.ping", "",
                    "NATS/1.0\r\nX-Harmony-Deadline: 2001-01-01T00:00:00Z\r\n\r\n", "_INBOX.r");
    REQUIRE(fixture.outbox.sent.size() == 2);
    CHECK(contracts::PingReply::decode(fixture.outbox.sent[0].payload).value().device_id.str() == "sim-0");
    CHECK(fixture.outbox.sent[1].payload.find("RuntimeUnavailable") != std::string::npos);
}

TEST_CASE("the same seed and the same messages give the same traffic") {
    const auto traffic = [] {
        Fixture fixture(50);
        fixture.options.churn_per_minute = 300;
        fixture.options.failures = 0.3;
        fixture.options.run = *DurationDistribution::parse("lognormal:300ms:2s");
        fixture.start();
        fixture.put("sim-7.web", score_bytes("a"));
        fixture.put("sim-7._index", R"({"deployments":["web"]})");
        std::vector<Sent> all;
        for (int turn = 0; turn < 20; ++turn) {
            fixture.pass(2 * kSecond);
            all.insert(all.end(), fixture.outbox.sent.begin(), fixture.outbox.sent.end());
            fixture.answer_all();
        }
        return std::pair(all, fixture.model->figures().leaves);
    };
    const auto [first, leaves] = traffic();
    CHECK(leaves > 50);
    CHECK(first == traffic().first);
}

TEST_CASE("messages that break the contract do no harm") {
    Fixture fixture(3);
    fixture.start();
    fixture.answer_all();
    fixture.put("sim-0.Not_A_Name", "x");
    fixture.put("sim-99.web", "x");
    fixture.put("other-0.web", "x");
    fixture.put("sim-0._index", "nonsense");
    for (const char* subject :
         {"_INBOX_simulator.x", "_INBOX_simulator.x.0.i.9.0.1", "_INBOX_simulator.x.0.i.a.b.c", "x"})
        fixture.deliver(1, subject, "");
    fixture.deliver(77, "", "");
    fixture.answer_all();
    CHECK(fixture.model->figures().malformed == 2);
    CHECK(fixture.model->figures().online == 3);
}
