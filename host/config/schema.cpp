#include "host/config/schema.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "host/config/schema_check.hpp"
#include "host/config/suggestion.hpp"

namespace harmony::host {
namespace {

using nlohmann::json;

constexpr int kMaxReferences = 32;  // a chain of $ref longer than this goes in circles

bool marked(const json& schema, const char* mark) {
    return schema.is_object() && schema.contains(mark) && schema[mark] == true;
}

bool allows_type(const json& schema, std::string_view type) {
    if (!schema.is_object() || !schema.contains("type")) return false;
    const auto& declared = schema["type"];
    if (declared.is_string()) return declared.get_ref<const std::string&>() == type;
    return std::ranges::any_of(declared, [&](const json& one) { return one.is_string() && one == type; });
}

std::vector<std::string> member_names(const json& schema) {
    std::vector<std::string> names;
    if (!schema.is_object() || !schema.contains("properties")) return names;
    for (const auto& [name, ignored] : schema["properties"].items())
        names.push_back(name);
    return names;
}

std::optional<json> parse_number(std::string_view text) {
    json parsed = json::parse(text, nullptr, false);
    if (!parsed.is_number()) return std::nullopt;
    return parsed;
}

bool digits_only(const std::string& text) {
    return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

std::string describe_type(std::string_view type) {
    if (type == "integer") return "a whole number";
    if (type == "number") return "a number";
    if (type == "string") return "text";
    if (type == "boolean") return "true or false";
    if (type == "array") return "a list";
    if (type == "object") return "an object";
    if (type == "null") return "nothing";
    return std::string(type);
}

std::string SchemaProblem::text() const {
    std::string result = path.empty() ? "" : path.text() + ": ";
    if (!found.empty()) result += "found " + found + ", ";
    return result + "expected " + expected;
}

std::vector<SchemaProblem> Schema::check(const json& value) const {
    SchemaChecker checker(*this);
    return checker.run(*root_, value);
}

const json& Schema::resolve(const json& schema) const {
    const json* current = &schema;
    for (int hops = 0; hops < kMaxReferences; ++hops) {
        if (!current->is_object() || !current->contains("$ref")) return *current;
        const auto& reference = (*current)["$ref"];
        if (!reference.is_string()) return *current;
        const auto& text = reference.get_ref<const std::string&>();
        if (text == "#") return *root_;
        if (!text.starts_with("#/")) return *current;
        try {
            const json::json_pointer pointer(text.substr(1));
            if (!root_->contains(pointer)) return *current;
            current = &root_->at(pointer);
        } catch (const json::exception&) {
            return *current;
        }
    }
    return *current;
}

const json* Schema::child(const json& unresolved, const PathSegment& segment) const {
    const json& schema = resolve(unresolved);
    if (!schema.is_object()) return nullptr;
    if (const auto* index = std::get_if<std::size_t>(&segment)) {
        if (schema.contains("prefixItems") && *index < schema["prefixItems"].size())
            return &schema["prefixItems"][*index];
        return schema.contains("items") ? &schema["items"] : nullptr;
    }
    const auto& name = std::get<std::string>(segment);
    if (schema.contains("properties") && schema["properties"].contains(name))
        return &schema["properties"][name];
    if (schema.contains("additionalProperties") && schema["additionalProperties"].is_object())
        return &schema["additionalProperties"];
    return nullptr;
}

const json* Schema::at(const ValuePath& path) const {
    const json* current = root_;
    for (const auto& segment : path.segments()) {
        current = child(*current, segment);
        if (current == nullptr) return nullptr;
    }
    return &resolve(*current);
}

std::optional<SchemaProblem> Schema::normalise(ValuePath& path) const {
    std::vector<PathSegment> segments;
    const json* current = root_;
    for (const auto& original : path.segments()) {
        const json& schema = resolve(*current);
        PathSegment segment = original;
        const auto* name = std::get_if<std::string>(&segment);
        if (name != nullptr && digits_only(*name) && name->size() < 6 && allows_type(schema, "array"))
            segment = static_cast<std::size_t>(std::stoul(*name));
        const json* next = child(schema, segment);
        segments.push_back(segment);
        if (next == nullptr) {
            const bool open =
                schema.is_boolean() || (!schema.contains("properties") && !schema.contains("type"));
            if (open) {
                static const json anything = true;
                next = &anything;
            } else {
                SchemaProblem problem{
                    ValuePath(segments), "an unknown parameter", "one that exists", {}, false};
                const auto* wrong = std::get_if<std::string>(&segment);
                if (wrong != nullptr) problem.hint = suggestion_hint(*wrong, member_names(schema));
                return problem;
            }
        }
        current = next;
    }
    path = ValuePath(std::move(segments));
    return std::nullopt;
}

json Schema::typed_by(const json& unresolved, std::string_view text) const {
    const json& schema = resolve(unresolved);
    if (schema.is_object() && !schema.contains("type")) {
        for (const char* keyword : {"anyOf", "oneOf"}) {
            if (!schema.contains(keyword)) continue;
            for (const auto& option : schema[keyword]) {
                json value = typed_by(option, text);
                if (SchemaChecker(*this).run(option, value).empty()) return value;
            }
            return std::string(text);
        }
        if (!schema.contains("enum")) {
            json parsed = json::parse(text, nullptr, false);
            return parsed.is_discarded() ? json(std::string(text)) : parsed;
        }
    }
    if (allows_type(schema, "null") && (text == "null" || text == "~")) return nullptr;
    if (allows_type(schema, "boolean")) {
        if (text == "true" || text == "yes" || text == "on") return true;
        if (text == "false" || text == "no" || text == "off") return false;
    }
    if (allows_type(schema, "integer") || allows_type(schema, "number")) {
        if (auto number = parse_number(text)) return *number;
    }
    if (allows_type(schema, "array") || allows_type(schema, "object")) {
        json parsed = json::parse(text, nullptr, false);
        if (parsed.is_structured()) return parsed;
        if (allows_type(schema, "array") && schema.contains("items")) {
            json list = json::array();
            std::string_view rest = text;
            while (!rest.empty()) {
                const auto comma = std::min(rest.find(','), rest.size());
                list.push_back(typed_by(schema["items"], rest.substr(0, comma)));
                rest.remove_prefix(std::min(comma + 1, rest.size()));
            }
            return list;
        }
    }
    return std::string(text);
}

json Schema::typed(const ValuePath& path, std::string_view text) const {
    const json* schema = at(path);
    static const json anything = json::object();
    return typed_by(schema == nullptr ? anything : *schema, text);
}

namespace {

void fill(const Schema& schemas, const json& unresolved, json& value, const ValuePath& path,
          const std::function<void(const ValuePath&)>& filled) {
    const json& schema = schemas.resolve(unresolved);
    if (!schema.is_object()) return;
    if (value.is_object() && schema.contains("properties")) {
        for (const auto& [name, member] : schema["properties"].items()) {
            if (value.contains(name)) continue;
            const json& resolved = schemas.resolve(member);
            if (!resolved.is_object() || !resolved.contains("default")) continue;
            value[name] = resolved["default"];
            filled(path.child(name));
        }
    }
    if (value.is_object()) {
        for (auto& [name, member] : value.items()) {
            if (const json* inner = schemas.child(schema, name))
                fill(schemas, *inner, member, path.child(name), filled);
        }
    } else if (value.is_array()) {
        for (std::size_t i = 0; i < value.size(); ++i) {
            if (const json* inner = schemas.child(schema, i))
                fill(schemas, *inner, value[i], path.child(i), filled);
        }
    }
}

void collect(const Schema& schemas, const json& unresolved, const ValuePath& path, int depth,
             const std::function<void(const ValuePath&, const json&)>& visit) {
    const json& schema = schemas.resolve(unresolved);
    if (depth > kMaxReferences || !schema.is_object() || !schema.contains("properties")) return;
    for (const auto& [name, member] : schema["properties"].items()) {
        const ValuePath inner = path.child(name);
        visit(inner, schemas.resolve(member));
        collect(schemas, member, inner, depth + 1, visit);
    }
}

// Every schema that says something about one value: what references lead to, what stands beside them, and all
// branches, whichever of them holds.
using Governing = std::vector<const json*>;

void gather(const Schema& schemas, const json& schema, Governing& found) {
    if (!schema.is_object() || std::ranges::find(found, &schema) != found.end()) return;
    found.push_back(&schema);
    if (schema.contains("$ref")) gather(schemas, schemas.resolve(schema), found);
    for (const char* branches : {"allOf", "anyOf", "oneOf"}) {
        if (!schema.contains(branches) || !schema[branches].is_array()) continue;
        for (const json& branch : schema[branches])
            gather(schemas, branch, found);
    }
    for (const char* branch : {"if", "then", "else"}) {
        if (schema.contains(branch)) gather(schemas, schema[branch], found);
    }
}

Governing governing_root(const Schema& schemas, const json& root) {
    Governing found;
    gather(schemas, root, found);
    return found;
}

Governing governing_child(const Schema& schemas, const Governing& parents, const PathSegment& segment) {
    Governing found;
    for (const json* parent : parents) {
        if (const json* inner = schemas.child(*parent, segment)) gather(schemas, *inner, found);
        const auto* name = std::get_if<std::string>(&segment);
        if (name == nullptr || !parent->contains("patternProperties")) continue;
        for (const auto& [pattern, inner] : (*parent)["patternProperties"].items()) {
            if (matches_pattern(*name, pattern)) gather(schemas, inner, found);
        }
    }
    return found;
}

bool is_secret(const Governing& schemas) {
    return std::ranges::any_of(schemas, [](const json* schema) { return marked(*schema, "x-sensitive"); });
}

enum class Secrets { Masked, Removed };

json filtered(const Schema& schemas, const Governing& governing, const json& value, Secrets secrets) {
    if (is_secret(governing)) return "***";
    if (!value.is_structured()) return value;
    json result = value.is_array() ? json::array() : json::object();
    auto keep = [&](const PathSegment& segment, const json& member, auto&& store) {
        const Governing inner = governing_child(schemas, governing, segment);
        if (secrets == Secrets::Removed && is_secret(inner)) return;
        store(filtered(schemas, inner, member, secrets));
    };
    if (value.is_array()) {
        for (std::size_t i = 0; i < value.size(); ++i)
            keep(i, value[i], [&](json kept) { result.push_back(std::move(kept)); });
    } else {
        for (const auto& [name, member] : value.items())
            keep(name, member, [&, key = name](json kept) { result[key] = std::move(kept); });
    }
    return result;
}

}  // namespace

json Schema::defaults() const {
    json value = json::object();
    fill_defaults(value, [](const ValuePath&) {});
    return value;
}

void Schema::fill_defaults(json& value, const std::function<void(const ValuePath&)>& filled) const {
    fill(*this, *root_, value, {}, filled);
}

bool Schema::sensitive(const ValuePath& path) const {
    Governing current = governing_root(*this, *root_);
    for (const auto& segment : path.segments()) {
        current = governing_child(*this, current, segment);
        if (is_secret(current)) return true;
    }
    return false;
}

json Schema::masked(const json& value) const {
    return filtered(*this, governing_root(*this, *root_), value, Secrets::Masked);
}

json Schema::without_secrets(const json& value) const {
    return filtered(*this, governing_root(*this, *root_), value, Secrets::Removed);
}

std::vector<SchemaFlag> Schema::flags() const {
    std::vector<SchemaFlag> found;
    collect(*this, *root_, {}, 0, [&](const ValuePath& path, const json& schema) {
        if (!schema.is_object() || !schema.contains("x-flag") || !schema["x-flag"].is_string()) return;
        SchemaFlag flag{schema["x-flag"], path, {}, {}, {}};
        if (schema.contains("description") && schema["description"].is_string())
            flag.summary = schema["description"];
        if (schema.contains("type") && schema["type"].is_string()) flag.type = schema["type"];
        if (schema.contains("enum")) {
            for (const auto& value : schema["enum"])
                flag.values.push_back(value.is_string() ? value.get<std::string>() : value.dump());
        }
        found.push_back(std::move(flag));
    });
    return found;
}

std::vector<std::pair<std::string, ValuePath>> Schema::variables() const {
    std::vector<std::pair<std::string, ValuePath>> found;
    collect(*this, *root_, {}, 0, [&](const ValuePath& path, const json& schema) {
        if (schema.is_object() && schema.contains("x-env") && schema["x-env"].is_string())
            found.emplace_back(schema["x-env"], path);
    });
    return found;
}

std::vector<ValuePath> Schema::declared() const {
    std::vector<ValuePath> found;
    collect(*this, *root_, {}, 0, [&](const ValuePath& path, const json&) { found.push_back(path); });
    return found;
}

}  // namespace harmony::host
