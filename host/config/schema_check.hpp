// The evaluator behind Schema::check.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "host/config/schema.hpp"

namespace harmony::host {

// A pattern that can't be read matches, since the plugin's own check is left to refuse; a very long text does
// not.
[[nodiscard]] bool matches_pattern(const std::string& text, const std::string& pattern);

class SchemaChecker {
 public:
    explicit SchemaChecker(const Schema& schema) : schema_(schema) {}

    // Every violation of value against a schema of the document.
    [[nodiscard]] std::vector<SchemaProblem> run(const nlohmann::json& schema, const nlohmann::json& value);

 private:
    void visit(const nlohmann::json& schema, const nlohmann::json& value, const ValuePath& path);
    void check_type(const nlohmann::json& schema, const nlohmann::json& value, const ValuePath& path);
    void check_values(const nlohmann::json& schema, const nlohmann::json& value, const ValuePath& path);
    void check_number(const nlohmann::json& schema, const nlohmann::json& value, const ValuePath& path);
    void check_text(const nlohmann::json& schema, const std::string& value, const ValuePath& path);
    void check_list(const nlohmann::json& schema, const nlohmann::json& value, const ValuePath& path);
    void check_object(const nlohmann::json& schema, const nlohmann::json& value, const ValuePath& path);
    void check_members(const nlohmann::json& schema, const nlohmann::json& value, const ValuePath& path);
    void check_combinations(const nlohmann::json& schema, const nlohmann::json& value, const ValuePath& path);
    [[nodiscard]] bool accepts(const nlohmann::json& schema, const nlohmann::json& value,
                               const ValuePath& path) const;
    void report(const ValuePath& path, const nlohmann::json& value, std::string expected,
                std::string hint = {});

    const Schema& schema_;
    std::vector<SchemaProblem> problems_;
    int depth_ = 0;
};

}  // namespace harmony::host
