// A TLS connection, and how it comes to be. Used on the I/O thread only. Internal to this folder.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "tls.hpp"
#include "transport.hpp"

namespace harmony::runtime::kubernetes {

using TlsStream = boost::asio::ssl::stream<boost::beast::tcp_stream>;

class Connection : public std::enable_shared_from_this<Connection> {
 public:
    using Done = std::function<void(std::optional<WireError>)>;

    Connection(boost::asio::io_context& context, TlsContext tls, std::shared_ptr<const ClusterAccess> access);

    // Looks the host up, connects and shakes hands.
    void open(Done done);
    // Everything that waits for this connection ends with an error.
    void abort();
    // A closed one, or one on which something came that nobody asked for, must not be used again.
    [[nodiscard]] bool fit_for_reuse();

    // The error of an operation on an open connection.
    [[nodiscard]] WireError explain(const boost::system::error_code& error, bool sent) const;
    [[nodiscard]] TlsStream& stream() { return stream_; }
    [[nodiscard]] boost::beast::flat_buffer& buffer() { return buffer_; }
    [[nodiscard]] const ClusterAccess& access() const { return *access_; }
    [[nodiscard]] std::string where() const;

    WireClock::time_point idle_since{};

 private:
    void connect(const boost::asio::ip::tcp::resolver::results_type& addresses, Done done);
    void shake_hands(Done done);

    const TlsContext tls_;
    const std::shared_ptr<const ClusterAccess> access_;
    PeerVerdict verdict_;
    boost::asio::ip::tcp::resolver resolver_;
    TlsStream stream_;
    boost::beast::flat_buffer buffer_;
};

// Connections that wait for the next request. I/O thread only.
class ConnectionPool {
 public:
    // Nothing where none is fit.
    [[nodiscard]] std::shared_ptr<Connection> take();
    void give(std::shared_ptr<Connection> connection);
    void clear() { idle_.clear(); }

 private:
    std::vector<std::shared_ptr<Connection>> idle_;  // the freshest last
};

}  // namespace harmony::runtime::kubernetes
