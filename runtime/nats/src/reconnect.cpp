#include <algorithm>

#include "harmony/nats/connection.hpp"

namespace harmony::runtime::nats {

std::string_view to_string(ConnectionStatus status) {
    switch (status) {
        case ConnectionStatus::Connecting:
            return "connecting";
        case ConnectionStatus::Connected:
            return "connected";
        case ConnectionStatus::Reconnecting:
            return "reconnecting";
        case ConnectionStatus::Closed:
            return "closed";
    }
    return "unknown";
}

Milliseconds reconnect_delay(const ReconnectPolicy& policy, int attempt, double random) {
    auto delay = static_cast<double>(policy.first_delay.count());
    const auto cap = static_cast<double>(policy.max_delay.count());
    for (int i = 1; i < attempt && delay < cap; ++i)
        delay *= 2;
    delay = std::min(delay, cap) * (1.0 - policy.jitter * random);
    return Milliseconds{static_cast<Milliseconds::rep>(delay)};
}

}  // namespace harmony::runtime::nats
