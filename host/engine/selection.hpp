// Which Scores a run is about, and in which order.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "host/output/problem.hpp"

namespace harmony::host {

struct SelectionRequest {
    std::vector<std::string> filters;  // names or globs; each has to match something
    bool all = false;
    std::vector<std::string> available;  // every Score that could be named
    std::vector<std::string> for_all;    // what --all means: the composition's, or all that can run here
};

// Sorted by name, without duplicates. Codes usage.selection (neither filter nor all), usage.unknown-score.
[[nodiscard]] Outcome<std::vector<std::string>> select_scores(const SelectionRequest& request);

// Each Score after those it goes after, as far as they are selected; otherwise by name.
// Code config.order-cycle names the Scores in the circle.
[[nodiscard]] Outcome<std::vector<std::string>> order_scores(
    const std::vector<std::string>& names, const std::map<std::string, std::vector<std::string>>& after);

}  // namespace harmony::host
