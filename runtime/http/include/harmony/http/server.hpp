// A small HTTP server for a daemon's own pages: /healthz, /readyz, /metrics.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "harmony/http/client.hpp"
#include "harmony/result.hpp"

namespace harmony::runtime::http {

struct ServerOptions {
    std::string address = "127.0.0.1";
    std::uint16_t port = 0;                          // 0: the kernel chooses; start() tells
    std::size_t max_connections = 32;                // further ones are closed at once
    std::chrono::milliseconds read_timeout{5'000};   // for a whole request, and for an idle connection
    std::chrono::milliseconds write_timeout{5'000};  // for a whole answer
    std::size_t max_request_bytes = 16 * 1024;       // header and body together
};

// Runs on the server's one thread: must be quick and must not throw. `request.target` has no query.
using RequestHandler = std::function<Response(const Request& request)>;

class HttpServer {
 public:
    virtual ~HttpServer() = default;  // stops
    // Before start(). GET also answers HEAD. An unknown path is 404, another method 405.
    virtual void route(std::string method, std::string path, RequestHandler handler) = 0;
    // Binds, starts the thread, returns the port. Conflict: the address is in use.
    [[nodiscard]] virtual Result<std::uint16_t> start() = 0;
    virtual void stop() = 0;  // closes every connection; idempotent
};

[[nodiscard]] std::unique_ptr<HttpServer> make_http_server(ServerOptions options = {});

}  // namespace harmony::runtime::http
