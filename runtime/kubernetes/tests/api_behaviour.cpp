#include "api_behaviour.hpp"

#include <catch2/catch.hpp>
#include <set>

#include "harmony/kubernetes/lease.hpp"
#include "harmony/kubernetes/objects.hpp"
#include "observer.hpp"

namespace harmony::runtime::kubernetes::testing {
namespace {

using namespace std::chrono_literals;

template <class T>
T must(Answer<T> answer) {
    INFO((answer ? std::string("done") : answer.error().text()));
    REQUIRE(answer);
    if constexpr (!std::is_void_v<T>) return std::move(*answer);
}

WriteOptions by(const std::string& manager) {
    WriteOptions options;
    options.field_manager = manager;
    return options;
}

}  // namespace

ResourceType config_map_type() {
    return {"", "v1", "configmaps", "ConfigMap", true};
}

ObjectRef config_map(const Subject& subject, const std::string& name) {
    return {config_map_type(), subject.name_space, name};
}

Json config_map_object(const std::string& name, const Json& data) {
    return {{"apiVersion", "v1"}, {"kind", "ConfigMap"}, {"metadata", {{"name", name}}}, {"data", data}};
}

void absence_existence_and_staleness_are_told_apart(const Subject& subject) {
    const ObjectRef ref = config_map(subject, "one");
    CHECK(subject.client.get(ref).error().reason == Reason::NotFound);
    CHECK(subject.client.remove(ref).error().reason == Reason::NotFound);
    const Json first = must(subject.client.create(ref, config_map_object("one", {{"a", "1"}})));
    CHECK(subject.client.create(ref, config_map_object("one", {{"a", "2"}})).error().reason ==
          Reason::AlreadyExists);
    Json changed = first;
    changed["data"]["a"] = "3";
    const Json second = must(subject.client.replace(ref, changed));
    CHECK(second["metadata"]["resourceVersion"] != first["metadata"]["resourceVersion"]);
    const auto stale = subject.other.replace(ref, changed);
    REQUIRE_FALSE(stale);
    CHECK(stale.error().reason == Reason::Conflict);
    CHECK(stale.error().conflicts.empty());
    DeleteOptions options;
    options.uid = "another";
    CHECK(subject.client.remove(ref, options).error().reason == Reason::Conflict);
    options.uid = second["metadata"]["uid"];
    must(subject.client.remove(ref, options));
    must(wait_until_gone(subject.client, ref, 5s));
}

void apply_names_the_managers_in_its_way(const Subject& subject) {
    const ObjectRef ref = config_map(subject, "shared");
    must(subject.client.patch(ref, PatchKind::Apply, config_map_object("shared", {{"a", "1"}, {"b", "1"}}),
                              by("ada")));
    must(subject.client.patch(ref, PatchKind::Apply, config_map_object("shared", {{"c", "1"}}), by("bob")));
    const auto refused = subject.client.patch(
        ref, PatchKind::Apply, config_map_object("shared", {{"a", "2"}, {"b", "2"}, {"c", "1"}}), by("bob"));
    REQUIRE_FALSE(refused);
    CHECK(refused.error().reason == Reason::Conflict);
    std::set<std::string> fields;
    for (const FieldConflict& conflict : refused.error().conflicts) {
        CHECK(conflict.manager == "ada");
        fields.insert(conflict.field);
    }
    CHECK(fields == std::set<std::string>{".data.a", ".data.b"});
    WriteOptions force = by("bob");
    force.force = true;
    const Json taken = must(subject.client.patch(
        ref, PatchKind::Apply, config_map_object("shared", {{"a", "2"}, {"c", "1"}}), force));
    CHECK(taken["data"]["a"] == "2");
    CHECK(taken["data"]["b"] == "1");
    // What a manager leaves out is removed, unless somebody else owns it.
    const Json less = must(
        subject.client.patch(ref, PatchKind::Apply, config_map_object("shared", {{"a", "2"}}), by("bob")));
    CHECK_FALSE(less["data"].contains("c"));
    CHECK(less["data"].contains("b"));
}

void a_dry_run_changes_nothing(const Subject& subject) {
    const ObjectRef ref = config_map(subject, "dry");
    WriteOptions dry = by("ada");
    dry.dry_run = true;
    const Json would =
        must(subject.client.patch(ref, PatchKind::Apply, config_map_object("dry", {{"a", "1"}}), dry));
    CHECK(would["data"]["a"] == "1");
    CHECK(subject.client.get(ref).error().reason == Reason::NotFound);
}

void a_finalizer_keeps_an_object_until_it_is_removed(const Subject& subject) {
    const std::string ours = "fleet.nationtech.io/test";
    const ObjectRef ref = config_map(subject, "kept");
    must(subject.client.create(ref, config_map_object("kept", {{"a", "1"}})));
    must(set_finalizer(subject.client, ref, ours, true));
    must(set_finalizer(subject.client, ref, "example.org/other", true));
    must(set_finalizer(subject.client, ref, ours, true));  // again is nothing
    must(subject.client.remove(ref));
    const Json kept = must(subject.client.get(ref));
    CHECK(kept["metadata"].contains("deletionTimestamp"));
    CHECK(kept["metadata"]["finalizers"].size() == 2);
    must(set_finalizer(subject.client, ref, "example.org/other", false));
    const auto waited = wait_until_gone(subject.client, ref, 100ms);
    REQUIRE_FALSE(waited);
    CHECK(waited.error().text().find("kept by the finalizers " + ours) != std::string::npos);
    must(set_finalizer(subject.client, ref, ours, false));
    must(wait_until_gone(subject.client, ref, 5s));
    must(set_finalizer(subject.client, ref, ours, false));  // gone is done
}

void lists_come_in_pages(const Subject& subject) {
    for (int i = 0; i < 7; ++i) {
        const std::string name = "page-" + std::to_string(i);
        must(subject.client.create(config_map(subject, name),
                                   config_map_object(name, {{"i", std::to_string(i)}})));
    }
    ListOptions options;
    options.limit = 3;
    const ListPage first = must(subject.client.list(config_map_type(), subject.name_space, options));
    CHECK(first.items.size() == 3);
    CHECK_FALSE(first.continue_token.empty());
    std::set<std::string> names;
    for (const Json& item : must(list_all(subject.client, config_map_type(), subject.name_space, options))) {
        CHECK(item["kind"] == "ConfigMap");
        names.insert(item["metadata"]["name"].get<std::string>());
    }
    for (int i = 0; i < 7; ++i)
        CHECK(names.count("page-" + std::to_string(i)) == 1);
}

void a_watch_tells_what_is_and_what_changes(const Subject& subject) {
    const ObjectRef ref = config_map(subject, "seen");
    must(subject.client.create(ref, config_map_object("seen", {{"a", "1"}})));
    Observer observer;
    const auto watch =
        must(subject.client.watch({config_map_type(), subject.name_space}, observer.handlers()));
    REQUIRE(
        observer.wait([](const Observer& o) { return o.caught_up == 1 && o.known.count("seen") == 1; }, 10s));
    must(subject.other.create(config_map(subject, "new"), config_map_object("new", {{"a", "1"}})));
    REQUIRE(observer.wait([](const Observer& o) { return o.known.count("new") == 1; }, 10s));
    const Json changed = must(subject.other.patch(ref, PatchKind::MergePatch, {{"data", {{"a", "2"}}}}));
    const std::string version = changed["metadata"]["resourceVersion"];
    REQUIRE(observer.wait([&](const Observer& o) { return o.known.at("seen") == version; }, 10s));
    must(subject.other.remove(ref));
    REQUIRE(observer.wait([](const Observer& o) { return o.deletions == 1; }, 10s));
    CHECK(watch->replays() == 1);
}

void a_lease_has_one_holder_and_passes_on(const Subject& subject) {
    LeaseSettings settings;
    settings.name_space = subject.name_space;
    settings.name = "operator";
    settings.identity = "first";
    LeaseElection first(subject.client, settings);
    settings.identity = "second";
    LeaseElection second(subject.other, settings);

    SteadyTime now{};  // both candidates live on this clock
    CHECK(must(first.tick(now)) == Leadership::Leader);
    CHECK(must(second.tick(now)) == Leadership::Follower);
    CHECK(second.holder() == "first");
    now += 14s;
    CHECK(must(first.tick(now)) == Leadership::Leader);
    CHECK(must(second.tick(now)) == Leadership::Follower);  // the renewal is seen: its time begins anew
    // The first one stops answering: it knows by itself, and before the second one may take over.
    now += 10s;
    CHECK(first.leadership(now) == Leadership::Follower);
    CHECK(must(second.tick(now)) == Leadership::Follower);
    now += 5s;
    CHECK(must(second.tick(now)) == Leadership::Leader);
    CHECK(must(first.tick(now)) == Leadership::Follower);
    const Json lease = must(subject.client.get({lease_type(), subject.name_space, "operator"}));
    CHECK(lease["spec"]["holderIdentity"] == "second");
    CHECK(lease["spec"]["leaseTransitions"] == 1);
    // Given up, it need not expire.
    must(second.release());
    CHECK(second.leadership(now) == Leadership::Follower);
    CHECK(must(first.tick(now)) == Leadership::Leader);
}

void a_repeated_event_counts(const Subject& subject) {
    const Json object = must(
        subject.client.create(config_map(subject, "eventful"), config_map_object("eventful", {{"a", "1"}})));
    Json involved = object;
    involved["apiVersion"] = "v1";
    involved["kind"] = "ConfigMap";
    const EventNote note{true, "Refused", "the document can't be used"};
    const auto now = std::chrono::system_clock::time_point(std::chrono::seconds(1'577'836'800));
    must(record_event(subject.client, involved, note, now));
    must(record_event(subject.client, involved, note, now + 60s));
    const ResourceType events{"", "v1", "events", "Event", true};
    const auto listed = must(list_all(subject.client, events, subject.name_space));
    REQUIRE(listed.size() == 1);
    CHECK(listed[0]["count"] == 2);
    CHECK(listed[0]["firstTimestamp"] == "2020-01-01T00:00:00Z");
    CHECK(listed[0]["lastTimestamp"] == "2020-01-01T00:01:00Z");
    CHECK(listed[0]["involvedObject"]["name"] == "eventful");
}

}  // namespace harmony::runtime::kubernetes::testing
