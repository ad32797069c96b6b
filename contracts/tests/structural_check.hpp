// Checks a document against a structural schema, as the API server does it before it stores a resource.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace harmony::contracts::testing {

// One line for each problem: `spec.score.data.services[0].image: does not match ...`. Formats are taken for
// granted. Fails the test where the schema uses a keyword that is not checked here.
[[nodiscard]] std::vector<std::string> structural_problems(const nlohmann::json& schema,
                                                           const nlohmann::json& document);

// The schema of the only version in a definition.
[[nodiscard]] const nlohmann::json& schema_of(const nlohmann::json& definition);

}  // namespace harmony::contracts::testing
