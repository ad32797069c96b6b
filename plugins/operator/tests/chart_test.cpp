// The chart: what it is, and that rendered by the template language of Helm it gives the applied objects.
#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "cluster_fixture.hpp"
#include "harmony/contracts/resource_definitions.hpp"
#include "rendered_chart.hpp"

using namespace harmony::fleet_operator::testing;
using namespace harmony::plugin::testing;
using Catch::Contains;
using harmony::plugin::RenderedFile;
using nlohmann::json;
namespace fs = std::filesystem;
namespace plugin = harmony::plugin;

namespace {

const fs::path kGolden = fs::path(HARMONY_SOURCE_DIR) / "plugins/operator/golden/chart";

std::string content_of(const std::vector<RenderedFile>& files, const std::string& path) {
    for (const auto& file : files) {
        if (file.path == path) return file.content;
    }
    FAIL("no file " << path);
    return {};
}

// Whose an object is, and how pods follow the Secret: not the chart's business.
json without_ownership(json object) {
    for (json* labelled : {&object, &object["spec"]["template"]}) {
        if (!labelled->is_object() || !labelled->contains("metadata")) continue;
        json& labels = (*labelled)["metadata"]["labels"];
        for (const char* name :
             {"app.kubernetes.io/managed-by", "io.nationtech.harmony/context", "fake/score", "fake/part-of"})
            labels.erase(name);
    }
    json& pod = object["spec"]["template"];
    if (pod.is_object() && pod.contains("metadata"))
        pod["metadata"]["annotations"].erase("io.nationtech.harmony/credentials-hash");
    if (pod.is_null()) object["spec"].erase("template");
    if (object["spec"].is_null() || object["spec"].empty()) object.erase("spec");
    return object;
}

// What the Score applied, by kind; objects without a namespace lose the one that the fake gives them.
std::map<std::string, json> applied_objects(ClusterFixture& fixture) {
    std::map<std::string, json> objects;
    const auto refs = fixture.score().read().value();
    for (const auto& ref : refs) {
        const bool everywhere = ref.kind.starts_with("Cluster");
        const std::string version = ref.kind.find("Role") != std::string::npos
                                        ? "rbac.authorization.k8s.io/v1"
                                    : ref.kind == "Deployment"    ? "apps/v1"
                                    : ref.kind == "NetworkPolicy" ? "networking.k8s.io/v1"
                                                                  : "v1";
        json object = json::parse(
            fixture.object(version, ref.kind, ref.name, everywhere ? "" : fixture.name_space).dump());
        if (everywhere) object["metadata"].erase("namespace");
        objects[ref.kind] = without_ownership(std::move(object));
    }
    return objects;
}

std::map<std::string, json> rendered_objects(const json& rendered) {
    std::map<std::string, json> objects;
    for (const auto& object : rendered.at("objects"))
        objects[object.at("kind")] = without_ownership(object);
    return objects;
}

void check_same(const json& rendered, ClusterFixture& fixture) {
    auto expected = applied_objects(fixture);
    CHECK(expected.erase("Secret") == 1);
    const auto found = rendered_objects(rendered);
    CHECK(found.size() == expected.size());
    for (const auto& [kind, object] : expected) {
        INFO(kind);
        REQUIRE(found.contains(kind));
        CHECK(found.at(kind).dump(1) == object.dump(1));
    }
}

}  // namespace

TEST_CASE("the chart is the golden one") {
    const auto files = chart();
    if (std::getenv("HARMONY_ACCEPT") != nullptr) {
        fs::remove_all(kGolden);
        for (const auto& file : files) {
            fs::create_directories((kGolden / file.path).parent_path());
            std::ofstream(kGolden / file.path, std::ios::binary) << file.content;
        }
        WARN("accepted " << kGolden);
        return;
    }
    for (const auto& file : files) {
        INFO(file.path);
        CHECK(file.content == read(kGolden / file.path));
    }
    const auto count = std::count_if(fs::recursive_directory_iterator(kGolden), {},
                                     [](const auto& entry) { return entry.is_regular_file(); });
    CHECK(static_cast<std::size_t>(count) == files.size());
}

TEST_CASE("the chart names no namespace and holds no secret") {
    for (const auto& file : chart()) {
        INFO(file.path);
        if (file.path != "README.md") CHECK_THAT(file.content, !Contains("fleet-system"));
        CHECK_THAT(file.content, !Contains("kind: Secret"));
        // Every placeholder has its expression.
        if (file.path.starts_with("templates/")) CHECK_THAT(file.content, !Contains("@"));
    }
}

TEST_CASE("a namespace given to the chart is answered with where it belongs") {
    FakeHost host{harmony_plugin_entry_1};
    auto score = host.score("FleetOperatorScore", parsed(R"({"namespace":"mine"})")).value();
    CHECK(score.render(plugin::kHelmChart).value() == chart());
    CHECK_THAT(host.logs().back().message, Contains("helm install"));
}

TEST_CASE("what was given becomes the chart's defaults, with their schema") {
    const auto files = chart(parsed(R"({"from_tag":"harmony-fleet-operator-v0.0.2","replicas":2})"));
    CHECK_THAT(content_of(files, "values.yaml"),
               Contains("replicas: 2\n") && Contains("image_tag: v0.0.2\n"));
    CHECK_THAT(content_of(files, "Chart.yaml"), Contains("appVersion: \"0.0.2\"\n"));
    const auto schema = json::parse(content_of(files, "values.schema.json"));
    CHECK(schema["additionalProperties"] == false);
    CHECK(schema["properties"]["replicas"]["default"] == 2);
    CHECK(schema["properties"]["replicas"]["maximum"] == 2);
    CHECK_FALSE(schema["properties"].contains("namespace"));
    CHECK_FALSE(schema["properties"].contains("health_port"));
}

TEST_CASE("rendered with its default values the chart gives the objects that are applied") {
    need_renderer();
    const std::string place = "zz-ungewohnt-9";
    ClusterFixture fixture(place);
    fixture.add_nats();
    fixture.apply(plugin::Json::object());
    const auto rendered = WrittenChart(chart()).rendered(place);
    check_same(rendered, fixture);
    CHECK(rendered["crds"] ==
          json{harmony::contracts::deployment_definition(), harmony::contracts::device_definition()});
    CHECK_THAT(rendered["notes"].get<std::string>(), Contains("-n " + place));
    CHECK_THAT(rendered.dump(), !Contains("fleet-system"));
}

TEST_CASE("rendered with other values it gives the objects of the same parameters") {
    need_renderer();
    ClusterFixture fixture("edge-7");
    fixture.add_nats();
    const json values = json::parse(R"({"replicas":2,"image_pull_secret":"registry","log_level":"debug",
        "image_registry":"registry.example.com/edge/","image_tag":"1e3","heartbeat_interval_s":3600,
        "heartbeat_stale_after_s":86400,"device_resources":false,"cpu_request":"1",
        "nats_url":"tls://\"odd\\host:4443"})");
    fixture.apply(parsed(values.dump()));
    check_same(WrittenChart(chart()).rendered("edge-7", values), fixture);
}

TEST_CASE("a heartbeat that makes devices offline at once is refused by the chart too") {
    need_renderer();
    const auto [text, good] = WrittenChart(chart()).render("edge-7", json{{"heartbeat_stale_after_s", 59}});
    CHECK_FALSE(good);
    CHECK_THAT(text, Contains("two heartbeat intervals"));
}
