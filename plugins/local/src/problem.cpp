#include "problem.hpp"

#include <system_error>

namespace harmony::local {

tl::unexpected<Problem> system_problem(std::string_view what, int error) {
    return problem("local.io", "cannot " + std::string(what) + ": " + std::generic_category().message(error));
}

}  // namespace harmony::local
