#include "deployment_file.hpp"

#include <catch2/catch.hpp>

using harmony::fleet::read_deployments;

namespace {

std::string document(const std::string& name, const std::string& env = "{A: b}") {
    return "apiVersion: fleet.nationtech.io/v1alpha1\n"
           "kind: Deployment\n"
           "metadata: {name: " +
           name +
           "}\n"
           "spec:\n"
           "  targetSelector: {matchLabels: {site: north}}\n"
           "  score:\n"
           "    type: PodmanV0\n"
           "    data: {services: [{name: web, image: localhost/x:1, env: " +
           env + "}]}\n";
}

std::string refusal(const std::string& content) {
    const auto read = read_deployments("fleet.yaml", content);
    return read ? "" : read.error().text();
}

}  // namespace

TEST_CASE("a file holds one or more Deployments, empty documents aside") {
    const auto read = read_deployments("fleet.yaml", "---\n" + document("a") + "---\n---\n" + document("b"));
    REQUIRE(read);
    REQUIRE(read->size() == 2);
    CHECK(read->at(0).metadata.name == "a");
    CHECK(read->at(1).metadata.name == "b");
}

TEST_CASE("JSON is read too") {
    const auto yaml = read_deployments("fleet.yaml", document("a"));
    REQUIRE(yaml);
    CHECK(read_deployments("fleet.json", yaml->at(0).encode()).value() == *yaml);
}

TEST_CASE("a quoted number stays a text, a plain one is refused where a text belongs") {
    CHECK(read_deployments("fleet.yaml", document("a", "{PORT: \"8080\", ON: yes}")));
    const std::string why = refusal(document("a", "{PORT: 8080}"));
    CHECK(why.find("env") != std::string::npos);
    CHECK(why.find("PORT") != std::string::npos);
}

TEST_CASE("what is refused names the file, the document and the field") {
    const std::string why = refusal(document("a") + "---\n" + document("Not_Good"));
    CHECK(why.find("fleet.yaml: document 2") == 0);
    CHECK(why.find("metadata.name") != std::string::npos);
}

TEST_CASE("broken YAML, doubled keys, doubled names, other kinds and nothing at all are refused") {
    CHECK(refusal("a: [").find("fleet.yaml") == 0);
    CHECK(refusal("a: 1\na: 2\n").find("line 2: the key a is there twice") != std::string::npos);
    CHECK(refusal(document("a") + "---\n" + document("a")).find("is there twice") != std::string::npos);
    CHECK(refusal("kind: Device\n") != "");
    CHECK(refusal("- 1\n") != "");
    CHECK(refusal("") != "");
    CHECK(refusal("---\n---\n") != "");
}

TEST_CASE("aliases that grow beyond measure are refused") {
    std::string bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n";
    for (int i = 1; i < 9; ++i) {
        const std::string before = "*a" + std::to_string(i - 1);
        bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [";
        for (int k = 0; k < 10; ++k)
            bomb += (k == 0 ? "" : ",") + before;
        bomb += "]\n";
    }
    CHECK(refusal(bomb).find("too much") != std::string::npos);
}
