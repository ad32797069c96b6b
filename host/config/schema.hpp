// What the host does with the JSON Schema (2020-12) of a Score's parameters: check, type, fill in, mask.
//
// The evaluator covers the vocabulary that parameter schemas use: type, enum, const, the numeric, text, list
// and object assertions, properties, patternProperties, additionalProperties, propertyNames, items,
// prefixItems, contains, dependentRequired, allOf, anyOf, oneOf, not, if/then/else and local $ref.
// `format` and unknown keywords are annotations. The plugin's own score.validate is a second judge.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host/config/value_path.hpp"

namespace harmony::host {

struct SchemaProblem {
    ValuePath path;
    std::string found;
    std::string expected;
    std::string hint;      // a suggestion, or empty
    bool missing = false;  // a required value is absent, so that asking for it could help

    // One sentence: what was found where, and what was expected.
    [[nodiscard]] std::string text() const;
};

// A parameter that is offered as --flag.
struct SchemaFlag {
    std::string flag;
    ValuePath path;
    std::string summary;
    std::string type;
    std::vector<std::string> values;
};

// A view on the schema of one Score's parameters. Borrows the document.
class Schema {
 public:
    explicit Schema(const nlohmann::json& document) : root_(&document) {}

    // Every violation, in document order. Values marked sensitive are not quoted.
    [[nodiscard]] std::vector<SchemaProblem> check(const nlohmann::json& value) const;

    // The schema that governs path, or null where it says nothing of it.
    [[nodiscard]] const nlohmann::json* at(const ValuePath& path) const;

    // The path with list positions read as such (`devices.0` becomes `devices[0]`), or the problem with it:
    // an unknown parameter gets a suggestion.
    [[nodiscard]] std::optional<SchemaProblem> normalise(ValuePath& path) const;

    // Text as typed on a command line or in a variable, as the type the schema asks for at path. Text that
    // does not fit stays text, so that check() reports it.
    [[nodiscard]] nlohmann::json typed(const ValuePath& path, std::string_view text) const;
    [[nodiscard]] nlohmann::json typed_by(const nlohmann::json& schema, std::string_view text) const;

    // All declared defaults, also of nested objects that have any.
    [[nodiscard]] nlohmann::json defaults() const;
    // Adds the defaults of what value lacks, inside list items and maps too. Calls filled for each.
    void fill_defaults(nlohmann::json& value, const std::function<void(const ValuePath&)>& filled) const;

    [[nodiscard]] bool sensitive(const ValuePath& path) const;
    // The value with everything sensitive replaced by "***".
    [[nodiscard]] nlohmann::json masked(const nlohmann::json& value) const;
    // The value without anything sensitive.
    [[nodiscard]] nlohmann::json without_secrets(const nlohmann::json& value) const;

    [[nodiscard]] std::vector<SchemaFlag> flags() const;
    // (variable, path) for each x-env.
    [[nodiscard]] std::vector<std::pair<std::string, ValuePath>> variables() const;
    // Every declared parameter outside lists and maps: `devices`, `limits.memory`.
    [[nodiscard]] std::vector<ValuePath> declared() const;

    // Follows local references.
    [[nodiscard]] const nlohmann::json& resolve(const nlohmann::json& schema) const;
    // The schema of a member or item, or null.
    [[nodiscard]] const nlohmann::json* child(const nlohmann::json& schema, const PathSegment& segment) const;

 private:
    const nlohmann::json* root_;
};

// The JSON type as people call it: "a whole number", "text", "a list".
[[nodiscard]] std::string describe_type(std::string_view type);

}  // namespace harmony::host
