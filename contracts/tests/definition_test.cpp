#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "harmony/contracts/resource_definitions.hpp"
#include "invalid_resources.hpp"
#include "samples.hpp"
#include "structural_check.hpp"

using namespace harmony::contracts;
using namespace harmony::contracts::testing;
using Json = nlohmann::json;

namespace {

constexpr int kSkipped = 4;  // what ctest counts as skipped

std::string joined(const std::vector<std::string>& lines) {
    std::string result;
    for (const auto& line : lines)
        result += line + "\n";
    return result;
}

// The Deployment of the goldens with one value changed.
std::vector<std::string> problems_with(const std::string& pointer, const Json& value) {
    auto document = Json::parse(deployment_sample().encode());
    document[Json::json_pointer(pointer)] = value;
    return structural_problems(schema_of(deployment_definition()), document);
}

bool decoder_takes(const std::string& pointer, const Json& value) {
    auto document = Json::parse(deployment_sample().encode());
    document[Json::json_pointer(pointer)] = value;
    return Deployment::decode(document.dump()).has_value();
}

void every_field_is_described(const Json& schema, const std::string& path) {
    INFO(path);
    const bool given_by_kubernetes = path == ".apiVersion" || path == ".kind" || path == ".metadata";
    if (given_by_kubernetes) return;
    CHECK_FALSE(schema.value("description", "").empty());
    const auto members = schema.value("properties", Json::object());
    for (const auto& [key, below] : members.items())
        every_field_is_described(below, path + "." + key);
    if (schema.contains("items")) every_field_is_described(schema.at("items"), path + "[]");
}

// As far as both write a path alike: a decoder puts a free key into brackets.
std::string common_part(const std::string& field) {
    const auto labels = field.find(".matchLabels.");
    const auto end = labels == std::string::npos ? field.find('[') : field.find('.', labels + 1);
    return field.substr(0, end);
}

// The JSON schema of the contract's pages and the structural one say the same of a field.
void same_demands(const Json& spec, const Json& structural, const std::string& path) {
    INFO(path);
    for (const char* keyword : {"required", "maxItems", "minItems", "maximum", "minimum", "maxProperties"}) {
        if (!spec.contains(keyword) || spec.at(keyword).empty()) continue;
        INFO(keyword);
        REQUIRE(structural.contains(keyword));
        if (std::string(keyword) == "required") {
            auto wanted = spec.at(keyword).get<std::vector<std::string>>();
            std::erase_if(wanted, [](const auto& key) {
                return key == "apiVersion" || key == "kind" || key == "metadata";
            });
            CHECK(structural.at(keyword) == Json(wanted));
        } else {
            CHECK(structural.at(keyword) == spec.at(keyword));
        }
    }
    if (spec.contains("enum") && structural.value("type", "") == "string" && structural.contains("enum"))
        CHECK(structural.at("enum") == spec.at("enum"));
    const auto members = spec.value("properties", Json::object());
    for (const auto& [key, below] : members.items()) {
        if (path.empty() && (key == "apiVersion" || key == "kind" || key == "metadata")) continue;
        INFO(key);
        REQUIRE(structural.contains("properties"));
        REQUIRE(structural.at("properties").contains(key));
        same_demands(below, structural.at("properties").at(key), path + "." + key);
    }
    const auto described = structural.value("properties", Json::object());
    for (const auto& [key, below] : described.items()) {
        INFO("only in the definition: " << key);
        CHECK(members.contains(key));
    }
    if (spec.contains("items")) same_demands(spec.at("items"), structural.at("items"), path + "[]");
}

}  // namespace

TEST_CASE("the definitions are what their golden files say") {
    const std::pair<std::string, Json> definitions[] = {{"deployment", deployment_definition()},
                                                        {"device", device_definition()}};
    const char* accept = std::getenv("HARMONY_ACCEPT");
    const bool accepting = accept != nullptr && std::string_view(accept) == "1";
    for (const auto& [name, definition] : definitions) {
        const auto file = "golden/resource_definition/" + name + ".json";
        if (accepting) {
            const auto path = std::filesystem::path(HARMONY_SOURCE_DIR) / "contracts" / file;
            std::filesystem::create_directories(path.parent_path());
            std::ofstream(path, std::ios::binary) << definition.dump(2) << "\n";
            continue;
        }
        INFO(file << " changed: raise kDefinitionVersion too, once a release has carried the present one");
        CHECK(definition.dump(2) == read_contract_file(file));
    }
    if (accepting) std::_Exit(kSkipped);
}

TEST_CASE("every golden Deployment and Device fits its definition") {
    int seen = 0;
    for (const auto& sample : samples()) {
        if (sample.type != "deployment" && sample.type != "device") continue;
        INFO(sample.type << " " << sample.name);
        const auto definition = sample.type == "device" ? device_definition() : deployment_definition();
        const auto problems = structural_problems(schema_of(definition), Json::parse(sample.encoded));
        CHECK(joined(problems).empty());
        ++seen;
    }
    CHECK(seen >= 4);
}

TEST_CASE("a resource with one thing wrong is refused by schema and decoder, both naming the field") {
    const auto check = [](const std::vector<InvalidResource>& list, const Json& definition, auto decode) {
        for (const auto& entry : list) {
            INFO(entry.why);
            const auto problems = structural_problems(schema_of(definition), entry.document);
            INFO(joined(problems));
            CHECK_THAT(joined(problems), Catch::Contains(entry.field));
            const auto decoded = decode(entry.document.dump());
            REQUIRE_FALSE(decoded.has_value());
            INFO(decoded.error().text());
            CHECK_THAT(decoded.error().text(), Catch::StartsWith(common_part(entry.field)));
        }
    };
    check(invalid_deployments(), deployment_definition(), Deployment::decode);
    check(invalid_devices(), device_definition(), Device::decode);
}

TEST_CASE("a schema takes every value that a decoder takes") {
    const std::pair<const char*, std::vector<Json>> values[] = {
        {"/spec/score/data/services/0/image",
         {"nginx", "nginx:1.25", "library/nginx", "localhost/web:latest",
          "registry.example:5000/a/b-c/d_e:V1.0", "10.0.0.1:5000/x", "Registry.Example/x", "a.b/c",
          "a@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
          "r.example/a:1@sha256:0123456789abcdef0123456789abcdef"}},
        {"/spec/score/data/services/0/ports/0",
         {"80:80", "8080:80/tcp", "53:53/udp", "127.0.0.1:80:80", "[::1]:80:80", "[::ffff:1.2.3.4]:80:80"}},
        {"/spec/score/data/services/0/volumes/0", {"/a:/b", "/a:/b:ro", "/a:/b:rw", "/:/", "/a b:/c"}},
        {"/spec/rollout/strategy/maxUnavailable", {1, 1'000'000'000, "1%", "01%", "10%", "99%", "100%"}},
        {"/spec/rollout/strategy/maxFailures", {0, "0%", "00%", "100%"}},
        {"/spec/targetSelector/matchExpressions/0/key",
         {"a", "A.b_c-d", "example.com/x", "a-b.example/X",
          std::string(253, 'a') + "/" + std::string(63, 'b')}},
        {"/spec/targetSelector/matchExpressions/0/values/0", {"", "a", "A.b_c-d", std::string(63, 'x')}},
        {"/spec/score/data/lifecycle/stop_signal", {"SIGTERM", "SIGRTMIN+3"}},
    };
    for (const auto& [pointer, list] : values) {
        for (const auto& value : list) {
            INFO(pointer << " " << value.dump());
            REQUIRE(decoder_takes(pointer, value));
            CHECK(joined(problems_with(pointer, value)).empty());
        }
    }
}

TEST_CASE("the definitions demand what the schemas of the contract's pages demand") {
    for (const auto& [name, definition] :
         {std::pair("deployment", deployment_definition()), std::pair("device", device_definition())}) {
        INFO(name);
        const auto spec = Json::parse(read_contract_file("spec/schemas/" + std::string(name) + ".json"));
        same_demands(spec, schema_of(definition), "");
    }
}

TEST_CASE("kubectl explain has something to say of every field") {
    every_field_is_described(schema_of(deployment_definition()), "");
    every_field_is_described(schema_of(device_definition()), "");
}

TEST_CASE("a definition in a cluster is recognised") {
    const auto ours = deployment_definition();
    const Json::json_pointer version("/metadata/annotations/fleet.nationtech.io~1definition-version");
    auto installed = ours;
    installed["metadata"]["uid"] = "1";
    installed["spec"]["conversion"] = {{"strategy", "None"}};
    installed["status"] = {{"storedVersions", {"v1alpha1"}}};
    CHECK(compare_definition(ours, installed).match == DefinitionMatch::Same);
    CHECK(compare_definition(ours, installed).reason.empty());

    auto ahead = ours;
    ahead[version] = "2";
    CHECK(compare_definition(ahead, installed).match == DefinitionMatch::Older);
    installed[version] = "2";
    const auto newer = compare_definition(ours, installed);
    CHECK(newer.match == DefinitionMatch::Newer);
    CHECK_THAT(newer.reason,
               Catch::StartsWith("CustomResourceDefinition deployments.fleet.nationtech.io: found version 2, "
                                 "expected version 1; "));
    for (const char* odd : {"", "0", "-1", "one", "1.0"}) {
        installed[version] = odd;
        CHECK(compare_definition(ours, installed).match == DefinitionMatch::Foreign);
    }
    installed["metadata"].erase("annotations");
    CHECK_THAT(compare_definition(ours, installed).reason, Catch::Contains("found no version"));
}

TEST_CASE("a definition that was changed by hand, or is of something else, is told apart") {
    const auto ours = device_definition();
    auto installed = ours;
    installed["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]
             ["mine"] = {{"type", "string"}};
    const auto changed = compare_definition(ours, installed);
    CHECK(changed.match == DefinitionMatch::Changed);
    CHECK_THAT(changed.reason, Catch::Contains("properties.spec.properties.mine"));
    installed = ours;
    installed["spec"]["names"]["shortNames"] = Json::array();
    CHECK(compare_definition(ours, installed).match == DefinitionMatch::Changed);
    installed = ours;
    installed["spec"]["scope"] = "Namespaced";
    const auto foreign = compare_definition(ours, installed);
    CHECK(foreign.match == DefinitionMatch::Foreign);
    CHECK_THAT(foreign.reason, Catch::Contains(R"(spec.scope: found "Namespaced", expected "Cluster")"));
    CHECK(compare_definition(ours, Json("x")).match == DefinitionMatch::Foreign);
    CHECK(compare_definition(ours, deployment_definition()).match == DefinitionMatch::Foreign);
}
