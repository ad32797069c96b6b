#include "cluster_definitions.hpp"

#include <catch2/catch.hpp>
#include <chrono>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <random>
#include <thread>

#include "harmony/contracts/resource_definitions.hpp"
#include "harmony/contracts/resources.hpp"
#include "harmony/operator/device_resources_object.hpp"

namespace harmony::op::testing {

namespace kubernetes = runtime::kubernetes;
using namespace std::chrono_literals;

kubernetes::ResourceType definition_type() {
    return {"apiextensions.k8s.io", "v1", "customresourcedefinitions", "CustomResourceDefinition", false};
}

kubernetes::ResourceType deployment_type() {
    auto type = device_resource_type();
    type.plural = contracts::kDeploymentPlural;
    type.kind = contracts::kDeploymentKind;
    type.namespaced = true;
    return type;
}

void serve_definitions(kubernetes::KubernetesClient& client) {
    for (const auto& definition : {contracts::deployment_definition(), contracts::device_definition()}) {
        kubernetes::WriteOptions options;
        options.force = true;
        const auto applied = client.patch({definition_type(), {}, definition.at("metadata").at("name")},
                                          kubernetes::PatchKind::Apply, definition, options);
        INFO((applied ? std::string() : applied.error().text()));
        REQUIRE(applied);
    }
    wait_for("both resources are served", [&] {
        return client.list(deployment_type(), "default").has_value() &&
               client.list(device_resource_type(), "").has_value();
    });
}

void wait_for(const std::string& what, const std::function<bool()>& holds) {
    const auto deadline = std::chrono::steady_clock::now() + 60s;
    while (!holds()) {
        INFO("waited for: " << what);
        REQUIRE(std::chrono::steady_clock::now() < deadline);
        std::this_thread::sleep_for(20ms);
    }
}

std::string random_suffix() {
    std::random_device device;
    char text[16];
    std::snprintf(text, sizeof text, "%08x", device());
    return text;
}

}  // namespace harmony::op::testing
