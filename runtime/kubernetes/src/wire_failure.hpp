// A transport's error in the words of the API. Pure.
#pragma once

#include "harmony/kubernetes/failure.hpp"
#include "status.hpp"
#include "transport/transport.hpp"

namespace harmony::runtime::kubernetes {

[[nodiscard]] Failure failure_of(const CallName& call, const WireError& error);

}  // namespace harmony::runtime::kubernetes
