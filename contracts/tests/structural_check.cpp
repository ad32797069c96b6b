#include "structural_check.hpp"

#include <catch2/catch.hpp>
#include <regex>
#include <set>

namespace harmony::contracts::testing {

namespace {

using Json = nlohmann::json;

class Check {
 public:
    void value(const Json& schema, const Json& value, const std::string& path) {
        know(schema);
        if (value.is_null() && schema.value("nullable", false)) return;
        if (!type(schema, value, path)) return;
        any_of(schema, value, path);
        if (value.is_object()) object(schema, value, path);
        if (value.is_array()) array(schema, value, path);
        if (value.is_string()) text(schema, value.get<std::string>(), path);
        if (value.is_number()) number(schema, value, path);
        if (schema.contains("enum")) {
            const auto& known = schema.at("enum");
            if (std::find(known.begin(), known.end(), value) == known.end())
                refuse(path, "expected one of " + known.dump());
        }
    }
    std::vector<std::string> problems;

 private:
    void refuse(const std::string& path, const std::string& why) { problems.push_back(path + ": " + why); }

    static void know(const Json& schema) {
        static const std::set<std::string> kKnown{"type",
                                                  "description",
                                                  "properties",
                                                  "required",
                                                  "additionalProperties",
                                                  "maxProperties",
                                                  "items",
                                                  "maxItems",
                                                  "minItems",
                                                  "maxLength",
                                                  "minLength",
                                                  "pattern",
                                                  "enum",
                                                  "format",
                                                  "minimum",
                                                  "maximum",
                                                  "nullable",
                                                  "anyOf",
                                                  "x-kubernetes-int-or-string",
                                                  "x-kubernetes-list-type",
                                                  "x-kubernetes-list-map-keys"};
        for (const auto& [keyword, ignored] : schema.items()) {
            INFO(keyword);
            REQUIRE(kKnown.count(keyword) == 1);
        }
    }

    bool type(const Json& schema, const Json& value, const std::string& path) {
        const auto wanted = schema.value("type", "");
        const bool right =
            wanted.empty() || (wanted == "object" && value.is_object()) ||
            (wanted == "array" && value.is_array()) || (wanted == "string" && value.is_string()) ||
            (wanted == "boolean" && value.is_boolean()) || (wanted == "integer" && value.is_number_integer());
        if (!right) refuse(path, "expected " + wanted);
        return right;
    }

    void any_of(const Json& schema, const Json& value, const std::string& path) {
        if (!schema.contains("anyOf")) return;
        for (const auto& alternative : schema.at("anyOf")) {
            Check inner;
            inner.value(alternative, value, path);
            if (inner.problems.empty()) return;
        }
        refuse(path, "fits none of the alternatives");
    }

    void object(const Json& schema, const Json& value, const std::string& path) {
        for (const auto& key : schema.value("required", Json::array())) {
            if (!value.contains(key)) refuse(path + "." + key.get<std::string>(), "missing");
        }
        if (schema.contains("maxProperties") && value.size() > schema.at("maxProperties"))
            refuse(path, "too many entries");
        for (const auto& [key, entry] : value.items()) {
            const auto below = path.empty() ? key : path + "." + key;
            if (schema.contains("properties") && schema.at("properties").contains(key)) {
                this->value(schema.at("properties").at(key), entry, below);
            } else if (schema.contains("additionalProperties")) {
                this->value(schema.at("additionalProperties"), entry, below);
            }
        }
    }

    void array(const Json& schema, const Json& value, const std::string& path) {
        if (schema.contains("maxItems") && value.size() > schema.at("maxItems"))
            refuse(path, "too many items");
        if (schema.contains("minItems") && value.size() < schema.at("minItems"))
            refuse(path, "too few items");
        std::set<Json> keys;
        for (std::size_t i = 0; i < value.size(); ++i) {
            const auto below = path + "[" + std::to_string(i) + "]";
            if (schema.contains("items")) this->value(schema.at("items"), value[i], below);
            if (!schema.contains("x-kubernetes-list-map-keys") || !value[i].is_object()) continue;
            const auto key = schema.at("x-kubernetes-list-map-keys").at(0).get<std::string>();
            if (!keys.insert(value[i].value(key, Json())).second) refuse(below, "duplicate");
        }
    }

    void text(const Json& schema, const std::string& value, const std::string& path) {
        if (schema.contains("maxLength") && value.size() > schema.at("maxLength")) refuse(path, "too long");
        if (schema.contains("minLength") && value.size() < schema.at("minLength")) refuse(path, "too short");
        if (!schema.contains("pattern")) return;
        const auto pattern = schema.at("pattern").get<std::string>();
        if (!std::regex_search(value, std::regex(pattern, std::regex::ECMAScript)))
            refuse(path, "does not match " + pattern);
    }

    void number(const Json& schema, const Json& value, const std::string& path) {
        if (schema.contains("minimum") && value < schema.at("minimum")) refuse(path, "too small");
        if (schema.contains("maximum") && value > schema.at("maximum")) refuse(path, "too large");
    }
};

}  // namespace

std::vector<std::string> structural_problems(const Json& schema, const Json& document) {
    Check check;
    check.value(schema, document, "");
    return check.problems;
}

const Json& schema_of(const Json& definition) {
    return definition.at("spec").at("versions").at(0).at("schema").at("openAPIV3Schema");
}

}  // namespace harmony::contracts::testing
