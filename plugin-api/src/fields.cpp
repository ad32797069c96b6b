#include <algorithm>
#include <cmath>
#include <harmony/plugin/fields.hpp>
#include <regex>

namespace harmony::plugin::detail {

namespace {

// Longer values are cut in messages.
constexpr std::size_t kShownBytes = 60;
// std::regex recurses over the text it searches, so long text is refused instead of searched.
constexpr std::size_t kLongestMatchedText = 4096;

std::string shown(const Reading& at, const Json& found) {
    if (at.sensitive) return std::string(found.type_name()) + " (not shown)";
    if (found.is_object() || found.is_array()) return std::string(found.type_name());
    std::string text = found.dump();
    if (text.size() <= kShownBytes) return text;
    return text.substr(0, kShownBytes) + "...";
}

std::string subject(const Reading& at) {
    return at.path.empty() ? "the whole" : at.path;
}

Diagnostic problem(const Reading& at, std::string what) {
    return {.code = "parameters.invalid",
            .summary = subject(at) + " " + std::move(what),
            .path = at.path,
            .status = HP_E_INVALID};
}

std::string plain(double value) {
    return Json(value).dump();
}

std::string range_text(double minimum, double maximum) {
    auto text = [](double value) {
        const bool whole = std::floor(value) == value && std::abs(value) < 1e15;
        return whole ? Json(static_cast<std::int64_t>(value)).dump() : plain(value);
    };
    return text(minimum) + " to " + text(maximum);
}

Failure check_range(const Reading& at, const FieldInfo& field, const Json& json, double value) {
    if (!field.minimum || !field.maximum) return std::nullopt;
    if (value >= *field.minimum && value <= *field.maximum) return std::nullopt;
    return problem(at, "is " + shown(at, json) + ", expected " + range_text(*field.minimum, *field.maximum));
}

// Any number of a schema is written without a fraction where it has none.
Json number_json(double value) {
    const bool whole = std::floor(value) == value && std::abs(value) < 9e15;
    return whole ? Json(static_cast<std::int64_t>(value)) : Json(value);
}

}  // namespace

Reading Reading::member(const FieldInfo& info) const {
    Reading inner = member(info.name);
    inner.sensitive = sensitive || info.sensitive;
    return inner;
}

Reading Reading::member(std::string_view name) const {
    Reading inner = *this;
    if (!inner.path.empty()) inner.path += '.';
    inner.path += name;
    return inner;
}

Reading Reading::item(std::size_t index) const {
    Reading inner = *this;
    inner.path += '[' + std::to_string(index) + ']';
    return inner;
}

Diagnostic wrong_type(const Reading& at, const Json& found, std::string_view expected) {
    return problem(at, "is " + shown(at, found) + ", expected " + std::string(expected));
}

Diagnostic missing(const Reading& at, const FieldInfo& field) {
    return problem(at.member(field), "is missing and has no default");
}

Failure reject_unknown(const Reading& at, const Json& object, const std::vector<const FieldInfo*>& known) {
    for (const auto& member : object.members()) {
        const std::string& key = member.first;
        const bool found = std::any_of(known.begin(), known.end(),
                                       [&](const FieldInfo* field) { return field->name == key; });
        if (found) continue;
        std::string names;
        for (const FieldInfo* field : known)
            names += (names.empty() ? "" : ", ") + field->name;
        return problem(at.member(key), "is unknown; known here: " + (names.empty() ? "nothing" : names));
    }
    return std::nullopt;
}

Failure read_text(const Reading& at, const FieldInfo& field, const Json& json, std::string& out) {
    const std::string* text = json.if_string();
    if (text == nullptr) return wrong_type(at, json, "a string");
    if (!field.pattern.empty()) {
        if (text->size() > kLongestMatchedText) {
            return problem(at, "has " + std::to_string(text->size()) + " bytes, expected at most " +
                                   std::to_string(kLongestMatchedText));
        }
        if (!std::regex_search(*text, std::regex(field.pattern))) {
            return problem(at, "is " + shown(at, json) + ", expected text that matches " + field.pattern);
        }
    }
    out = *text;
    return std::nullopt;
}

Failure read_number(const Reading& at, const FieldInfo& field, const Json& json, double& out) {
    if (!json.is_number()) return wrong_type(at, json, "a number");
    const double value = json.number_or(0);
    if (auto wrong = check_range(at, field, json, value)) return wrong;
    out = value;
    return std::nullopt;
}

Failure read_integer(const Reading& at, const FieldInfo& field, const Json& json, std::int64_t minimum,
                     std::int64_t maximum, std::int64_t& out) {
    std::int64_t value = 0;
    if (const auto* found = json.if_integer()) {
        value = *found;
    } else if (const double* number = json.if_double();
               number != nullptr && std::floor(*number) == *number && std::abs(*number) < 9e15) {
        value = static_cast<std::int64_t>(*number);  // JSON does not tell 8080.0 from 8080
    } else {
        return wrong_type(at, json, "a whole number");
    }
    if (auto wrong = check_range(at, field, json, static_cast<double>(value))) return wrong;
    if (value < minimum || value > maximum) {
        return problem(at, "is " + shown(at, json) + ", expected " + std::to_string(minimum) + " to " +
                               std::to_string(maximum));
    }
    out = value;
    return std::nullopt;
}

Failure read_choice(const Reading& at, const Json& json, const std::vector<std::string_view>& names,
                    std::size_t& index) {
    const std::string* text = json.if_string();
    auto found = text != nullptr ? std::find(names.begin(), names.end(), *text) : names.end();
    if (found == names.end()) {
        std::string all;
        for (auto name : names)
            all += (all.empty() ? "" : ", ") + std::string(name);
        return problem(at, "is " + shown(at, json) + ", expected one of: " + all);
    }
    index = static_cast<std::size_t>(found - names.begin());
    return std::nullopt;
}

Failure check_count(const Reading& at, const FieldInfo& field, std::size_t count) {
    if (field.min_items && count < *field.min_items) {
        return problem(at, "has " + std::to_string(count) + " entries, expected at least " +
                               std::to_string(*field.min_items));
    }
    if (field.max_items && count > *field.max_items) {
        return problem(at, "has " + std::to_string(count) + " entries, expected at most " +
                               std::to_string(*field.max_items));
    }
    return std::nullopt;
}

void describe_scalar(const FieldInfo& field, Json& schema) {
    if (!field.pattern.empty() && schema["type"] == Json("string")) schema["pattern"] = field.pattern;
    const bool number = schema["type"] == Json("integer") || schema["type"] == Json("number");
    if (number && field.minimum) schema["minimum"] = number_json(*field.minimum);
    if (number && field.maximum) schema["maximum"] = number_json(*field.maximum);
}

void describe_count(const FieldInfo& field, bool map, Json& schema) {
    if (field.min_items) schema[map ? "minProperties" : "minItems"] = *field.min_items;
    if (field.max_items) schema[map ? "maxProperties" : "maxItems"] = *field.max_items;
}

void describe_field(const FieldInfo& field, Json& schema) {
    if (!field.summary.empty()) schema["description"] = field.summary;
    if (!field.examples.empty()) schema["examples"] = Json(Json::Array(field.examples));
    if (field.sensitive) schema["x-sensitive"] = true;
    if (!field.flag.empty()) schema["x-flag"] = field.flag;
    if (!field.env.empty()) schema["x-env"] = field.env;
}

}  // namespace harmony::plugin::detail
