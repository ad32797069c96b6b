// Reading one key of a bucket without any right on the JetStream API: what a device may do.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "harmony/nats/connection.hpp"
#include "harmony/nats/entry.hpp"

namespace harmony::runtime::nats {

// The key's value now; nothing where it was never written, was deleted, or has expired.
// NotFound: no such bucket (or JetStream is off). Timeout, PermissionDenied as request() has them.
// Blocks up to the timeout; any thread except a handler of the connection's events.
[[nodiscard]] Result<std::optional<Entry>> direct_get(NatsConnection& connection, std::string_view bucket,
                                                      std::string_view key, Milliseconds timeout);

}  // namespace harmony::runtime::nats
