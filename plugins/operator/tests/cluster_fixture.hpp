// A cluster in memory with the fleet's NATS server in it, for the Score.
#pragma once

#include <catch2/catch.hpp>
#include <harmony/plugin/testing/fake_capabilities.hpp>
#include <harmony/plugin/testing/fake_host.hpp>
#include <harmony/plugin/testing/fake_kubernetes.hpp>
#include <string>

namespace harmony::fleet_operator::testing {

inline constexpr const char* kPassword = "s3cret-of-the-operator";

inline plugin::Json parsed(const std::string& text) {
    auto json = plugin::Json::parse(text);
    REQUIRE(json);
    return *json;
}

inline plugin::Json lease(const std::string& name_space) {
    return parsed(R"({"apiVersion":"coordination.k8s.io/v1","kind":"Lease",
        "metadata":{"name":"harmony-fleet-operator","namespace":")" +
                  name_space + R"("}})");
}

inline plugin::Json held_deployment(const std::string& name) {
    return parsed(R"({"apiVersion":"fleet.nationtech.io/v1alpha1","kind":"Deployment",
        "metadata":{"namespace":"fleet-system","finalizers":["fleet.nationtech.io/finalizer"],"name":")" +
                  name + R"("}})");
}

struct ClusterFixture {
    explicit ClusterFixture(std::string place) : name_space(std::move(place)) {
        host.offer<plugin::Kubernetes>(cluster);
        host.offer<plugin::ServiceDirectory>(services);
        host.offer<plugin::SecretStore>(secrets);
        operator_works(true);
    }

    void add_nats() {
        cluster.put(
            parsed(R"({"apiVersion":"v1","kind":"Service","metadata":{"name":"fleet-nats","namespace":")" +
                   name_space + R"(","labels":{"io.nationtech.harmony/context":"test",
            "io.nationtech.harmony/service":"fleet-nats"}},"spec":{"ports":[{"name":"client","port":4222}]}})"));
        REQUIRE(secrets.put("nats/operator", kPassword));
    }

    // Whether Deployments are taken up.
    void operator_works(bool works) {
        cluster.on_apply([works](plugin::Json& object) {
            const plugin::Json& seen = object;
            if (!seen["spec"]["targetSelector"].is_object()) return;
            object["metadata"]["generation"] = 1;
            if (!works) return;
            object["metadata"]["finalizers"].push_back("fleet.nationtech.io/finalizer");
            object["status"]["observedGeneration"] = 1;
        });
    }

    plugin::testing::ScoreHandle score(plugin::Json settings = plugin::Json::object()) {
        settings["namespace"] = name_space;
        return host.score("FleetOperatorScore", std::move(settings)).value();
    }
    void apply(plugin::Json settings) {
        auto applied = score(std::move(settings)).apply_all();
        if (!applied) FAIL(applied.error().code << ": " << applied.error().summary);
    }
    plugin::Json object(const std::string& api_version, const std::string& kind, const std::string& name) {
        return object(api_version, kind, name, name_space);
    }
    plugin::Json object(const std::string& api_version, const std::string& kind, const std::string& name,
                        const std::string& where) {
        auto found = cluster.get({api_version, kind, where, name});
        REQUIRE(found);
        REQUIRE(*found);
        return **found;
    }
    plugin::Json workload() { return object("apps/v1", "Deployment", "fleet-operator"); }

    std::string name_space;
    plugin::testing::FakeHost host{harmony_plugin_entry_1};
    plugin::testing::FakeKubernetes cluster;
    plugin::testing::FakeServiceDirectory services;
    plugin::testing::FakeSecretStore secrets;
};

}  // namespace harmony::fleet_operator::testing
