#include "host/config/schema_check.hpp"

#include <algorithm>
#include <cmath>
#include <regex>
#include <set>

#include "host/config/suggestion.hpp"

namespace harmony::host {
namespace {

using nlohmann::json;

constexpr int kMaxDepth = 64;
// std::regex recurses per character: longer text could exhaust the stack.
constexpr std::size_t kLongestMatchedText = 4096;
constexpr std::size_t kLongestQuoted = 60;

bool has_type(const json& value, const std::string& type) {
    if (type == "integer")
        return value.is_number_integer() ||
               (value.is_number_float() && std::floor(value.get<double>()) == value.get<double>());
    if (type == "number") return value.is_number();
    if (type == "string") return value.is_string();
    if (type == "boolean") return value.is_boolean();
    if (type == "array") return value.is_array();
    if (type == "object") return value.is_object();
    if (type == "null") return value.is_null();
    return true;
}

std::string quoted(const json& value) {
    if (value.is_object()) return "an object";
    if (value.is_array()) return "a list";
    if (value.is_null()) return "nothing";
    std::string text = value.dump(-1, ' ', false, json::error_handler_t::replace);
    if (text.size() > kLongestQuoted) text = text.substr(0, kLongestQuoted) + "…";
    return text;
}

std::size_t code_points(const std::string& text) {
    return static_cast<std::size_t>(
        std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

std::string join(const std::vector<std::string>& words) {
    std::string text;
    for (std::size_t i = 0; i < words.size(); ++i) {
        if (i > 0) text += i + 1 == words.size() ? " or " : ", ";
        text += words[i];
    }
    return text;
}

std::string number_text(const json& number) {
    return number.dump();
}

}  // namespace

bool matches_pattern(const std::string& text, const std::string& pattern) {
    if (text.size() > kLongestMatchedText) return false;
    try {
        return std::regex_search(text, std::regex(pattern, std::regex::ECMAScript));
    } catch (const std::regex_error&) {
        return true;  // a pattern that this engine cannot read is left to the plugin's own check
    }
}

std::vector<SchemaProblem> SchemaChecker::run(const json& schema, const json& value) {
    problems_.clear();
    visit(schema, value, {});
    return std::move(problems_);
}

void SchemaChecker::report(const ValuePath& path, const json& value, std::string expected, std::string hint) {
    const std::string found = schema_.sensitive(path) ? "a value that is not shown" : quoted(value);
    problems_.push_back({path, found, std::move(expected), std::move(hint), false});
}

bool SchemaChecker::accepts(const json& schema, const json& value, const ValuePath& path) const {
    SchemaChecker inner(schema_);
    inner.depth_ = depth_;
    inner.visit(schema, value, path);
    return inner.problems_.empty();
}

void SchemaChecker::visit(const json& unresolved, const json& value, const ValuePath& path) {
    const json& schema = schema_.resolve(unresolved);
    if (schema.is_boolean()) {
        if (schema == false) report(path, value, "nothing here");
        return;
    }
    if (!schema.is_object() || depth_ >= kMaxDepth) return;
    ++depth_;
    // 2020-12 evaluates what stands beside a $ref as well.
    if (&schema != &unresolved && unresolved.is_object() && unresolved.size() > 1) {
        json beside = unresolved;
        beside.erase("$ref");
        visit(beside, value, path);
    }
    const auto before = problems_.size();
    check_type(schema, value, path);
    if (problems_.size() == before) {
        check_values(schema, value, path);
        if (value.is_number()) check_number(schema, value, path);
        if (value.is_string()) check_text(schema, value.get_ref<const std::string&>(), path);
        if (value.is_array()) check_list(schema, value, path);
        if (value.is_object()) check_object(schema, value, path);
        check_combinations(schema, value, path);
    }
    --depth_;
}

void SchemaChecker::check_type(const json& schema, const json& value, const ValuePath& path) {
    if (!schema.contains("type")) return;
    const auto& declared = schema["type"];
    std::vector<std::string> names;
    if (declared.is_string()) names.push_back(declared);
    if (declared.is_array()) {
        for (const auto& name : declared)
            if (name.is_string()) names.push_back(name);
    }
    if (names.empty() || std::ranges::any_of(names, [&](const auto& name) { return has_type(value, name); }))
        return;
    std::vector<std::string> described;
    for (const auto& name : names)
        described.push_back(describe_type(name));
    report(path, value, join(described));
}

void SchemaChecker::check_values(const json& schema, const json& value, const ValuePath& path) {
    if (schema.contains("const") && schema["const"] != value) report(path, value, quoted(schema["const"]));
    if (!schema.contains("enum") || !schema["enum"].is_array()) return;
    std::vector<std::string> shown;
    std::vector<std::string> words;
    for (const auto& allowed : schema["enum"]) {
        if (allowed == value) return;
        shown.push_back(quoted(allowed));
        if (allowed.is_string()) words.push_back(allowed);
    }
    std::string hint;
    if (value.is_string()) {
        if (const auto near = closest(value.get_ref<const std::string&>(), words))
            hint = "did you mean \"" + *near + "\"?";
    }
    report(path, value, join(shown), hint);
}

void SchemaChecker::check_number(const json& schema, const json& value, const ValuePath& path) {
    const double number = value.get<double>();
    auto bound = [&](const char* keyword, auto&& holds, const std::string& words) {
        if (schema.contains(keyword) && schema[keyword].is_number() &&
            !holds(number, schema[keyword].template get<double>()))
            report(path, value, words + number_text(schema[keyword]));
    };
    bound(
        "minimum", [](double a, double b) { return a >= b; }, "at least ");
    bound(
        "maximum", [](double a, double b) { return a <= b; }, "at most ");
    bound(
        "exclusiveMinimum", [](double a, double b) { return a > b; }, "more than ");
    bound(
        "exclusiveMaximum", [](double a, double b) { return a < b; }, "less than ");
    bound(
        "multipleOf",
        [](double a, double b) { return b == 0 || std::abs(std::remainder(a, b)) < 1e-9 * std::abs(b); },
        "a multiple of ");
}

void SchemaChecker::check_text(const json& schema, const std::string& value, const ValuePath& path) {
    auto length = [&](const char* keyword, bool at_least) {
        if (!schema.contains(keyword) || !schema[keyword].is_number_unsigned()) return;
        const auto limit = schema[keyword].get<std::size_t>();
        const auto size = code_points(value);
        if (at_least ? size >= limit : size <= limit) return;
        report(path, value,
               std::string(at_least ? "at least " : "at most ") + std::to_string(limit) + " characters");
    };
    length("minLength", true);
    length("maxLength", false);
    if (schema.contains("pattern") && schema["pattern"].is_string()) {
        const auto& pattern = schema["pattern"].get_ref<const std::string&>();
        if (!matches_pattern(value, pattern)) report(path, value, "text that matches " + pattern);
    }
}

void SchemaChecker::check_list(const json& schema, const json& value, const ValuePath& path) {
    auto bound = [&](const char* keyword, bool at_least) {
        if (!schema.contains(keyword) || !schema[keyword].is_number_unsigned()) return;
        const auto limit = schema[keyword].get<std::size_t>();
        if (at_least ? value.size() >= limit : value.size() <= limit) return;
        problems_.push_back(
            {path,
             "a list of " + std::to_string(value.size()),
             std::string(at_least ? "at least " : "at most ") + std::to_string(limit) + " items",
             {},
             false});
    };
    bound("minItems", true);
    bound("maxItems", false);
    if (schema.contains("uniqueItems") && schema["uniqueItems"] == true) {
        std::set<json> seen;
        for (std::size_t i = 0; i < value.size(); ++i) {
            if (!seen.insert(value[i]).second) report(path.child(i), value[i], "a value not listed before");
        }
    }
    for (std::size_t i = 0; i < value.size(); ++i) {
        if (const json* item = schema_.child(schema, i)) visit(*item, value[i], path.child(i));
    }
    if (schema.contains("contains") && std::ranges::none_of(value, [&](const json& item) {
            return accepts(schema["contains"], item, path);
        }))
        report(path, value, "a list with an item of the described kind");
}

void SchemaChecker::check_object(const json& schema, const json& value, const ValuePath& path) {
    if (schema.contains("required") && schema["required"].is_array()) {
        for (const auto& name : schema["required"]) {
            if (!name.is_string() || value.contains(name.get_ref<const std::string&>())) continue;
            const ValuePath inner = path.child(name.get<std::string>());
            const json* governing = schema_.child(schema, name.get<std::string>());
            std::string expected = "a value";
            if (governing != nullptr) {
                const json& member = schema_.resolve(*governing);
                if (member.is_object() && member.contains("type") && member["type"].is_string())
                    expected = describe_type(member["type"].get<std::string>());
            }
            problems_.push_back({inner, "nothing", expected + " (it is required)", {}, true});
        }
    }
    if (schema.contains("dependentRequired")) {
        for (const auto& [name, others] : schema["dependentRequired"].items()) {
            if (!value.contains(name)) continue;
            for (const auto& other : others) {
                if (other.is_string() && !value.contains(other.get_ref<const std::string&>()))
                    problems_.push_back({path.child(other.get<std::string>()),
                                         "nothing",
                                         "a value, because " + name + " is given",
                                         {},
                                         true});
            }
        }
    }
    auto bound = [&](const char* keyword, bool at_least) {
        if (!schema.contains(keyword) || !schema[keyword].is_number_unsigned()) return;
        const auto limit = schema[keyword].get<std::size_t>();
        if (at_least ? value.size() >= limit : value.size() <= limit) return;
        report(path, value,
               std::string(at_least ? "at least " : "at most ") + std::to_string(limit) + " members");
    };
    bound("minProperties", true);
    bound("maxProperties", false);
    check_members(schema, value, path);
}

void SchemaChecker::check_members(const json& schema, const json& value, const ValuePath& path) {
    static const json none = json::object();
    const json& properties = schema.contains("properties") ? schema["properties"] : none;
    const json& patterns = schema.contains("patternProperties") ? schema["patternProperties"] : none;
    for (const auto& [name, member] : value.items()) {
        const ValuePath inner = path.child(name);
        if (schema.contains("propertyNames") && !accepts(schema["propertyNames"], json(name), inner))
            problems_.push_back(
                {inner, "the name \"" + name + "\"", "a name of the described form", {}, false});
        bool known = false;
        if (properties.contains(name)) {
            visit(properties[name], member, inner);
            known = true;
        }
        for (const auto& [pattern, governing] : patterns.items()) {
            if (!matches_pattern(name, pattern)) continue;
            visit(governing, member, inner);
            known = true;
        }
        if (known || !schema.contains("additionalProperties")) continue;
        const json& others = schema["additionalProperties"];
        if (others != json(false)) {
            visit(others, member, inner);
            continue;
        }
        std::vector<std::string> names;
        for (const auto& [candidate, ignored] : properties.items())
            names.push_back(candidate);
        problems_.push_back(
            {inner, "an unknown parameter", "one that exists", suggestion_hint(name, names), false});
    }
}

void SchemaChecker::check_combinations(const json& schema, const json& value, const ValuePath& path) {
    if (schema.contains("allOf")) {
        for (const auto& part : schema["allOf"])
            visit(part, value, path);
    }
    auto count = [&](const json& options) {
        return std::ranges::count_if(options, [&](const json& one) { return accepts(one, value, path); });
    };
    if (schema.contains("anyOf") && count(schema["anyOf"]) == 0)
        report(path, value, "a value of one of the described forms");
    if (schema.contains("oneOf") && count(schema["oneOf"]) != 1)
        report(path, value, "a value of exactly one of the described forms");
    if (schema.contains("not") && accepts(schema["not"], value, path)) report(path, value, "another value");
    if (schema.contains("if")) {
        const char* branch = accepts(schema["if"], value, path) ? "then" : "else";
        if (schema.contains(branch)) visit(schema[branch], value, path);
    }
}

}  // namespace harmony::host
