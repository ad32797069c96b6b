#include <catch2/catch.hpp>

#include "api_behaviour.hpp"
#include "harmony/kubernetes/fake_client.hpp"
#include "harmony/kubernetes/lease.hpp"
#include "harmony/kubernetes/objects.hpp"
#include "observer.hpp"

using namespace harmony::runtime::kubernetes;
using namespace harmony::runtime::kubernetes::testing;

namespace {

struct Fake {
    std::shared_ptr<FakeKubernetesServer> server = FakeKubernetesServer::create();
    std::unique_ptr<KubernetesClient> client = server->connect();
    std::unique_ptr<KubernetesClient> other = server->connect();
    Subject subject{*client, *other, "shop"};
};

}  // namespace

TEST_CASE("the fake tells absence, existence and staleness apart") {
    absence_existence_and_staleness_are_told_apart(Fake().subject);
}
TEST_CASE("the fake names the managers in an apply's way") {
    apply_names_the_managers_in_its_way(Fake().subject);
}
TEST_CASE("a dry run changes nothing in the fake") {
    a_dry_run_changes_nothing(Fake().subject);
}
TEST_CASE("a finalizer keeps an object in the fake") {
    a_finalizer_keeps_an_object_until_it_is_removed(Fake().subject);
}
TEST_CASE("the fake lists in pages") {
    lists_come_in_pages(Fake().subject);
}
TEST_CASE("a watch of the fake tells what is and what changes") {
    a_watch_tells_what_is_and_what_changes(Fake().subject);
}
TEST_CASE("a lease of the fake has one holder and passes on") {
    a_lease_has_one_holder_and_passes_on(Fake().subject);
}
TEST_CASE("a repeated event counts in the fake") {
    a_repeated_event_counts(Fake().subject);
}

TEST_CASE("a leader that can't renew stands down by itself, and takes over again only by a renewal") {
    Fake fake;
    LeaseSettings settings{"shop", "operator", "first"};
    LeaseElection election(*fake.client, settings);
    SteadyTime now{};
    REQUIRE(election.tick(now).value() == Leadership::Leader);
    fake.server->fail("get", 1, make_failure(Reason::Unreachable, "no network"));
    now += std::chrono::seconds(5);
    CHECK_FALSE(election.tick(now));
    CHECK(election.leadership(now) == Leadership::Leader);
    fake.server->fail("update", 1, make_failure(Reason::Unavailable, "restarting"));
    now += std::chrono::seconds(5);
    CHECK_FALSE(election.tick(now));
    CHECK(election.leadership(now) == Leadership::Follower);
    CHECK(election.tick(now).value() == Leadership::Leader);
    CHECK(election.leadership(now) == Leadership::Leader);
}

TEST_CASE("a lease with fields of other types is refused, one without a spec is free") {
    const Json metadata{{"resourceVersion", "4"}};
    CHECK(parse_lease({{"metadata", metadata}}).value().holder.empty());
    CHECK_FALSE(parse_lease(Json::array()));
    CHECK_FALSE(parse_lease({{"metadata", Json::object()}}));
    CHECK_FALSE(parse_lease({{"metadata", metadata}, {"spec", 1}}));
    CHECK_FALSE(parse_lease({{"metadata", metadata}, {"spec", {{"holderIdentity", 1}}}}));
    CHECK_FALSE(parse_lease({{"metadata", metadata}, {"spec", {{"leaseDurationSeconds", "15"}}}}));
}

TEST_CASE("a watch replays when the server can't go on") {
    Fake fake;
    REQUIRE(fake.client->create(config_map(fake.subject, "a"), config_map_object("a", {{"k", "v"}})));
    Observer observer;
    const auto watch = fake.client->watch({config_map_type(), "shop"}, observer.handlers()).value();
    fake.server->interrupt_watches(make_failure(Reason::Gone, "too old"));
    CHECK(watch->replays() == 2);
    CHECK(observer.wait([](const Observer& o) { return o.caught_up == 2 && o.troubles.size() == 1; },
                        std::chrono::seconds(1)));
}

TEST_CASE("a list that became too old on the way begins again once") {
    Fake fake;
    for (const char* name : {"a", "b", "c"})
        REQUIRE(fake.client->create(config_map(fake.subject, name), config_map_object(name, {{"k", "v"}})));
    ListOptions options;
    options.limit = 1;
    fake.server->fail("list", 2, make_failure(Reason::Gone, "too old"));
    CHECK(list_all(*fake.client, config_map_type(), "shop", options).value().size() == 3);
    fake.server->fail("list", 2, make_failure(Reason::Gone, "too old"));
    fake.server->fail("list", 3, make_failure(Reason::Gone, "too old"));
    CHECK(list_all(*fake.client, config_map_type(), "shop", options).error().reason == Reason::Gone);
}

TEST_CASE("a finalizer survives a change by somebody else in between, and gives up in the end") {
    Fake fake;
    const ObjectRef ref = config_map(fake.subject, "a");
    REQUIRE(fake.client->create(ref, config_map_object("a", {{"k", "v"}})));
    fake.server->fail("patch", 1, make_failure(Reason::Conflict, "modified"));
    REQUIRE(set_finalizer(*fake.client, ref, "example.org/x", true));
    for (int i = 1; i <= 8; ++i)
        fake.server->fail("patch", 1, make_failure(Reason::Conflict, "modified"));
    CHECK(set_finalizer(*fake.client, ref, "example.org/x", false).error().reason == Reason::Conflict);
}

TEST_CASE("a kind is looked up once, and again when it was not there") {
    Fake fake;
    TypeCatalog catalog(*fake.client);
    CHECK(catalog.find("example.org/v1", "Thing").error().text() ==
          "the server has no kind Thing in example.org/v1; is its CustomResourceDefinition installed?");
    fake.server->add_types("example.org/v1", {{"example.org", "v1", "things", "Thing", true}});
    CHECK(catalog.find("example.org/v1", "Thing").value().plural == "things");
    const std::size_t before = fake.server->calls().size();
    CHECK(catalog.find("example.org/v1", "Thing"));
    CHECK(fake.server->calls().size() == before);
}

TEST_CASE("an event's name is stable and its message bounded at a whole character") {
    const Json involved{{"kind", "Deployment"},
                        {"metadata", {{"name", "web"}, {"namespace", "shop"}, {"uid", "u"}}}};
    const auto now = std::chrono::system_clock::time_point{};
    std::string text(1'023, 'x');
    text += "\xc3\xa4";
    const Json event = make_event(involved, {false, "Applied", text}, now);
    CHECK(event["message"].get<std::string>().size() == 1'023);
    CHECK(event["metadata"]["name"] ==
          make_event(involved, {true, "Applied", text}, now)["metadata"]["name"]);
    CHECK(event["metadata"]["name"] !=
          make_event(involved, {false, "Applied", "y"}, now)["metadata"]["name"]);
}
