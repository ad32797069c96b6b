// A blocking HTTP/1.1 client for services on this machine: a unix socket or a loopback TCP port, no TLS.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "harmony/result.hpp"

namespace harmony::runtime::http {

struct Header {
    std::string name;  // compares without regard to case
    std::string value;
};

struct Request {
    std::string method = "GET";
    std::string target = "/";  // path and query, already percent-encoded (see percent_encode)
    std::string body = {};
    std::vector<Header> headers = {};  // Host, Content-Length and Connection are set by the client
};

struct Response {
    int status = 0;
    std::vector<Header> headers = {};
    std::string body = {};

    [[nodiscard]] std::optional<std::string_view> header(std::string_view name) const;
};

struct Endpoint {
    std::string unix_socket_path;  // empty: TCP
    std::string host;              // an IP address; names are not looked up
    std::uint16_t port = 0;

    static Endpoint unix_socket(std::string path) { return {std::move(path), {}, 0}; }
    static Endpoint tcp(std::string host, std::uint16_t port) { return {{}, std::move(host), port}; }
    [[nodiscard]] std::string text() const;
};

struct RequestLimits {
    std::chrono::milliseconds deadline{10'000};     // from the call to the last byte
    std::size_t max_body_bytes = 16 * 1024 * 1024;  // a larger answer is an error (Corrupt), never truncated
    std::stop_token stop = {};
};

struct StreamLimits {
    std::chrono::milliseconds header_deadline{10'000};
    std::optional<std::chrono::milliseconds> idle_deadline = {};  // between two chunks; unset: no limit
    // When the body must have ended, whatever comes in between; unset: no limit.
    std::optional<std::chrono::steady_clock::time_point> until = {};
    std::size_t max_error_body_bytes = 64 * 1024;
    std::stop_token stop = {};
};

// Returns false to end the stream. Runs on the calling thread; the bytes are valid during the call.
using ChunkHandler = std::function<bool(std::string_view bytes)>;

// Errors: Unavailable (nothing listens, or it went away), Timeout, Cancelled (stop requested), Corrupt (not
// HTTP, or larger than allowed), InvalidInput (a header or target with control characters). A status of
// 400 and above is not an error here: the caller knows what it means.
// Thread-safe: requests take turns on one connection that is kept open; each stream has its own.
class HttpClient {
 public:
    virtual ~HttpClient() = default;
    // A request is repeated once, and only if it is idempotent (GET, HEAD, PUT, DELETE) and the kept
    // connection turned out to be closed before any byte of an answer.
    [[nodiscard]] virtual Result<Response> request(const Request& request, const RequestLimits& limits) = 0;
    // A status below 300: hands the body over as it arrives and returns with an empty body at its end. Any
    // other status: like request(), with the body.
    [[nodiscard]] virtual Result<Response> stream(const Request& request, const ChunkHandler& on_chunk,
                                                  const StreamLimits& limits) = 0;
};

[[nodiscard]] std::unique_ptr<HttpClient> make_http_client(Endpoint endpoint);

// For one path segment or query value: everything but unreserved characters becomes %XX.
[[nodiscard]] std::string percent_encode(std::string_view text);

}  // namespace harmony::runtime::http
