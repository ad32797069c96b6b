// The definitions of contracts on a real API server.
#include <catch2/catch.hpp>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "api_cluster.hpp"
#include "cluster_definitions.hpp"
#include "harmony/contracts/resource_definitions.hpp"
#include "harmony/operator/device_resources_object.hpp"
#include "invalid_resources.hpp"
#include "samples.hpp"

using namespace harmony::op;
using namespace harmony::op::testing;
namespace contracts = harmony::contracts;
namespace kubernetes = harmony::runtime::kubernetes;
using harmony::runtime::kubernetes::testing::cluster_access;
using harmony::runtime::kubernetes::testing::cluster_folder;
using harmony::runtime::kubernetes::testing::connect;
using harmony::runtime::kubernetes::testing::need_cluster;
using harmony::runtime::kubernetes::testing::TestNamespace;
using Json = nlohmann::json;

namespace {

struct Cluster {
    Cluster() {
        need_cluster();
        client = connect(cluster_access());
        serve_definitions(*client);
    }
    std::unique_ptr<kubernetes::KubernetesClient> client;
};

// The server names no indices where it checks a schema.
std::string without_indices(const std::string& field) {
    std::string result;
    bool inside = false;
    for (const char c : field) {
        if (c == '[') inside = true;
        if (!inside) result += c;
        if (c == ']') inside = false;
    }
    return result;
}

bool names(const kubernetes::Failure& failure, const std::string& field) {
    for (const auto& problem : failure.problems) {
        const auto where = without_indices(problem.field + " " + problem.message);
        if (where.find(without_indices(field)) != std::string::npos) return true;
    }
    return false;
}

void refused(kubernetes::KubernetesClient& client, const kubernetes::ResourceType& type,
             const std::string& name_space, const contracts::testing::InvalidResource& entry) {
    INFO(entry.why);
    kubernetes::WriteOptions options;
    options.dry_run = true;
    const auto answer = client.create({type, name_space, {}}, entry.document, options);
    REQUIRE_FALSE(answer);
    INFO(answer.error().text());
    CHECK(answer.error().reason == kubernetes::Reason::Invalid);
    CHECK(names(answer.error(), entry.field));
}

// Without what a server sets itself.
Json as_a_user_writes(const std::string& golden) {
    Json document = Json::parse(golden);
    Json metadata{{"name", document["metadata"]["name"]}};
    for (const char* key : {"labels", "annotations"}) {
        if (document["metadata"].contains(key)) metadata[key] = document["metadata"][key];
    }
    document["metadata"] = metadata;
    return document;
}

struct Output {
    int status = -1;
    std::string text;
};
Output kubectl(const std::string& arguments) {
    const std::string command =
        "kubectl --kubeconfig '" + cluster_folder() + "/kubeconfig' " + arguments + " 2>&1";
    Output result;
    FILE* pipe = popen(command.c_str(), "r");
    REQUIRE(pipe != nullptr);
    char buffer[4096];
    while (const auto count = std::fread(buffer, 1, sizeof buffer, pipe))
        result.text.append(buffer, count);
    result.status = pclose(pipe);
    return result;
}

// Definitions reach the server's description of itself a little later than they are served.
std::string explain(const std::string& field) {
    Output last;
    wait_for("kubectl explain " + field, [&] {
        last = kubectl("explain " + field);
        return last.status == 0 && last.text.find("<empty>") == std::string::npos;
    });
    return last.text;
}

}  // namespace

TEST_CASE("the API server takes both definitions, and what it returns is recognised") {
    Cluster cluster;
    for (const auto& definition : {contracts::deployment_definition(), contracts::device_definition()}) {
        const auto installed =
            cluster.client->get({definition_type(), {}, definition.at("metadata").at("name")});
        REQUIRE(installed);
        const auto comparison = contracts::compare_definition(definition, *installed);
        INFO(comparison.reason);
        CHECK(comparison.match == contracts::DefinitionMatch::Same);
        Json conditions;
        for (const auto& condition : installed->at("status").at("conditions"))
            conditions[condition.at("type").get<std::string>()] = condition.at("status");
        CHECK(conditions == Json({{"Established", "True"}, {"NamesAccepted", "True"}}));
        CHECK_FALSE(conditions.contains("NonStructuralSchema"));
    }
}

TEST_CASE("the API server keeps every golden Deployment and Device as it is, status included") {
    Cluster cluster;
    TestNamespace space(*cluster.client);
    for (const auto& sample : contracts::testing::samples()) {
        const bool device = sample.type == "device";
        if (!device && sample.type != "deployment") continue;
        INFO(sample.type << " " << sample.name);
        Json document = as_a_user_writes(sample.encoded);
        const std::string name = "golden-" + random_suffix();
        document["metadata"]["name"] = name;
        const kubernetes::ObjectRef ref{device ? device_resource_type() : deployment_type(),
                                        device ? "" : space.name(), name};
        const auto created = cluster.client->create(ref, document);
        INFO((created ? std::string() : created.error().text()));
        REQUIRE(created);
        CHECK(created->at("spec") == document.at("spec"));
        CHECK_FALSE(created->contains("status"));  // of the subresource only
        if (document.contains("status")) {
            kubernetes::WriteOptions options;
            options.subresource = "status";
            const auto written = cluster.client->patch(ref, kubernetes::PatchKind::MergePatch,
                                                       {{"status", document["status"]}}, options);
            INFO((written ? std::string() : written.error().text()));
            REQUIRE(written);
            CHECK(written->at("status") == document.at("status"));
        }
        CHECK(cluster.client->remove(ref));
    }
}

TEST_CASE("the API server refuses a resource with one thing wrong and names the field") {
    Cluster cluster;
    TestNamespace space(*cluster.client);
    for (const auto& entry : contracts::testing::invalid_deployments())
        refused(*cluster.client, deployment_type(), space.name(), entry);
    for (const auto& entry : contracts::testing::invalid_devices())
        refused(*cluster.client, device_resource_type(), {}, entry);
}

TEST_CASE("kubectl explains the resources and shows what matters of them") {
    Cluster cluster;
    if (kubectl("version --client").status != 0)
        kubernetes::testing::skip("kubectl is not there: apt-get install kubernetes-client");
    CHECK_THAT(explain("fleetdep.spec.rollout"),
               Catch::Contains("How changes reach the devices.") && Catch::Contains("strategy"));
    CHECK_THAT(explain("fleetdep.spec.score.data.services.ports"), Catch::Contains("[<ip>:]<host"));
    CHECK_THAT(explain("fleetdev.status.online"), Catch::Contains("Whether its heartbeat is fresh."));

    TestNamespace space(*cluster.client);
    Json document = as_a_user_writes(contracts::testing::deployment_sample().encode());
    const kubernetes::ObjectRef ref{deployment_type(), space.name(), "web"};
    REQUIRE(cluster.client->create(ref, document));
    kubernetes::WriteOptions options;
    options.subresource = "status";
    REQUIRE(cluster.client->patch(ref, kubernetes::PatchKind::MergePatch, {{"status", document["status"]}},
                                  options));
    const auto narrow = kubectl("get fleetdep -n " + space.name());
    INFO(narrow.text);
    CHECK_THAT(narrow.text, Catch::StartsWith("NAME   MATCHED   SUCCEEDED   FAILED   PENDING   READY   AGE"));
    CHECK_THAT(narrow.text, Catch::Contains("web    3         1           1        1         False"));
    const auto wide = kubectl("get fleetdep -o wide -n " + space.name());
    INFO(wide.text);
    CHECK_THAT(wide.text, Catch::Contains("STRATEGY") && Catch::Contains("LAST ERROR") &&
                              Catch::Contains("Rolling") && Catch::Contains("image not found"));
    const auto devices = kubectl("get fleetdev -o wide");
    INFO(devices.text);
    CHECK(devices.status == 0);
}
