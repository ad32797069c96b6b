#include "secret_objects.hpp"

#include "fake_cluster.hpp"

using namespace harmony::cluster;
using namespace harmony::cluster::testing;
using namespace harmony::plugin;

TEST_CASE("a secret is made once, read again and listed by its own name") {
    FakeCluster cluster;
    SecretObjects secrets(cluster.session);
    const auto made = secrets.ensure("nats/operator", 32);
    REQUIRE(made);
    CHECK(made->created);
    CHECK(made->value.size() == 43);
    const auto again = secrets.ensure("nats/operator", 32);
    CHECK_FALSE(again->created);
    CHECK(again->value == made->value);
    CHECK(*secrets.get("nats/operator") == made->value);
    CHECK(*secrets.list("nats/") == std::vector<std::string>{"nats/operator"});
    CHECK(secrets.list("mail/")->empty());
    CHECK(cluster.client->get({kSecrets, "shop", "harmony.bench.nats.operator"}));
    CHECK(*secrets.remove("nats/operator"));
    CHECK_FALSE(*secrets.remove("nats/operator"));
    CHECK(secrets.get("nats/operator").error().code == SecretStore::kNotFound);
}

TEST_CASE("of two that make a secret at once the first one's value counts") {
    FakeCluster cluster;
    SecretObjects secrets(cluster.session);
    const std::string first = secrets.ensure("key", 16)->value;
    // The second one looked before the first had made it.
    cluster.server->fail("get", 1, api::make_failure(api::Reason::NotFound, "not found"));
    const auto second = secrets.ensure("key", 16);
    REQUIRE(second);
    CHECK_FALSE(second->created);
    CHECK(second->value == first);
}

TEST_CASE("a value that is put replaces the old one, also when somebody else writes meanwhile") {
    FakeCluster cluster;
    SecretObjects secrets(cluster.session);
    REQUIRE(secrets.put("key", "one"));
    cluster.server->fail("update", 1, api::make_failure(api::Reason::Conflict, "modified"));
    REQUIRE(secrets.put("key", "two"));
    CHECK(*secrets.get("key") == "two");
}

TEST_CASE("a Secret that this context did not make is left alone") {
    FakeCluster cluster;
    SecretObjects secrets(cluster.session);
    cluster.make(kSecrets, {{"metadata", {{"name", "harmony.bench.key"}}}, {"data", {{"value", "eA=="}}}});
    CHECK(secrets.get("key").error().code == "kubernetes.not-ours");
    CHECK(secrets.put("key", "v").error().code == "kubernetes.not-ours");
    CHECK(secrets.remove("key").error().code == "kubernetes.not-ours");
    CHECK(secrets.list("")->empty());
}

TEST_CASE("a name that no object can have is refused") {
    CHECK(secret_object_name("bench", "nats/device/edge-1").value() == "harmony.bench.nats.device.edge-1");
    CHECK(secret_object_name("bench", "nats/-x").error().path == "name");
    CHECK(secret_object_name("bench", "nats-/x").error().path == "name");
    CHECK(secret_object_name("bench", "x-").error().path == "name");
    CHECK(secret_object_name("bench", std::string(250, 'x')).error().path == "name");
}
