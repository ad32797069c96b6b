// Resources with one thing wrong that the definitions' schemas refuse, as the decoders do.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace harmony::contracts::testing {

struct InvalidResource {
    std::string why;
    nlohmann::json document;
    // Where, with indices: `spec.score.data.services[0].image`.
    std::string field;
};

[[nodiscard]] std::vector<InvalidResource> invalid_deployments();
[[nodiscard]] std::vector<InvalidResource> invalid_devices();

}  // namespace harmony::contracts::testing
