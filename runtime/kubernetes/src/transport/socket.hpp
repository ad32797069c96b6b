// A WebSocket over a connection of its own. Internal to this folder.
#pragma once

#include <boost/asio/io_context.hpp>
#include <memory>
#include <string_view>

#include "connection.hpp"
#include "transport.hpp"

namespace harmony::runtime::kubernetes {

// Blocks until it is open; not on the I/O thread.
[[nodiscard]] Wired<std::unique_ptr<WireSocket>> open_wire_socket(boost::asio::io_context& context,
                                                                  std::shared_ptr<Connection> connection,
                                                                  const WireRequest& request,
                                                                  std::string_view protocol,
                                                                  WireClock::time_point deadline);

}  // namespace harmony::runtime::kubernetes
