// YAML as a tree that still knows where each value stood, so that errors can say file:line:column.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "host/config/schema.hpp"
#include "host/config/value_path.hpp"
#include "host/output/problem.hpp"

namespace harmony::host {

struct YamlEntry;

struct YamlNode {
    enum class Kind { Null, Scalar, List, Map };
    Kind kind = Kind::Null;
    std::string scalar;
    bool quoted = false;
    int line = 1;    // from 1
    int column = 1;  // from 1
    std::vector<YamlNode> items;
    std::vector<YamlEntry> entries;

    [[nodiscard]] const YamlNode* find(std::string_view key) const;
    // The node at path, or the nearest one above it that exists.
    [[nodiscard]] const YamlNode& nearest(const ValuePath& path) const;
};

struct YamlEntry {
    YamlNode key;  // a scalar
    YamlNode value;
};

struct YamlDocument {
    std::string file;
    YamlNode root;

    // `file:line:column`
    [[nodiscard]] std::string position(const YamlNode& node) const;
};

// One document. Problems have code config.yaml and begin with file:line:column. A key given twice, a key that
// is no scalar, more than 64 levels or 100 000 values are problems. An empty text is a null root.
[[nodiscard]] Outcome<YamlDocument> parse_yaml(std::string_view text, std::string file);

// Without a schema: YAML's own reading of plain scalars (null, booleans, numbers, else text).
[[nodiscard]] nlohmann::json yaml_to_json(const YamlNode& node);
// Typed by the schema, so that `version: 1.10` stays text where text is asked for.
[[nodiscard]] nlohmann::json yaml_to_json(const YamlNode& node, const Schema& schema,
                                          const nlohmann::json& governing);

// Block style YAML that reads back as the same value.
[[nodiscard]] std::string json_to_yaml(const nlohmann::json& value);

}  // namespace harmony::host
