// What an operator finds out about its cluster before it begins, and what its roles grant it.
#include "cluster_check.hpp"

#include <yaml-cpp/yaml.h>

#include <catch2/catch.hpp>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <set>

#include "harmony/contracts/resource_definitions.hpp"
#include "harmony/kubernetes/fake_client.hpp"

using namespace harmony::op;
namespace contracts = harmony::contracts;
namespace kubernetes = harmony::runtime::kubernetes;
using Json = nlohmann::json;
using kubernetes::Reason;
using Verdict = ClusterCheck::Verdict;

namespace {

const kubernetes::ResourceType kDefinitions{"apiextensions.k8s.io", "v1", "customresourcedefinitions",
                                            "CustomResourceDefinition", false};

struct Checked {
    explicit Checked(const Json& deployments = contracts::deployment_definition()) {
        if (!deployments.is_null()) REQUIRE(client->create({kDefinitions, "", ""}, deployments));
        REQUIRE(client->create({kDefinitions, "", ""}, contracts::device_definition()));
        // The server in memory reviews no permissions; who may not ask goes on, and is told.
        server->fail("create", 1, kubernetes::make_failure(Reason::Forbidden, "no reviews"));
    }
    ClusterCheck run() { return check_cluster(*client, "fleet", true); }

    std::shared_ptr<kubernetes::FakeKubernetesServer> server = kubernetes::FakeKubernetesServer::create();
    std::unique_ptr<kubernetes::KubernetesClient> client = server->connect();
};

Json of_version(const std::string& version) {
    Json definition = contracts::deployment_definition();
    definition["metadata"]["annotations"]["fleet.nationtech.io/definition-version"] = version;
    return definition;
}

// "<verb> <resource>.<group>", " in the namespace" where it is a Role's.
std::set<std::string> granted(const std::string& file, const char* where) {
    std::ifstream stream(std::string(HARMONY_SOURCE_DIR) + "/plugins/operator/golden/chart/templates/" +
                         file);
    const std::string text{std::istreambuf_iterator<char>(stream), {}};
    // What is before the rules has expressions of a template.
    const auto start = text.find("rules:\n");
    REQUIRE(start != std::string::npos);
    std::set<std::string> result;
    for (const auto& rule : YAML::Load(text.substr(start))["rules"]) {
        for (const auto& group : rule["apiGroups"]) {
            for (const auto& resource : rule["resources"]) {
                for (const auto& verb : rule["verbs"]) {
                    result.insert(verb.Scalar() + " " + resource.Scalar() + "." + group.Scalar() + where);
                }
            }
        }
    }
    return result;
}

}  // namespace

TEST_CASE("definitions as they were shipped are good, and without reviews the operator goes on") {
    const auto check = Checked().run();
    CHECK(check.verdict == Verdict::Good);
    CHECK(check.text.empty());
    CHECK(check.warnings == "no reviews");
}

TEST_CASE("a definition of another version, or changed by hand, is told and ridden out") {
    const auto newer = Checked(of_version("99")).run();
    CHECK(newer.verdict == Verdict::Good);
    CHECK_THAT(newer.warnings, Catch::Contains("found version 99"));
    Json changed = contracts::deployment_definition();
    changed["spec"]["names"]["shortNames"] = {"fd"};
    const auto by_hand = Checked(changed).run();
    CHECK(by_hand.verdict == Verdict::Good);
    CHECK_THAT(by_hand.warnings, Catch::Contains("spec.names.shortNames"));
}

TEST_CASE("a definition of another program, and one that is missing, are refused with what to do") {
    Json other = contracts::deployment_definition();
    other["spec"]["names"]["kind"] = "Rollout";
    const auto foreign = Checked(other).run();
    CHECK(foreign.verdict == Verdict::Refused);
    CHECK_THAT(foreign.text, Catch::Contains("spec.names.kind") && Catch::Contains("Rollout"));
    const auto unversioned = Checked(of_version("beta")).run();
    CHECK(unversioned.verdict == Verdict::Refused);
    CHECK_THAT(unversioned.text, Catch::Contains("found no version"));
    const auto missing = Checked(Json()).run();
    CHECK(missing.verdict == Verdict::Refused);
    CHECK_THAT(missing.text, Catch::Contains("deployments.fleet.nationtech.io is missing"));
}

TEST_CASE("an operator that may not read definitions goes on, and one whose server is away waits") {
    Checked blind;
    blind.server->fail("get", 1, kubernetes::make_failure(Reason::Forbidden, "may not get definitions"));
    const auto told = blind.run();
    CHECK(told.verdict == Verdict::Good);
    CHECK_THAT(told.warnings, Catch::Contains("may not get definitions"));
    for (const Reason reason : {Reason::Unreachable, Reason::Unavailable, Reason::Timeout}) {
        Checked away;
        away.server->fail("get", 1, kubernetes::make_failure(reason, "no answer"));
        CHECK(away.run().verdict == Verdict::Away);
    }
    Checked expired;
    expired.server->fail("get", 1, kubernetes::make_failure(Reason::Unauthorized, "the token expired"));
    CHECK(expired.run().verdict == Verdict::Refused);
}

TEST_CASE("the roles that are shipped grant what the operator asks for, and nothing else") {
    std::set<std::string> needed{"get customresourcedefinitions.apiextensions.k8s.io"};
    for (const Permission& permission : needed_permissions(true)) {
        needed.insert(permission.verb + " " + permission.resource + "." + permission.group +
                      (permission.in_namespace ? " in the namespace" : ""));
    }
    auto found = granted("role.yaml", " in the namespace");
    found.merge(granted("cluster-role.yaml", ""));
    CHECK(found == needed);
}
