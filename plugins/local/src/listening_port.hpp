// Who listens where on the loopback address.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "problem.hpp"

namespace harmony::local {

struct PortHolder {
    int pid = 0;          // 0: it belongs to another user and cannot be seen
    std::string program;  // "nats-server"; empty when pid is 0
    unsigned user = 0;    // numeric id of the socket's owner
};

// Who would be in the way of a listener on 127.0.0.1:port; nothing when nobody listens there.
[[nodiscard]] std::optional<PortHolder> port_holder(int port);

// "process 4711 (nats-server)", for a sentence.
[[nodiscard]] std::string describe(const PortHolder& holder);

// A port on which nobody listens and that `taken` does not refuse. Chosen below the kernel's range for
// outgoing connections, so that it stays free until its daemon listens, also after a restart.
[[nodiscard]] Outcome<int> choose_free_port(const std::function<bool(int)>& taken);

}  // namespace harmony::local
