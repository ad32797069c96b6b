#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "harmony/contracts/resources.hpp"
#include "samples.hpp"

using namespace harmony::contracts;
using Json = nlohmann::json;

namespace {

// The full Deployment with one value changed.
std::string with(const std::string& pointer, const Json& value) {
    auto document = Json::parse(testing::deployment_sample().encode());
    document[Json::json_pointer(pointer)] = value;
    const auto answer = Deployment::decode(document.dump());
    return answer ? std::string("accepted") : answer.error().text();
}

}  // namespace

TEST_CASE("a Deployment is read back to the struct it was written from") {
    const auto sample = testing::deployment_sample();
    CHECK(Deployment::decode(sample.encode()).value() == sample);
    CHECK(testing::device_sample() == Device::decode(testing::device_sample().encode()).value());
}

TEST_CASE("a Deployment without rollout goes everywhere at once and is not paused") {
    const auto written =
        Deployment::decode(R"({"apiVersion":"fleet.nationtech.io/v1alpha1","kind":"Deployment",
        "metadata":{"name":"web"},"spec":{"targetSelector":{},
        "score":{"type":"PodmanV0","data":{"services":[{"name":"a","image":"x"}]}}}})");
    REQUIRE(written.has_value());
    CHECK(std::holds_alternative<AllAtOnce>(written->spec.rollout));
    CHECK_FALSE(written->spec.paused);
    CHECK(written->spec.target_selector.empty());
    CHECK(written->metadata.generation == 0);
}

TEST_CASE("a refused Deployment names the field by its whole path") {
    CHECK(
        with("/spec/targetSelector/matchExpressions/0/operator", "Foo") ==
        R"(spec.targetSelector.matchExpressions[0].operator: found "Foo", expected In, NotIn, Exists or DoesNotExist)");
    CHECK_THAT(
        with("/spec/score/data/services/0/image", "No Image"),
        Catch::StartsWith(R"(spec.score.data.services[0].image: found "No Image", expected an image)"));
    CHECK(with("/spec/score/type", "HelmV1") == R"(spec.score.type: found "HelmV1", expected PodmanV0)");
    CHECK(with("/spec/targetSelector", nullptr) == "spec.targetSelector: missing, expected an object");
    CHECK_THAT(with("/metadata/name", "Web"),
               Catch::StartsWith("metadata.name: deployment name: found \"Web\""));
    CHECK(with("/apiVersion", "apps/v1") ==
          R"(apiVersion: found "apps/v1", expected fleet.nationtech.io/v1alpha1)");
    CHECK(with("/kind", "Pod") == R"(kind: found "Pod", expected Deployment)");
    CHECK(with("/spec/rollout/strategy/type", "Magic") ==
          R"(spec.rollout.strategy.type: found "Magic", expected AllAtOnce or Rolling)");
    CHECK_THAT(with("/status/aggregate/failed", 9), Catch::StartsWith("status.aggregate: succeeded, failed"));
}

TEST_CASE("a rolling strategy takes counts and percentages") {
    for (const Json& good : {Json(1), Json("1%"), Json("100%"), Json(1'000'000)}) {
        CHECK(with("/spec/rollout/strategy/maxUnavailable", good) == "accepted");
    }
    for (const Json& bad : {Json(0), Json("0%"), Json("101%"), Json("%"), Json("5"), Json(-1), Json(1.5),
                            Json("+5%"), Json(18446744073709551615ULL)}) {
        INFO(bad.dump());
        CHECK_THAT(with("/spec/rollout/strategy/maxUnavailable", bad),
                   Catch::StartsWith("spec.rollout.strategy.maxUnavailable: found "));
    }
    CHECK(with("/spec/rollout/strategy/maxFailures", 0) == "accepted");
}

TEST_CASE("a share of a fleet is rounded up") {
    CHECK(CountOrPercent{25, true}.of(3) == 1);
    CHECK(CountOrPercent{25, true}.of(4) == 1);
    CHECK(CountOrPercent{25, true}.of(5) == 2);
    CHECK(CountOrPercent{0, true}.of(5) == 0);
    CHECK(CountOrPercent{7, false}.of(5) == 7);
}

TEST_CASE("a Device belongs to no namespace") {
    auto document = Json::parse(testing::device_sample().encode());
    document["metadata"]["namespace"] = "x";
    const auto answer = Device::decode(document.dump());
    REQUIRE_FALSE(answer.has_value());
    CHECK_THAT(answer.error().text(), Catch::StartsWith("metadata.namespace: found \"x\""));
}
