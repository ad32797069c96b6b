// One request and its answer, gathered or streamed. Internal to this folder.
#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>

#include "connection.hpp"
#include "transport.hpp"

namespace harmony::runtime::kubernetes {

// What an exchange takes from its transport. I/O thread only.
struct ExchangeHost {
    boost::asio::io_context& context;
    ConnectionPool& pool;
    std::function<std::shared_ptr<Connection>()> make_connection;
};

// Begins on the I/O thread; the answer's handlers run there.
[[nodiscard]] Operation start_exchange(ExchangeHost host, WireRequest request, const WireLimits& limits,
                                       WireHandlers handlers);

}  // namespace harmony::runtime::kubernetes
