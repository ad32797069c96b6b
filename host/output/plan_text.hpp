// A plan as people read it.
#pragma once

#include <iosfwd>
#include <vector>

#include "host/engine/run.hpp"
#include "host/output/style.hpp"

namespace harmony::host {

// Each Score, each object, each difference; then one line that counts.
void print_plan(std::ostream& out, const Style& style, const std::vector<ScoreTask>& tasks);

[[nodiscard]] nlohmann::json plan_document(const std::vector<ScoreTask>& tasks);

}  // namespace harmony::host
