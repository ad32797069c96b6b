#include <catch2/catch.hpp>

#include "fleet_builders.hpp"
#include "harmony/operator/fleet_api.hpp"

using namespace harmony::op;
using namespace harmony::op::testing;
using harmony::ErrorKind;
using harmony::contracts::ApplyChange;

namespace {

StoredDeployment stored(const harmony::contracts::Deployment& document) {
    auto outcome = merge_apply(document, std::nullopt, "fleet-system", at(1));
    REQUIRE(outcome);
    outcome->stored.deployment.metadata.resource_version = "5";
    return outcome->stored;
}

}  // namespace

TEST_CASE("a new Deployment gets generation 1, a finalizer and its creation time") {
    const auto outcome =
        merge_apply(deployment("web", selector({}), "img:1"), std::nullopt, "fleet-system", at(9));
    REQUIRE(outcome);
    CHECK(outcome->change == ApplyChange::Created);
    const auto& meta = outcome->stored.deployment.metadata;
    CHECK(meta.generation == 1);
    CHECK(meta.creation_timestamp == at(9));
    CHECK(meta.finalizers == std::vector<std::string>{"fleet.nationtech.io/finalizer"});
    CHECK(outcome->stored.active == outcome->stored.deployment.spec);
}

TEST_CASE("the same spec again is unchanged, another is a new generation, other labels are not") {
    const StoredDeployment current = stored(deployment("web", selector({}), "img:1"));
    const auto same = merge_apply(deployment("web", selector({}), "img:1"), current, "fleet-system", at(2));
    REQUIRE(same);
    CHECK(same->change == ApplyChange::Unchanged);
    const auto changed =
        merge_apply(deployment("web", selector({}), "img:2"), current, "fleet-system", at(2));
    REQUIRE(changed);
    CHECK(changed->change == ApplyChange::Configured);
    CHECK(changed->stored.deployment.metadata.generation == 2);
    CHECK(changed->stored.deployment.metadata.creation_timestamp == at(1));
    auto labelled = deployment("web", selector({}), "img:1");
    labelled.metadata.labels = {{"team", "edge"}};
    const auto meta_only = merge_apply(labelled, current, "fleet-system", at(2));
    REQUIRE(meta_only);
    CHECK(meta_only->change == ApplyChange::Configured);
    CHECK(meta_only->stored.deployment.metadata.generation == 1);
}

TEST_CASE("a paused spec waits and the fleet keeps the one before") {
    const StoredDeployment current = stored(deployment("web", selector({}), "img:1"));
    auto paused = deployment("web", selector({}), "img:2");
    paused.spec.paused = true;
    const auto outcome = merge_apply(paused, current, "fleet-system", at(2));
    REQUIRE(outcome);
    CHECK(outcome->stored.deployment.spec.score == score("img:2"));
    REQUIRE(outcome->stored.active);
    CHECK(outcome->stored.active->score == score("img:1"));
}

TEST_CASE("a changed score of a Rolling Deployment begins a rollout, but not while it is paused") {
    auto document = deployment("web", selector({}), "img:1");
    document.spec.rollout = harmony::contracts::Rolling{};
    const StoredDeployment current = stored(document);
    CHECK_FALSE(current.rollout.in_progress());
    document.spec.score = score("img:2");
    document.spec.paused = true;
    const auto paused = merge_apply(document, current, "fleet-system", at(2));
    REQUIRE(paused);
    CHECK_FALSE(paused->stored.rollout.in_progress());
    document.spec.paused = false;
    const auto resumed = merge_apply(document, paused->stored, "fleet-system", at(3));
    REQUIRE(resumed);
    CHECK(resumed->stored.rollout.base == hash_of(score("img:1")));
    CHECK(resumed->stored.rollout.older == std::vector{score("img:1")});
}

TEST_CASE("a stale resource version, a deletion under way and a foreign namespace are refused by name") {
    StoredDeployment current = stored(deployment("web", selector({}), "img:1"));
    auto stale = deployment("web", selector({}), "img:2");
    stale.metadata.resource_version = "4";
    auto refused = merge_apply(stale, current, "fleet-system", at(2));
    REQUIRE_FALSE(refused);
    CHECK(refused.error().kind() == ErrorKind::Conflict);

    auto foreign = deployment("web", selector({}), "img:2");
    foreign.metadata.name_space = "elsewhere";
    refused = merge_apply(foreign, current, "fleet-system", at(2));
    REQUIRE_FALSE(refused);
    CHECK(refused.error().message().find("metadata.namespace: found \"elsewhere\"") == 0);

    current.deployment.metadata.deletion_timestamp = at(1);
    refused = merge_apply(deployment("web", selector({}), "img:2"), current, "fleet-system", at(2));
    REQUIRE_FALSE(refused);
    CHECK(refused.error().kind() == ErrorKind::Conflict);
}
