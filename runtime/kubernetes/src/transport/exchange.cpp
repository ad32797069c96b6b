#include "exchange.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/beast/http.hpp>
#include <utility>

#include "request_head.hpp"

namespace harmony::runtime::kubernetes {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace bhttp = boost::beast::http;
using ErrorCode = boost::system::error_code;

constexpr std::uint32_t kMaxHeaderBytes = 64 * 1024;
constexpr std::size_t kChunkBytes = 32 * 1024;
constexpr std::size_t kMaxRefusalBytes = 256 * 1024;

class Exchange final : public Cancellable, public std::enable_shared_from_this<Exchange> {
 public:
    Exchange(ExchangeHost host, WireRequest request, const WireLimits& limits, WireHandlers handlers)
        : host_(std::move(host)),
          request_(std::move(request)),
          limits_(limits),
          handlers_(std::move(handlers)),
          timer_(host_.context) {}

    void begin() {
        asio::post(host_.context, [self = shared_from_this()] {
            if (self->done_) return;  // cancelled before it began
            self->acquire(true);
        });
    }

    void cancel() override {
        asio::post(host_.context, [self = shared_from_this()] {
            self->give_up({WireFault::Cancelled, "cancelled", self->sent_});
        });
    }

 private:
    void arm_timer(WireClock::time_point at, WireFault fault, const char* what) {
        timer_.expires_at(at);
        timer_.async_wait([self = shared_from_this(), at, fault, what](const ErrorCode& error) {
            if (error || self->done_ || self->timer_.expiry() != at) return;  // ended, or armed anew
            // The others that are kept lead to the same silent server.
            if (self->kept_) self->host_.pool.clear();
            const std::string where = self->connection_ ? self->connection_->where() + ": " : std::string{};
            self->give_up({fault, where + what, self->sent_});
        });
    }

    void await_connection() {
        const auto given = WireClock::now() + limits_.connect_within;
        arm_timer(std::min(given, limits_.deadline), WireFault::Unreachable, "no connection in time");
    }
    void await_answer() { arm_timer(limits_.deadline, WireFault::Timeout, "no complete answer in time"); }

    void give_up(WireError error) {
        if (done_) return;
        if (connection_) connection_->abort();
        finish(tl::unexpected<WireError>(std::move(error)));
    }

    void finish(Wired<WireReply> reply) {
        if (std::exchange(done_, true)) return;
        timer_.cancel();
        connection_.reset();
        // The handlers may own what owns this exchange.
        const WireHandlers handlers = std::exchange(handlers_, {});
        handlers.on_end(std::move(reply));
    }

    void acquire(bool kept_allowed) {
        kept_ = false;
        sent_ = false;
        connection_ = kept_allowed ? host_.pool.take() : nullptr;
        if (connection_) {
            kept_ = true;
            await_answer();
            write();
            return;
        }
        await_connection();
        connection_ = host_.make_connection();
        connection_->open([self = shared_from_this()](std::optional<WireError> error) {
            if (self->done_) return;
            if (error) {
                self->finish(tl::unexpected<WireError>(std::move(*error)));
                return;
            }
            self->await_answer();
            self->write();
        });
    }

    // What is under way holds the connection, which this exchange may have given up meanwhile.
    void write() {
        fill_head(message_, request_, connection_->access());
        message_.body() = request_.body;
        message_.prepare_payload();
        sent_ = true;
        bhttp::async_write(
            connection_->stream(), message_,
            [self = shared_from_this(), kept = connection_](const ErrorCode& error, std::size_t) {
                if (self->done_) return;
                // A server that refuses early closes while we still write: its answer tells more.
                if (error && error != asio::error::broken_pipe && error != asio::error::connection_reset) {
                    self->broken(error);
                    return;
                }
                self->read_head();
            });
    }

    void read_head() {
        parser_.emplace();
        parser_->header_limit(kMaxHeaderBytes);
        parser_->body_limit(boost::none);
        bhttp::async_read_header(
            connection_->stream(), connection_->buffer(), *parser_,
            [self = shared_from_this(), kept = connection_](const ErrorCode& error, std::size_t) {
                if (self->done_) return;
                if (error) {
                    self->broken(error);
                    return;
                }
                self->take_head();
            });
    }

    void take_head() {
        const auto& head = parser_->get();
        reply_.status = static_cast<int>(head.result_int());
        reply_.retry_after = std::string(head[bhttp::field::retry_after]);
        streaming_ = handlers_.on_bytes && reply_.status < 300;
        chunk_.resize(kChunkBytes);
        read_body();
    }

    void read_body() {
        if (parser_->is_done()) {
            complete();
            return;
        }
        auto& body = parser_->get().body();
        body.data = chunk_.data();
        body.size = chunk_.size();
        bhttp::async_read_some(
            connection_->stream(), connection_->buffer(), *parser_,
            [self = shared_from_this(), kept = connection_](const ErrorCode& error, std::size_t) {
                if (!self->done_) self->take_body(error);
            });
    }

    void take_body(const ErrorCode& error) {
        const std::size_t rest = parser_->get().body().size;
        const std::string_view bytes(chunk_.data(), chunk_.size() - rest);
        if (!bytes.empty() && !accept(bytes)) return;
        if (error && error != bhttp::error::need_buffer) {
            broken(error);
            return;
        }
        read_body();
    }

    // False: this exchange has ended.
    bool accept(std::string_view bytes) {
        if (streaming_) {
            if (handlers_.on_bytes(bytes)) return !done_;
            if (connection_) connection_->abort();
            finish(std::move(reply_));
            return false;
        }
        const std::size_t allowed = handlers_.on_bytes ? kMaxRefusalBytes : limits_.max_body_bytes;
        if (reply_.body.size() + bytes.size() > allowed) {
            give_up(
                {WireFault::TooLarge,
                 connection_->where() + ": the answer is larger than " + std::to_string(allowed) + " bytes",
                 true});
            return false;
        }
        reply_.body += bytes;
        return true;
    }

    void complete() {
        if (parser_->keep_alive()) host_.pool.give(connection_);
        finish(std::move(reply_));
    }

    void broken(const ErrorCode& error) {
        const bool answered = parser_ && parser_->got_some();
        if (kept_ && !answered && request_.repeatable) {
            connection_->abort();
            parser_.reset();
            acquire(false);
            return;
        }
        const ErrorCode any_http = bhttp::make_error_code(bhttp::error::bad_version);
        const bool ended = error == bhttp::error::end_of_stream || error == bhttp::error::partial_message;
        WireError wire = connection_->explain(error, sent_);
        if (error.category() == any_http.category() && !ended) {
            wire.fault = WireFault::NotHttp;
            wire.text = connection_->where() + ": not an HTTP answer (" + error.message() + ")";
        }
        connection_->abort();
        finish(tl::unexpected<WireError>(std::move(wire)));
    }

    ExchangeHost host_;
    WireRequest request_;
    const WireLimits limits_;
    WireHandlers handlers_;
    asio::steady_timer timer_;
    std::shared_ptr<Connection> connection_;
    bhttp::request<bhttp::string_body> message_;
    std::optional<bhttp::response_parser<bhttp::buffer_body>> parser_;
    WireReply reply_;
    std::string chunk_;
    bool kept_ = false;
    bool sent_ = false;
    bool streaming_ = false;
    bool done_ = false;
};

}  // namespace

Operation start_exchange(ExchangeHost host, WireRequest request, const WireLimits& limits,
                         WireHandlers handlers) {
    auto exchange =
        std::make_shared<Exchange>(std::move(host), std::move(request), limits, std::move(handlers));
    exchange->begin();
    return exchange;
}

}  // namespace harmony::runtime::kubernetes
