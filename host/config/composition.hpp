// harmony.yaml: which Scores, with which parameters.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "host/config/yaml_document.hpp"
#include "host/output/problem.hpp"

namespace harmony::host {

inline constexpr const char* kCompositionFile = "harmony.yaml";

struct ComposedScore {
    std::string name;
    YamlNode with;   // a map, or null when there are no parameters
    YamlNode place;  // the entry itself, for messages
};

struct Composition {
    YamlDocument document;
    std::optional<std::string> context;
    std::vector<ComposedScore> scores;

    [[nodiscard]] const ComposedScore* find(const std::string& name) const;
    // `file:line:column` of the value at path inside a Score's parameters, or of what comes nearest.
    [[nodiscard]] std::string position(const ComposedScore& score, const ValuePath& path) const;
};

// Codes config.yaml and config.composition; the summary begins with file:line:column.
[[nodiscard]] Outcome<Composition> parse_composition(std::string_view text, const std::string& file);

// The named file, which has to exist, or ./harmony.yaml when it is there.
[[nodiscard]] Outcome<std::optional<Composition>> load_composition(const std::optional<std::string>& named);

}  // namespace harmony::host
