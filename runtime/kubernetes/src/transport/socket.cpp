#include "socket.hpp"

#include <boost/asio/post.hpp>
#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/ssl.hpp>
#include <boost/beast/websocket.hpp>
#include <condition_variable>
#include <deque>
#include <mutex>

#include "request_head.hpp"

namespace harmony::runtime::kubernetes {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace bhttp = boost::beast::http;
namespace websocket = boost::beast::websocket;
using ErrorCode = boost::system::error_code;

constexpr std::size_t kMaxMessageBytes = 1024 * 1024;
// Beyond it reading pauses until the consumer has caught up.
constexpr std::size_t kMaxQueuedBytes = 4 * 1024 * 1024;

// Lives on the I/O thread; the mutex guards what the consumer's thread shares.
class Session : public std::enable_shared_from_this<Session> {
 public:
    Session(asio::io_context& context, std::shared_ptr<Connection> connection)
        : context_(context), connection_(std::move(connection)), socket_(connection_->stream()) {}

    Wired<void> open(const WireRequest& request, std::string_view protocol, WireClock::time_point deadline) {
        asio::post(context_, [self = shared_from_this(), request, protocol = std::string(protocol)] {
            self->connection_->open([self, request, protocol](std::optional<WireError> error) {
                if (error) {
                    self->opened(std::move(*error));
                    return;
                }
                self->upgrade(request, protocol);
            });
        });
        std::unique_lock lock(mutex_);
        if (!changed_.wait_until(lock, deadline, [this] { return open_ || failure_; })) {
            lock.unlock();
            abort();
            return tl::unexpected<WireError>(
                WireError{WireFault::Timeout, connection_->where() + ": not opened in time"});
        }
        if (failure_) return tl::unexpected<WireError>(*failure_);
        return {};
    }

    Wired<void> send(std::string message, WireClock::time_point deadline) {
        {
            const std::unique_lock lock(mutex_);
            if (failure_) return tl::unexpected<WireError>(*failure_);
            if (closed_)
                return tl::unexpected<WireError>(WireError{WireFault::Lost, "closed by the server", true});
            written_ = false;
        }
        asio::post(context_, [self = shared_from_this(), message = std::move(message)]() mutable {
            self->outgoing_ = std::move(message);
            self->socket_.async_write(asio::buffer(self->outgoing_),
                                      [self](const ErrorCode& error, std::size_t) {
                                          if (error) self->fail(error);
                                          const std::unique_lock lock(self->mutex_);
                                          self->written_ = true;
                                          self->changed_.notify_all();
                                      });
        });
        std::unique_lock lock(mutex_);
        if (!changed_.wait_until(lock, deadline, [this] { return written_; })) {
            lock.unlock();
            // Half a message can't be taken back.
            abort();
            return tl::unexpected<WireError>(
                WireError{WireFault::Timeout, "not taken by the server in time", true});
        }
        if (failure_) return tl::unexpected<WireError>(*failure_);
        return {};
    }

    Wired<std::optional<std::string>> receive(WireClock::time_point deadline) {
        std::unique_lock lock(mutex_);
        if (!changed_.wait_until(lock, deadline, [this] { return !queue_.empty() || failure_ || closed_; })) {
            return tl::unexpected<WireError>(WireError{WireFault::Timeout, "nothing came in time", true});
        }
        if (!queue_.empty()) {
            std::string message = std::move(queue_.front());
            queue_.pop_front();
            queued_bytes_ -= message.size();
            if (paused_ && queued_bytes_ < kMaxQueuedBytes / 2) {
                paused_ = false;
                asio::post(context_, [self = shared_from_this()] { self->read(); });
            }
            return message;
        }
        if (failure_) return tl::unexpected<WireError>(*failure_);
        return std::optional<std::string>{};
    }

    void abort() {
        asio::post(context_, [self = shared_from_this()] { self->connection_->abort(); });
    }

 private:
    void upgrade(const WireRequest& request, const std::string& protocol) {
        socket_.read_message_max(kMaxMessageBytes);
        socket_.binary(true);
        socket_.set_option(
            websocket::stream_base::decorator([request, protocol](websocket::request_type& message) {
                message.set(bhttp::field::user_agent, "harmony");
                message.set(bhttp::field::sec_websocket_protocol, protocol);
                if (!request.authorization.empty())
                    message.set(bhttp::field::authorization, request.authorization);
            }));
        const ClusterAccess& access = connection_->access();
        socket_.async_handshake(
            response_, host_header(access), access.path_prefix + request.target,
            [self = shared_from_this()](const ErrorCode& error) { self->upgraded(error); });
    }

    void upgraded(const ErrorCode& error) {
        if (!error) {
            opened(std::nullopt);
            read();
            return;
        }
        WireError wire = connection_->explain(error, true);
        if (error == websocket::error::upgrade_declined) {
            wire.refusal = WireReply{static_cast<int>(response_.result_int()),
                                     std::string(response_[bhttp::field::retry_after]), response_.body()};
        }
        opened(std::move(wire));
    }

    void opened(std::optional<WireError> error) {
        const std::unique_lock lock(mutex_);
        failure_ = std::move(error);
        open_ = !failure_;
        changed_.notify_all();
    }

    void read() {
        socket_.async_read(incoming_, [self = shared_from_this()](const ErrorCode& error, std::size_t) {
            if (error) {
                self->fail(error);
                return;
            }
            self->take();
        });
    }

    void take() {
        std::string message = beast::buffers_to_string(incoming_.data());
        incoming_.consume(incoming_.size());
        {
            const std::unique_lock lock(mutex_);
            queued_bytes_ += message.size();
            queue_.push_back(std::move(message));
            paused_ = queued_bytes_ >= kMaxQueuedBytes;
            changed_.notify_all();
            if (paused_) return;
        }
        read();
    }

    void fail(const ErrorCode& error) {
        const std::unique_lock lock(mutex_);
        if (error == websocket::error::closed) {
            closed_ = true;
        } else if (!failure_) {
            failure_ = connection_->explain(error, true);
        }
        changed_.notify_all();
    }

    asio::io_context& context_;
    const std::shared_ptr<Connection> connection_;
    websocket::stream<TlsStream&> socket_;
    websocket::response_type response_;
    beast::flat_buffer incoming_;
    std::string outgoing_;

    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<std::string> queue_;
    std::size_t queued_bytes_ = 0;
    std::optional<WireError> failure_;
    bool open_ = false;
    bool closed_ = false;
    bool paused_ = false;
    bool written_ = true;
};

class BeastSocket final : public WireSocket {
 public:
    explicit BeastSocket(std::shared_ptr<Session> session) : session_(std::move(session)) {}
    ~BeastSocket() override { session_->abort(); }
    BeastSocket(const BeastSocket&) = delete;
    BeastSocket& operator=(const BeastSocket&) = delete;

    Wired<void> send(std::string message, WireClock::time_point deadline) override {
        return session_->send(std::move(message), deadline);
    }
    Wired<std::optional<std::string>> receive(WireClock::time_point deadline) override {
        return session_->receive(deadline);
    }

 private:
    std::shared_ptr<Session> session_;
};

}  // namespace

Wired<std::unique_ptr<WireSocket>> open_wire_socket(asio::io_context& context,
                                                    std::shared_ptr<Connection> connection,
                                                    const WireRequest& request, std::string_view protocol,
                                                    WireClock::time_point deadline) {
    auto session = std::make_shared<Session>(context, std::move(connection));
    if (auto opened = session->open(request, protocol, deadline); !opened) {
        session->abort();
        return tl::unexpected<WireError>(std::move(opened.error()));
    }
    return std::make_unique<BeastSocket>(std::move(session));
}

}  // namespace harmony::runtime::kubernetes
