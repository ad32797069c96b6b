#include <algorithm>
#include <catch2/catch.hpp>
#include <random>

#include "harmony/kubernetes/fake_client.hpp"
#include "harmony/operator/cluster_worker.hpp"
#include "harmony/operator/leader_election.hpp"

using namespace harmony::op;
using namespace std::chrono_literals;
namespace kubernetes = harmony::runtime::kubernetes;
using kubernetes::Reason;

namespace {

const SteadyTime kStart{1'000s};

LeaderElectionSettings settings(const std::string& identity) {
    LeaderElectionSettings result;
    result.name_space = "fleet-system";
    result.lease = "operator";
    result.identity = identity;
    return result;
}

// A candidate, and what it was told.
struct Candidate {
    Candidate(kubernetes::FakeKubernetesServer& server, const std::string& name)
        : client(server.connect()), steps(*client, settings(name), events()) {}

    LeadershipEvents events() {
        LeadershipEvents result;
        result.on_started_leading = [this] { told.emplace_back("leads"); };
        result.on_stopped_leading = [this] { told.emplace_back("stands by"); };
        result.on_leader = [this](const std::string& holder) { told.push_back("leader: " + holder); };
        return result;
    }

    std::vector<std::string> told;
    std::unique_ptr<kubernetes::KubernetesClient> client;
    LeaderElectionSteps steps;
    SteadyTime due = kStart;
};

struct Pair {
    std::shared_ptr<kubernetes::FakeKubernetesServer> server = kubernetes::FakeKubernetesServer::create();
    Candidate first{*server, "first"};
    Candidate second{*server, "second"};
};

void fail_next(Pair& pair, const char* verb) {
    pair.server->fail(verb, 1, kubernetes::make_failure(Reason::Unreachable, "nothing answers"));
}

}  // namespace

TEST_CASE("the first candidate leads, the second stands by and knows who leads") {
    Pair pair;
    CHECK(pair.first.steps.step(kStart) == kStart + 2s);
    CHECK(pair.second.steps.step(kStart + 1s) == kStart + 3s);
    CHECK(pair.first.steps.leading(kStart + 1s));
    CHECK_FALSE(pair.second.steps.leading(kStart + 1s));
    CHECK(pair.second.steps.leader() == "first");
    CHECK(pair.first.told == std::vector<std::string>{"leader: first", "leads"});
    CHECK(pair.second.told == std::vector<std::string>{"leader: first"});
    CHECK(pair.first.steps.terms() == 1);
}

TEST_CASE("a write that began while leading has ended before a standby can begin") {
    const LeaderElectionSettings defaults;
    CHECK(kLeaderDeadline + defaults.renew_deadline + defaults.renew_interval < defaults.duration);
    CHECK(leader_limits().deadline == kLeaderDeadline);
    CHECK(leader_limits().attempts == 1);
}

TEST_CASE(
    "a leader that is killed is followed when its lease ends, and not before it would have stood down") {
    Pair pair;
    pair.first.steps.step(kStart);
    auto now = kStart + 1'900ms;  // sees it for the first time
    const auto seen = now;
    while (!pair.second.steps.leading(now)) {
        now = pair.second.steps.step(now);
        REQUIRE(now <= kStart + 15s);
    }
    CHECK(now - 2s == seen + 10s);  // now is the next turn, an interval later
    CHECK_FALSE(pair.first.steps.leading(seen + 10s));
    CHECK(pair.second.told == std::vector<std::string>{"leader: first", "leader: second", "leads"});
}

TEST_CASE("a leader that gives up is followed in the standby's next turn") {
    Pair pair;
    pair.first.steps.step(kStart);
    const auto again = pair.second.steps.step(kStart + 1s);
    pair.first.steps.give_up();
    CHECK_FALSE(pair.first.steps.leading(kStart + 1s));
    CHECK(pair.first.told.back() == "stands by");
    pair.second.steps.step(again);
    CHECK(pair.second.steps.leading(again));
    CHECK(again - kStart <= 3s);
    // Giving up what one does not hold changes nothing.
    pair.first.steps.give_up();
    pair.second.steps.step(again + 2s);
    CHECK(pair.second.steps.leading(again + 2s));
}

TEST_CASE("a leader that can't reach the server stands down at its deadline, on the minute") {
    Pair pair;
    auto now = pair.first.steps.step(kStart);
    while (now < kStart + 6s) {
        CHECK(pair.first.steps.leading(now));
        fail_next(pair, "get");
        now = pair.first.steps.step(now);
    }
    CHECK(now == kStart + 6s);
    CHECK_FALSE(pair.first.steps.leading(now));
    CHECK(pair.first.told.back() == "leads");
    fail_next(pair, "get");
    pair.first.steps.step(now);
    CHECK(pair.first.told.back() == "stands by");
    REQUIRE(pair.first.steps.trouble());
    CHECK_THAT(pair.first.steps.trouble()->reason, Catch::Contains("nothing answers"));
    CHECK(pair.first.steps.failures() >= 4);
    // The lease is still ours: it leads again as soon as the server answers.
    pair.first.steps.step(now + 1s);
    CHECK(pair.first.steps.leading(now + 1s));
    CHECK_FALSE(pair.first.steps.trouble());
    CHECK(pair.first.steps.terms() == 2);
}

TEST_CASE("a leader whose renewal fails goes on leading until its deadline") {
    Pair pair;
    pair.first.steps.step(kStart);
    fail_next(pair, "update");
    CHECK(pair.first.steps.step(kStart + 2s) == kStart + 3s);
    CHECK(pair.first.steps.leading(kStart + 3s));
    pair.first.steps.step(kStart + 3s);
    CHECK(pair.first.steps.leading(kStart + 8s));
    CHECK(pair.first.steps.terms() == 1);
}

TEST_CASE("a leader that finds another holder stands down at once") {
    Pair pair;
    pair.first.steps.step(kStart);
    const kubernetes::ObjectRef ref{kubernetes::lease_type(), "fleet-system", "operator"};
    auto lease = pair.second.client->get(ref).value();
    lease["spec"]["holderIdentity"] = "somebody";
    REQUIRE(pair.second.client->replace(ref, lease));
    pair.first.steps.step(kStart + 2s);
    CHECK_FALSE(pair.first.steps.leading(kStart + 2s));
    CHECK(pair.first.told.back() == "stands by");
    CHECK(pair.first.steps.leader() == "somebody");
}

TEST_CASE("whatever fails whenever, there are never two leaders, and soon one") {
    for (unsigned seed = 0; seed < 200; ++seed) {
        INFO("seed " << seed);
        std::mt19937 random(seed);
        const auto chance = [&](unsigned percent) { return random() % 100 < percent; };
        Pair pair;
        Candidate third(*pair.server, "third");
        std::vector<Candidate*> all{&pair.first, &pair.second, &third};
        auto now = kStart;
        const auto calm = kStart + 120s;
        while (now < calm + 15s) {
            auto* next =
                *std::min_element(all.begin(), all.end(), [](auto* a, auto* b) { return a->due < b->due; });
            now = std::max(now, next->due);
            // Late turns, as on a busy machine.
            if (now < calm && chance(20)) now += std::chrono::milliseconds(random() % 4'000);
            if (now < calm && chance(30)) fail_next(pair, chance(50) ? "get" : "update");
            if (now < calm && chance(3)) next->steps.give_up();
            // Each is only as good as the time it took, up to what its calls may take.
            next->due = next->steps.step(now) + std::chrono::milliseconds(random() % 200);
            const auto leaders =
                std::count_if(all.begin(), all.end(), [&](auto* one) { return one->steps.leading(now); });
            REQUIRE(leaders <= 1);
        }
        CHECK(std::count_if(all.begin(), all.end(), [&](auto* one) { return one->steps.leading(now); }) == 1);
    }
}

TEST_CASE("settings under which two could lead are refused") {
    CHECK(check(settings("a")));
    auto tight = settings("a");
    tight.renew_deadline = 8s;
    REQUIRE_FALSE(check(tight));
    CHECK_THAT(check(tight).error().text(), Catch::Contains("duration: found 10 s, expected more than"));
    auto hasty = settings("a");
    hasty.renew_interval = 4s;
    CHECK_FALSE(check(hasty));
    CHECK_FALSE(check(settings("")));
    CHECK(election_identity() != election_identity());
}
