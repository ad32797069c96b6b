#include "harmony/fleet_access/cluster_nats.hpp"

#include <catch2/catch.hpp>
#include <harmony/plugin/testing/fake_capabilities.hpp>
#include <harmony/plugin/testing/fake_kubernetes.hpp>

#include "harmony/fleet_access/image_parameters.hpp"

using namespace harmony::fleet_access;
using namespace harmony::plugin;

namespace {

Json nats_service(const std::string& name_space, const std::string& context) {
    return Json::
        parse(R"({"apiVersion":"v1","kind":"Service","metadata":{"name":"fleet-nats","namespace":")" +
              name_space +
              R"(","labels":{"io.nationtech.harmony/service":"fleet-nats","io.nationtech.harmony/context":")" +
              context + R"("}},"spec":{"ports":[{"name":"client","port":4222}]}})")
            .value();
}

struct Fixture {
    Result<std::string> url(const std::string& given, const std::vector<std::string>& pending = {}) {
        const NatsInputs inputs(services, secrets, given, pending, "x");
        return cluster_nats_url(inputs, cluster, "edge", "shop");
    }
    testing::FakeServiceDirectory services;
    testing::FakeSecretStore secrets;
    testing::FakeKubernetes cluster;
};

}  // namespace

TEST_CASE("pods find the context's server by its Service, in their namespace before another one") {
    Fixture fixture;
    fixture.cluster.put(nats_service("other", "somebody-else"));
    CHECK(fixture.url("").error().code == "x.nats-not-found");
    CHECK(fixture.url("", {"FleetNatsScore"}).value() == "nats://fleet-nats.shop.svc:4222");
    fixture.cluster.put(nats_service("elsewhere", "edge"));
    CHECK(fixture.url("").value() == "nats://fleet-nats.elsewhere.svc:4222");
    fixture.cluster.put(nats_service("shop", "edge"));
    CHECK(fixture.url("").value() == "nats://fleet-nats.shop.svc:4222");
    CHECK(fixture.url("nats://10.0.0.1:1").value() == "nats://10.0.0.1:1");
}

TEST_CASE("who may look into one namespace only finds no server elsewhere") {
    Fixture fixture;
    fixture.cluster.put(nats_service("elsewhere", "edge"));
    fixture.cluster.fail_call(2, {.code = "kubernetes.forbidden", .summary = "forbidden"});
    CHECK(fixture.url("").error().code == "x.nats-not-found");
}

TEST_CASE("an image is a whole reference, or registry, name and tag") {
    CHECK(image_reference({}, "harmony-x", "1.0") == "localhost/harmony/harmony-x:1.0");
    CHECK(image_reference({.registry = "registry.example.com/fleet/", .tag = "2"}, "harmony-x", "1.0") ==
          "registry.example.com/fleet/harmony-x:2");
    CHECK(image_reference({.image = "x@sha256:0"}, "harmony-x", "1.0") == "x@sha256:0");
    CHECK(check_image({.registry = "r"}));
    CHECK(check_image({.registry = "r", .image = "x:1"}).error().path == "image_registry");
    CHECK(check_image({.tag = "2", .image = "x:1"}).error().path == "image_tag");
}
