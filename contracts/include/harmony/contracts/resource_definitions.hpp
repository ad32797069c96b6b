// What a Kubernetes cluster must know of the fleet's resources: a CustomResourceDefinition (v1) for each.
//
// The schemas say what the decoders of resources.hpp demand, as far as a structural schema without CEL can:
// what they admit, a decoder may still refuse (two containers that want one host port, the key of a label).
// A schema never refuses what a decoder takes, but for percentages with needless zeros.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

namespace harmony::contracts {

// Counts changes of either definition. An annotation of the definition carries it, so that whoever finds one
// in a cluster knows what it is.
inline constexpr int kDefinitionVersion = 1;
inline constexpr std::string_view kDefinitionVersionAnnotation = "fleet.nationtech.io/definition-version";

inline constexpr std::string_view kDeploymentPlural = "deployments";
inline constexpr std::string_view kDevicePlural = "devices";

// Ready to be applied.
[[nodiscard]] nlohmann::json deployment_definition();
[[nodiscard]] nlohmann::json device_definition();

enum class DefinitionMatch {
    Same,
    Older,    // of an earlier version: replace it
    Newer,    // of a later version, which admits all that this one does
    Changed,  // of this version, and somebody has changed it since: replace it
    Foreign,  // of another program, or of another kind: never replaced without being asked to
};
[[nodiscard]] std::string_view to_string(DefinitionMatch match);

struct DefinitionComparison {
    DefinitionMatch match = DefinitionMatch::Foreign;
    // Empty for Same; otherwise what was found, what was expected and what to do.
    std::string reason;
};

// `ours` is one of the definitions above; `installed` is what the API server returned under its name, with
// whatever a server adds.
[[nodiscard]] DefinitionComparison compare_definition(const nlohmann::json& ours,
                                                      const nlohmann::json& installed);

}  // namespace harmony::contracts
