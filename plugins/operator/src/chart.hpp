// The operator as a Helm chart: the objects of cluster_objects() with the parameters as values.
#pragma once

#include <harmony/plugin/diagnostic.hpp>
#include <harmony/plugin/render.hpp>
#include <vector>

#include "operator_parameters.hpp"

namespace harmony::fleet_operator {

// The parameters become the defaults of the chart's values; the namespace is the release's. The credentials
// are not in it: it names the Secret that has to hold them.
[[nodiscard]] std::vector<plugin::RenderedFile> operator_chart(const OperatorParameters& parameters);

}  // namespace harmony::fleet_operator
