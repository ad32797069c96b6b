// The sockets of a simulation: some connections to one NATS server, kept up, on the thread that polls them.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "harmony/result.hpp"
#include "harmony/simulator/fleet_model.hpp"

namespace harmony::simulator {

struct LinkEvents {
    std::function<void(std::uint32_t link)> on_up;
    std::function<void(std::uint32_t link, const std::string& reason)> on_down;
    std::function<void(std::uint32_t link, const WireMessage& message)> on_message;
    std::function<void(const std::string& text)> on_refused;  // what the server refused; the link stays up
};

// Messages for a link that is down are dropped: a device asserts everything again once it is back.
class BrokerLinks : public Outbox {
 public:
    // Connects all of them, or says why not: Unavailable (nobody answers), PermissionDenied (credentials),
    // InvalidInput (a URL that is none, a server that demands TLS). Later losses are made good by
    // reconnecting.
    [[nodiscard]] static Result<std::unique_ptr<BrokerLinks>> connect(const SimulatorOptions& options,
                                                                      LinkEvents events);

    // Waits for traffic at most that long, serves it, and writes what was published.
    virtual void poll(std::chrono::milliseconds timeout) = 0;
    // More is waiting to be written than the server takes at the moment.
    [[nodiscard]] virtual bool congested() const = 0;
    // Writes what is left, at most that long, and closes.
    virtual void close(std::chrono::milliseconds patience) = 0;
};

}  // namespace harmony::simulator
