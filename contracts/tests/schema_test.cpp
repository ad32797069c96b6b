#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "samples.hpp"

using Json = nlohmann::json;
using harmony::ErrorKind;
using namespace harmony::contracts::testing;

namespace {

struct Walk {
    const Sample& sample;
    Json document;

    // Decodes the document with the value at `where` replaced, or removed when there is no replacement.
    [[nodiscard]] harmony::Result<std::string> decode_with(const Json::json_pointer& where,
                                                           const Json* replacement) const {
        auto changed = document;
        if (replacement != nullptr) {
            changed[where] = *replacement;
        } else {
            changed[where.parent_pointer()].erase(where.back());
        }
        return sample.reencode(changed.dump());
    }
};

bool is_required(const Json& schema, const std::string& key) {
    const auto required = schema.value("required", Json::array());
    return std::find(required.begin(), required.end(), key) != required.end();
}

// Members that the schema leaves to a condition: needed by some operators, or where the other one is absent.
bool is_conditional(const std::string& type, const std::string& key) {
    return key == "values" || (type == "exec_request" && (key == "deployment" || key == "host"));
}

void check_value(const Walk& walk, const Json& schema, const Json::json_pointer& where);

void check_object(const Walk& walk, const Json& schema, const Json::json_pointer& where) {
    const auto& value = walk.document.at(where);
    for (const auto& [key, member] : value.items()) {
        INFO("in the document, not in the schema: " << (where / key).to_string());
        REQUIRE(schema.at("properties").contains(key));
        check_value(walk, schema.at("properties").at(key), where / key);
        if (is_conditional(walk.sample.type, key)) continue;
        const auto without = walk.decode_with(where / key, nullptr);
        INFO("without it: " << (without ? std::string("accepted") : without.error().text()));
        CHECK(without.has_value() != is_required(schema, key));
        if (!without) CHECK(without.error().kind() == ErrorKind::InvalidInput);
    }
    if (walk.sample.name != "full" || !where.empty()) return;
    for (const auto& [key, ignored] : schema.at("properties").items()) {
        INFO("in the schema, not in the full document: " << (where / key).to_string());
        CHECK(value.contains(key));
    }
}

void check_value(const Walk& walk, const Json& schema, const Json::json_pointer& where) {
    INFO(walk.sample.type << " " << walk.sample.name << " " << where.to_string());
    const auto& value = walk.document.at(where);
    if (value.is_object() && schema.contains("properties")) check_object(walk, schema, where);
    if (value.is_array() && schema.contains("items")) {
        for (std::size_t i = 0; i < value.size(); ++i)
            check_value(walk, schema.at("items"), where / i);
    }
    if (where.empty()) return;
    const Json wrong_type = value.is_array() ? Json(7) : Json::array({7});
    const auto refused = walk.decode_with(where, &wrong_type);
    CHECK_FALSE(refused.has_value());
    if (!schema.contains("enum")) return;
    const Json unknown = "Bogus";
    const auto answer = walk.decode_with(where, &unknown);
    REQUIRE_FALSE(answer.has_value());
    std::string listed;
    for (std::size_t i = 0; i < schema.at("enum").size(); ++i) {
        if (i > 0) listed += i + 1 == schema.at("enum").size() ? " or " : ", ";
        listed += schema.at("enum")[i].get<std::string>();
    }
    CHECK_THAT(answer.error().text(), Catch::EndsWith("expected " + listed));
}

}  // namespace

TEST_CASE("a schema and its decoder agree on required members, types and tags") {
    for (const auto& sample : samples()) {
        const auto schema = Json::parse(read_contract_file("spec/schemas/" + sample.type + ".json"));
        CHECK(schema.at("$schema") == "https://json-schema.org/draft/2020-12/schema");
        check_value(Walk{sample, Json::parse(sample.encoded)}, schema, Json::json_pointer());
    }
}

TEST_CASE("every decoder ignores members that it does not know") {
    for (const auto& sample : samples()) {
        INFO(sample.type << " " << sample.name);
        auto document = Json::parse(sample.encoded);
        document["x"] = {{"y", 1}};
        const auto again = sample.reencode(document.dump());
        REQUIRE(again.has_value());
        CHECK(*again == sample.encoded);
    }
}

TEST_CASE("every decoder refuses what is no object, no JSON, too deep or too long") {
    for (const auto& sample : samples()) {
        INFO(sample.type << " " << sample.name);
        for (const auto& broken : {std::string("[]"), std::string("7"), std::string("{"), std::string("\xff"),
                                   std::string(100'000, '['), std::string(2'000'000, ' ') + "{}"}) {
            const auto answer = sample.reencode(broken);
            REQUIRE_FALSE(answer.has_value());
            CHECK(answer.error().kind() == ErrorKind::InvalidInput);
        }
    }
}
