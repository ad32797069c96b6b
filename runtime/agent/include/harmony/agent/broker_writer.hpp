// Writes this device's own keys and makes sure the broker has them.
#pragma once

#include <string>
#include <string_view>

#include "harmony/agent/state_book.hpp"
#include "harmony/contracts/device_info.hpp"
#include "harmony/nats/connection.hpp"

namespace harmony::agent {

// Not thread-safe: it belongs to the reconcile thread.
class BrokerWriter {
 public:
    BrokerWriter(runtime::nats::NatsConnection& connection, contracts::DeviceId device);

    // Return once the stream has confirmed. Unavailable, Timeout, NotFound (no such bucket), Internal.
    [[nodiscard]] Result<void> write_info(const contracts::DeviceInfo& info);
    [[nodiscard]] Result<void> write_state(const StateBook::Write& write);

 private:
    [[nodiscard]] Result<void> put(std::string_view bucket, const std::string& key, std::string value,
                                   bool deletes);

    runtime::nats::NatsConnection& connection_;
    contracts::DeviceId device_;
};

}  // namespace harmony::agent
