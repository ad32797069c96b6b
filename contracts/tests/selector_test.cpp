#include <catch2/catch.hpp>

#include "harmony/contracts/label_selector.hpp"

using namespace harmony::contracts;

namespace {

LabelSelector selector(const std::string& json) {
    return LabelSelector::decode(json).value();
}
std::string refusal(const std::string& json) {
    const auto answer = LabelSelector::decode(json);
    return answer ? std::string("accepted") : answer.error().text();
}

}  // namespace

TEST_CASE("an empty selector matches every device") {
    CHECK(selector("{}").matches({}));
    CHECK(selector("{}").matches({{"a", "b"}}));
    CHECK(selector("{}").empty());
}

TEST_CASE("labels must all match, exactly") {
    const auto both = selector(R"({"matchLabels":{"a":"1","b":"2"}})");
    CHECK(both.matches({{"a", "1"}, {"b", "2"}, {"c", "3"}}));
    CHECK_FALSE(both.matches({{"a", "1"}}));
    CHECK_FALSE(both.matches({{"a", "1"}, {"b", "3"}}));
}

TEST_CASE("expressions mean what they mean in Kubernetes") {
    const auto in = selector(R"({"matchExpressions":[{"key":"a","operator":"In","values":["1","2"]}]})");
    CHECK(in.matches({{"a", "2"}}));
    CHECK_FALSE(in.matches({{"a", "3"}}));
    CHECK_FALSE(in.matches({}));
    const auto not_in = selector(R"({"matchExpressions":[{"key":"a","operator":"NotIn","values":["1"]}]})");
    CHECK(not_in.matches({{"a", "2"}}));
    CHECK(not_in.matches({}));
    CHECK_FALSE(not_in.matches({{"a", "1"}}));
    const auto exists = selector(R"({"matchExpressions":[{"key":"a","operator":"Exists"}]})");
    CHECK(exists.matches({{"a", ""}}));
    CHECK_FALSE(exists.matches({{"b", "1"}}));
    const auto absent = selector(R"({"matchExpressions":[{"key":"a","operator":"DoesNotExist"}]})");
    CHECK(absent.matches({{"b", "1"}}));
    CHECK_FALSE(absent.matches({{"a", "1"}}));
}

TEST_CASE("a refused selector names the field, what was found and what was expected") {
    CHECK(refusal(R"({"matchExpressions":[{"key":"a","operator":"Foo"}]})") ==
          R"(matchExpressions[0].operator: found "Foo", expected In, NotIn, Exists or DoesNotExist)");
    CHECK(refusal(R"({"matchExpressions":[{"key":"a","operator":"In"}]})") ==
          "matchExpressions[0].values: missing, expected at least one value with operator In");
    CHECK(refusal(R"({"matchExpressions":[{"key":"a","operator":"Exists","values":["x"]}]})") ==
          "matchExpressions[0].values: found an array, expected none with operator Exists");
    CHECK_THAT(refusal(R"({"matchExpressions":[{"key":"-","operator":"Exists"}]})"),
               Catch::StartsWith(R"(matchExpressions[0].key: found "-", expected )"));
    CHECK_THAT(refusal(R"({"matchExpressions":[{"key":"a","operator":"In","values":["ok","no good"]}]})"),
               Catch::StartsWith(R"(matchExpressions[0].values[1]: found "no good", expected )"));
    CHECK_THAT(refusal(R"({"matchLabels":{"a":"no good"}})"),
               Catch::StartsWith(R"(matchLabels["a"]: found "no good", expected )"));
    CHECK(refusal(R"({"matchLabels":{"a":7}})") == R"(matchLabels["a"]: found 7, expected a text)");
}

TEST_CASE("label keys and values follow Kubernetes") {
    for (const auto* good : {"a", "A", "a.b_c-d", "example.com/a", "x-y.example/Z"}) {
        INFO(good);
        CHECK(check_label_key("key", good).has_value());
    }
    for (const auto* bad : {"", "-a", "a-", "a b", "/a", "Example.com/a", "a/b/c", "a..b/c", "a/"}) {
        INFO(bad);
        CHECK_FALSE(check_label_key("key", bad).has_value());
    }
    CHECK(check_label_key("key", std::string(63, 'a')).has_value());
    CHECK_FALSE(check_label_key("key", std::string(64, 'a')).has_value());
    CHECK(check_label_value("value", "").has_value());
    CHECK_FALSE(check_label_value("value", std::string(64, 'a')).has_value());
    Labels many;
    for (int i = 0; i < 65; ++i)
        many.emplace("k" + std::to_string(i), "");
    CHECK_FALSE(check_labels("labels", many).has_value());
}
