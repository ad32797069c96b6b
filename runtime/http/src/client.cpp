#include "harmony/http/client.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <cerrno>
#include <mutex>

namespace harmony::runtime::http {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace bhttp = boost::beast::http;
using Clock = std::chrono::steady_clock;
using ErrorCode = boost::system::error_code;
using Stream = beast::basic_stream<asio::generic::stream_protocol>;
using Parser = bhttp::response_parser<bhttp::string_body>;

constexpr std::uint32_t kMaxHeaderBytes = 32 * 1024;
constexpr std::size_t kChunkBytes = 16 * 1024;

bool idempotent(const std::string& method) {
    return method == "GET" || method == "HEAD" || method == "PUT" || method == "DELETE";
}

bool printable(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) {
        const auto byte = static_cast<unsigned char>(c);
        return byte >= 0x20 && byte != 0x7f;
    });
}

Result<bhttp::request<bhttp::string_body>> build(const Request& request, const Endpoint& endpoint) {
    bool good = printable(request.method) && printable(request.target) && !request.target.empty() &&
                request.target.find(' ') == std::string::npos;
    for (const Header& header : request.headers)
        good = good && printable(header.name) && printable(header.value);
    if (!good) {
        return fail(ErrorKind::InvalidInput,
                    "http request: control characters in its method, target or headers");
    }
    bhttp::request<bhttp::string_body> built;
    built.version(11);
    built.method_string(request.method);
    built.target(request.target);
    for (const Header& header : request.headers)
        built.insert(header.name, header.value);
    built.set(bhttp::field::host, endpoint.unix_socket_path.empty() ? endpoint.text() : "localhost");
    built.body() = request.body;
    if (!request.body.empty() || request.method == "POST" || request.method == "PUT") built.prepare_payload();
    return built;
}

Response convert(Parser& parser) {
    Response response;
    auto& message = parser.get();
    response.status = static_cast<int>(message.result_int());
    for (const auto& field : message) {
        response.headers.push_back({std::string(field.name_string()), std::string(field.value())});
    }
    response.body = std::move(message.body());
    return response;
}

// One socket and everything that waits for it. The io_context runs only inside a call, on the caller's
// thread; cancellation from elsewhere is posted into it.
class Wire {
 public:
    explicit Wire(const Endpoint& endpoint) : endpoint_(endpoint), stream_(context_) {}

    ErrorCode connect(Clock::time_point deadline, const std::stop_token& stop) {
        ErrorCode error;
        asio::generic::stream_protocol::endpoint address;
        try {
            if (endpoint_.unix_socket_path.empty()) {
                address =
                    asio::ip::tcp::endpoint(asio::ip::make_address(endpoint_.host, error), endpoint_.port);
            } else {
                address = asio::local::stream_protocol::endpoint(endpoint_.unix_socket_path);
            }
        } catch (const boost::system::system_error& exception) {
            return exception.code();  // a path longer than a socket address holds
        }
        if (error) return error;
        return run(deadline, stop, [&](auto done) {
            stream_.async_connect(address, [done](ErrorCode code) { done(code); });
        });
    }

    // Whether the other end has closed it, or sent what nobody asked for, since the last answer.
    [[nodiscard]] bool stale() {
        char byte = 0;
        const ssize_t got =
            recv(stream_.socket().native_handle(), &byte, sizeof byte, MSG_PEEK | MSG_DONTWAIT);
        return got >= 0 || (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR);
    }

    template <class Message>
    ErrorCode write(Message& message, Clock::time_point deadline, const std::stop_token& stop) {
        return run(deadline, stop, [&](auto done) {
            bhttp::async_write(stream_, message, [done](ErrorCode code, std::size_t) { done(code); });
        });
    }

    template <class AnyParser>
    ErrorCode read_header(AnyParser& parser, Clock::time_point deadline, const std::stop_token& stop) {
        return run(deadline, stop, [&](auto done) {
            bhttp::async_read_header(stream_, buffer_, parser,
                                     [done](ErrorCode code, std::size_t) { done(code); });
        });
    }

    template <class AnyParser>
    ErrorCode read_body(AnyParser& parser, Clock::time_point deadline, const std::stop_token& stop) {
        return run(deadline, stop, [&](auto done) {
            bhttp::async_read(stream_, buffer_, parser, [done](ErrorCode code, std::size_t) { done(code); });
        });
    }

    template <class AnyParser>
    ErrorCode read_some(AnyParser& parser, std::optional<Clock::time_point> deadline,
                        const std::stop_token& stop) {
        return run(deadline, stop, [&](auto done) {
            bhttp::async_read_some(stream_, buffer_, parser,
                                   [done](ErrorCode code, std::size_t) { done(code); });
        });
    }

 private:
    template <class Start>
    ErrorCode run(std::optional<Clock::time_point> deadline, const std::stop_token& stop, Start start) {
        if (stop.stop_requested()) return asio::error::operation_aborted;
        if (deadline) {
            stream_.expires_at(*deadline);
        } else {
            stream_.expires_never();
        }
        ErrorCode result;
        start([&result](ErrorCode code) { result = code; });
        {
            const std::stop_callback cancel(stop,
                                            [this] { asio::post(context_, [this] { stream_.cancel(); }); });
            context_.restart();
            context_.run();
        }
        // A cancellation posted after the operation ended must not hit the next one.
        context_.restart();
        context_.poll();
        return result;
    }

    const Endpoint endpoint_;
    asio::io_context context_{1};
    Stream stream_;
    beast::flat_buffer buffer_;
};

class LocalHttpClient final : public HttpClient {
 public:
    explicit LocalHttpClient(Endpoint endpoint) : endpoint_(std::move(endpoint)) {}

    Result<Response> request(const Request& request, const RequestLimits& limits) override {
        auto built = build(request, endpoint_);
        if (!built) return fail(built.error());
        const auto deadline = Clock::now() + limits.deadline;
        const std::unique_lock turn(mutex_, deadline);
        if (!turn.owns_lock())
            return fail(ErrorKind::Timeout, name(request) + ": earlier requests took too long");
        // Of a server that closes idle connections; also a request that must not be repeated can go
        // elsewhere.
        if (wire_ && wire_->stale()) wire_.reset();
        const bool kept = wire_ != nullptr;
        bool answered = false;
        ErrorCode error;
        auto response = exchange(*built, limits, deadline, answered, error);
        const bool closed_meanwhile = kept && error && !answered && idempotent(request.method) &&
                                      error != beast::error::timeout && !limits.stop.stop_requested();
        if (closed_meanwhile) response = exchange(*built, limits, deadline, answered, error);
        if (error) return fail(explain(error, request, limits.stop));
        return std::move(*response);
    }

    Result<Response> stream(const Request& request, const ChunkHandler& on_chunk,
                            const StreamLimits& limits) override {
        auto built = build(request, endpoint_);
        if (!built) return fail(built.error());
        built->keep_alive(false);
        Wire wire(endpoint_);
        const auto deadline = Clock::now() + limits.header_deadline;
        bhttp::response_parser<bhttp::buffer_body> head;
        head.header_limit(kMaxHeaderBytes);
        head.body_limit(boost::none);
        head.skip(request.method == "HEAD");
        ErrorCode error = wire.connect(deadline, limits.stop);
        if (!error) error = wire.write(*built, deadline, limits.stop);
        if (!error) error = wire.read_header(head, deadline, limits.stop);
        if (error) return fail(explain(error, request, limits.stop));
        if (head.get().result_int() >= 300) return error_body(wire, head, request, limits);
        if (ErrorCode broken = pump(wire, head, on_chunk, limits)) {
            return fail(explain(broken, request, limits.stop));
        }
        return head_only(head);
    }

 private:
    static std::string name(const Request& request) { return request.method + " " + request.target; }

    std::optional<Response> exchange(bhttp::request<bhttp::string_body>& built, const RequestLimits& limits,
                                     Clock::time_point deadline, bool& answered, ErrorCode& error) {
        error = {};
        if (!wire_) {
            wire_ = std::make_unique<Wire>(endpoint_);
            error = wire_->connect(deadline, limits.stop);
        }
        Parser parser;
        parser.header_limit(kMaxHeaderBytes);
        parser.body_limit(limits.max_body_bytes);
        parser.skip(built.method_string() == "HEAD");
        if (!error) error = wire_->write(built, deadline, limits.stop);
        if (!error) error = wire_->read_header(parser, deadline, limits.stop);
        answered = parser.got_some();
        if (!error && !parser.is_done()) error = wire_->read_body(parser, deadline, limits.stop);
        if (error || !parser.keep_alive()) wire_.reset();
        if (error) return std::nullopt;
        return convert(parser);
    }

    template <class AnyParser>
    static Response head_only(AnyParser& parser) {
        Response response;
        response.status = static_cast<int>(parser.get().result_int());
        for (const auto& field : parser.get()) {
            response.headers.push_back({std::string(field.name_string()), std::string(field.value())});
        }
        return response;
    }

    // Reads until the handler has had enough or the body ends.
    static ErrorCode pump(Wire& wire, bhttp::response_parser<bhttp::buffer_body>& parser,
                          const ChunkHandler& on_chunk, const StreamLimits& limits) {
        std::string chunk(kChunkBytes, '\0');
        while (!parser.is_done()) {
            auto& body = parser.get().body();
            body.data = chunk.data();
            body.size = chunk.size();
            std::optional<Clock::time_point> deadline = limits.until;
            if (limits.idle_deadline) {
                const auto idle = Clock::now() + *limits.idle_deadline;
                deadline = deadline ? std::min(*deadline, idle) : idle;
            }
            ErrorCode error = wire.read_some(parser, deadline, limits.stop);
            if (error == bhttp::error::need_buffer) error = {};
            const std::string_view bytes(chunk.data(), chunk.size() - body.size);
            if (!bytes.empty() && !on_chunk(bytes)) return {};
            if (error) return error;
        }
        return {};
    }

    Result<Response> error_body(Wire& wire, bhttp::response_parser<bhttp::buffer_body>& parser,
                                const Request& request, StreamLimits limits) {
        Response response = head_only(parser);
        if (!limits.idle_deadline) limits.idle_deadline = limits.header_deadline;
        const ErrorCode error = pump(
            wire, parser,
            [&](std::string_view bytes) {
                response.body.append(bytes);
                return response.body.size() < limits.max_error_body_bytes;
            },
            limits);
        if (error) return fail(explain(error, request, limits.stop));
        return response;
    }

    Error explain(const ErrorCode& error, const Request& request, const std::stop_token& stop) const {
        const std::string context = name(request) + " on " + endpoint_.text() + ": ";
        if (stop.stop_requested()) return {ErrorKind::Cancelled, context + "cancelled"};
        if (error == beast::error::timeout) return {ErrorKind::Timeout, context + "no answer in time"};
        if (error == bhttp::error::body_limit || error == bhttp::error::header_limit) {
            return {ErrorKind::Corrupt, context + "the answer is larger than allowed"};
        }
        const ErrorCode any_http = bhttp::make_error_code(bhttp::error::bad_version);
        const bool ended = error == bhttp::error::end_of_stream || error == bhttp::error::partial_message;
        if (error.category() == any_http.category() && !ended) {
            return {ErrorKind::Corrupt, context + "not an HTTP answer (" + error.message() + ")"};
        }
        if (error == asio::error::access_denied)
            return {ErrorKind::PermissionDenied, context + error.message()};
        return {ErrorKind::Unavailable, context + error.message()};
    }

    const Endpoint endpoint_;
    std::timed_mutex mutex_;
    std::unique_ptr<Wire> wire_;
};

}  // namespace

std::unique_ptr<HttpClient> make_http_client(Endpoint endpoint) {
    return std::make_unique<LocalHttpClient>(std::move(endpoint));
}

}  // namespace harmony::runtime::http
