#include "harmony/http/server.hpp"

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <map>
#include <set>
#include <thread>

namespace harmony::runtime::http {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace bhttp = boost::beast::http;
using ErrorCode = boost::system::error_code;

constexpr std::chrono::milliseconds kAcceptPause{100};

using Routes = std::map<std::string, std::map<std::string, RequestHandler>>;  // path, method

Response plain(int status, std::string text) {
    return {.status = status,
            .headers = {{"Content-Type", "text/plain; charset=utf-8"}},
            .body = std::move(text)};
}

class Session;

// What the sessions share; touched by the server's thread only.
struct Shared {
    ServerOptions options;
    Routes routes;
    std::set<std::shared_ptr<Session>> sessions;
};

class Session : public std::enable_shared_from_this<Session> {
 public:
    Session(asio::ip::tcp::socket socket, Shared& shared) : stream_(std::move(socket)), shared_(shared) {}

    void read() {
        parser_.emplace();
        parser_->header_limit(static_cast<std::uint32_t>(shared_.options.max_request_bytes));
        parser_->body_limit(shared_.options.max_request_bytes);
        stream_.expires_after(shared_.options.read_timeout);
        bhttp::async_read(
            stream_, buffer_, *parser_,
            [self = shared_from_this()](ErrorCode error, std::size_t) { self->on_read(error); });
    }

    void close() {
        ErrorCode ignored;
        stream_.socket().shutdown(asio::ip::tcp::socket::shutdown_both, ignored);
        stream_.close();
        shared_.sessions.erase(shared_from_this());
    }

 private:
    void on_read(const ErrorCode& error) {
        if (error == bhttp::error::body_limit || error == bhttp::error::header_limit) {
            answer(plain(413, "request too large\n"), false);
        } else if (error == bhttp::error::end_of_stream || error == bhttp::error::partial_message ||
                   error.category() != bhttp::make_error_code(bhttp::error::bad_version).category()) {
            if (error) return close();
            const bool keep = parser_->get().keep_alive();
            answer(dispatch(), keep);
        } else {
            answer(plain(400, "not a request\n"), false);
        }
    }

    Response dispatch() {
        const auto& message = parser_->get();
        Request request;
        request.method = std::string(message.method_string());
        request.target = std::string(message.target());
        request.target = request.target.substr(0, request.target.find('?'));
        request.body = message.body();
        for (const auto& field : message) {
            request.headers.push_back({std::string(field.name_string()), std::string(field.value())});
        }
        const auto path = shared_.routes.find(request.target);
        if (path == shared_.routes.end()) return plain(404, "no such page\n");
        auto handler = path->second.find(request.method);
        if (handler == path->second.end() && request.method == "HEAD") handler = path->second.find("GET");
        if (handler == path->second.end()) return plain(405, "no such method here\n");
        return handler->second(request);
    }

    void answer(Response response, bool keep) {
        const bool head = parser_->get().method() == bhttp::verb::head;
        reply_ = {};
        reply_.result(static_cast<unsigned>(response.status));
        reply_.version(11);
        for (const Header& header : response.headers)
            reply_.insert(header.name, header.value);
        reply_.body() = std::move(response.body);
        reply_.keep_alive(keep);
        reply_.prepare_payload();
        if (head) reply_.body().clear();  // its length stays announced
        stream_.expires_after(shared_.options.write_timeout);
        bhttp::async_write(stream_, reply_, [self = shared_from_this(), keep](ErrorCode error, std::size_t) {
            if (error || !keep) return self->close();
            self->read();
        });
    }

    beast::tcp_stream stream_;
    Shared& shared_;
    beast::flat_buffer buffer_;
    std::optional<bhttp::request_parser<bhttp::string_body>> parser_;
    bhttp::response<bhttp::string_body> reply_;
};

class LoopbackServer final : public HttpServer {
 public:
    explicit LoopbackServer(ServerOptions options) { shared_.options = std::move(options); }
    ~LoopbackServer() override { LoopbackServer::stop(); }

    void route(std::string method, std::string path, RequestHandler handler) override {
        shared_.routes[std::move(path)][std::move(method)] = std::move(handler);
    }

    Result<std::uint16_t> start() override {
        ErrorCode error;
        const ServerOptions& options = shared_.options;
        const auto address = asio::ip::make_address(options.address, error);
        if (error)
            return fail(ErrorKind::InvalidInput,
                        "listen address " + options.address + ": " + error.message());
        const asio::ip::tcp::endpoint endpoint(address, options.port);
        acceptor_.open(endpoint.protocol(), error);
        if (!error) acceptor_.set_option(asio::ip::tcp::acceptor::reuse_address(true), error);
        if (!error) acceptor_.bind(endpoint, error);
        if (!error) acceptor_.listen(asio::socket_base::max_listen_connections, error);
        if (error) {
            const auto kind = error == asio::error::address_in_use ? ErrorKind::Conflict : ErrorKind::Io;
            return fail(kind, "listen on " + options.address + ":" + std::to_string(options.port) + ": " +
                                  error.message());
        }
        const std::uint16_t port = acceptor_.local_endpoint().port();
        accept();
        thread_ = std::thread([this] { context_.run(); });
        return port;
    }

    void stop() override {
        if (!thread_.joinable()) return;
        asio::post(context_, [this] {
            ErrorCode ignored;
            acceptor_.close(ignored);
            pause_.cancel();
            for (const auto& session : std::set(shared_.sessions))
                session->close();
        });
        thread_.join();
    }

 private:
    void accept() {
        acceptor_.async_accept([this](const ErrorCode& error, asio::ip::tcp::socket socket) {
            if (!acceptor_.is_open()) return;
            if (!error && shared_.sessions.size() < shared_.options.max_connections) {
                const auto session = std::make_shared<Session>(std::move(socket), shared_);
                shared_.sessions.insert(session);
                session->read();
            }
            if (!error) return accept();
            // Out of descriptors, most likely: trying again at once would only burn the processor.
            pause_.expires_after(kAcceptPause);
            pause_.async_wait([this](const ErrorCode& cancelled) {
                if (!cancelled) accept();
            });
        });
    }

    asio::io_context context_{1};
    Shared shared_;
    asio::ip::tcp::acceptor acceptor_{context_};
    asio::steady_timer pause_{context_};
    std::thread thread_;
};

}  // namespace

std::unique_ptr<HttpServer> make_http_server(ServerOptions options) {
    return std::make_unique<LoopbackServer>(std::move(options));
}

}  // namespace harmony::runtime::http
