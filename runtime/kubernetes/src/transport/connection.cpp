#include "connection.hpp"

#include <netinet/tcp.h>
#include <sys/socket.h>

#include <boost/asio/ssl/error.hpp>
#include <utility>

namespace harmony::runtime::kubernetes {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
using ErrorCode = boost::system::error_code;

constexpr std::size_t kMaxIdle = 8;
// API servers keep idle connections for 90 s and more.
constexpr std::chrono::seconds kMaxIdleTime{30};

// A watch may be silent for minutes; a dead peer shows within about a minute.
void keep_alive(int socket) {
    const int on = 1;
    const int idle_s = 20;
    const int interval_s = 10;
    const int probes = 3;
    setsockopt(socket, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    setsockopt(socket, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof idle_s);
    setsockopt(socket, IPPROTO_TCP, TCP_KEEPINTVL, &interval_s, sizeof interval_s);
    setsockopt(socket, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof probes);
    setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

}  // namespace

Connection::Connection(asio::io_context& context, TlsContext tls, std::shared_ptr<const ClusterAccess> access)
    : tls_(std::move(tls)), access_(std::move(access)), resolver_(context), stream_(context, *tls_) {
    expect_server(stream_.native_handle(), *access_);
    if (access_->insecure) return;
    stream_.set_verify_callback([this](bool verified, asio::ssl::verify_context& store) {
        return judge_certificate(verified, store.native_handle(), *access_, verdict_);
    });
}

std::string Connection::where() const {
    const bool six = access_->host.find(':') != std::string::npos;
    return "https://" + (six ? "[" + access_->host + "]" : access_->host) + ":" +
           std::to_string(access_->port);
}

void Connection::open(Done done) {
    resolver_.async_resolve(
        access_->host, std::to_string(access_->port),
        [self = shared_from_this(), done = std::move(done)](
            const ErrorCode& error, const asio::ip::tcp::resolver::results_type& addresses) {
            if (error) {
                done(WireError{WireFault::Unreachable,
                               self->where() + ": the host is not known (" + error.message() + ")"});
                return;
            }
            self->connect(addresses, done);
        });
}

void Connection::connect(const asio::ip::tcp::resolver::results_type& addresses, Done done) {
    beast::get_lowest_layer(stream_).async_connect(
        addresses, [self = shared_from_this(), done = std::move(done)](const ErrorCode& error,
                                                                       const asio::ip::tcp::endpoint&) {
            if (error) {
                done(WireError{WireFault::Unreachable, self->where() + ": " + error.message()});
                return;
            }
            keep_alive(beast::get_lowest_layer(self->stream_).socket().native_handle());
            self->shake_hands(done);
        });
}

void Connection::shake_hands(Done done) {
    stream_.async_handshake(asio::ssl::stream_base::client, [self = shared_from_this(),
                                                             done = std::move(done)](const ErrorCode& error) {
        if (!error) {
            done(std::nullopt);
            return;
        }
        if (!self->verdict_.problem.empty()) {
            done(WireError{WireFault::Untrusted, self->where() + ": " + self->verdict_.problem});
            return;
        }
        done(WireError{WireFault::Unreachable,
                       self->where() + ": no TLS connection (" + error.message() + ")"});
    });
}

void Connection::abort() {
    resolver_.cancel();
    beast::get_lowest_layer(stream_).close();
}

bool Connection::fit_for_reuse() {
    if (WireClock::now() - idle_since > kMaxIdleTime || buffer_.size() > 0) return false;
    char byte = 0;
    const auto socket = beast::get_lowest_layer(stream_).socket().native_handle();
    const ssize_t found = ::recv(socket, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return found < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

WireError Connection::explain(const ErrorCode& error, bool sent) const {
    return {WireFault::Lost, where() + ": the connection was lost (" + error.message() + ")", sent};
}

std::shared_ptr<Connection> ConnectionPool::take() {
    while (!idle_.empty()) {
        auto connection = std::move(idle_.back());
        idle_.pop_back();
        if (connection->fit_for_reuse()) return connection;
    }
    return nullptr;
}

void ConnectionPool::give(std::shared_ptr<Connection> connection) {
    if (idle_.size() >= kMaxIdle) idle_.erase(idle_.begin());
    connection->idle_since = WireClock::now();
    idle_.push_back(std::move(connection));
}

}  // namespace harmony::runtime::kubernetes
