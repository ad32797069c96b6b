// Requests, streams and WebSockets to one server over TLS, all on one I/O thread with one connection pool.
// Beast, Asio and OpenSSL stay behind it, in this folder.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>

#include "harmony/kubernetes/access.hpp"
#include "harmony/kubernetes/failure.hpp"

namespace harmony::runtime::kubernetes {

using WireClock = std::chrono::steady_clock;

struct WireRequest {
    std::string method = "GET";
    std::string target;
    std::string authorization = {};  // a secret; empty: none
    std::string content_type = {};
    std::string body = {};
    bool repeatable = true;  // may go twice, where a kept connection turned out to be closed
};

struct WireReply {
    int status = 0;
    std::string retry_after;
    std::string body;
};

enum class WireFault { Unreachable, Untrusted, Lost, Timeout, Cancelled, TooLarge, NotHttp };

struct WireError {
    WireFault fault;
    std::string text;
    bool sent = false;                      // the server may have acted on it
    std::optional<WireReply> refusal = {};  // the answer to a WebSocket that was not opened
};

template <class T>
using Wired = tl::expected<T, WireError>;

struct WireLimits {
    WireClock::time_point deadline;                 // of everything, a stream's end included
    std::size_t max_body_bytes = 64 * 1024 * 1024;  // of a body that is gathered
    // Of connecting. Without it a watch, which may last for minutes, would wait as long for an address that
    // swallows what is sent to it.
    std::chrono::milliseconds connect_within{10'000};
};

// Run on the I/O thread, and must not block.
struct WireHandlers {
    // With it, the body of a success is handed over as it arrives; false ends the stream. Without it, and for
    // any other status, the body is gathered in the reply.
    std::function<bool(std::string_view bytes)> on_bytes = {};
    std::function<void(Wired<WireReply> reply)> on_end;  // exactly once
};

// cancel() is thread-safe; on_end then tells Cancelled, unless it already was on its way.
class Cancellable {
 public:
    virtual ~Cancellable() = default;
    virtual void cancel() = 0;
};
using Operation = std::shared_ptr<Cancellable>;

// One thread at a time.
class WireSocket {
 public:
    virtual ~WireSocket() = default;
    [[nodiscard]] virtual Wired<void> send(std::string message, WireClock::time_point deadline) = 0;
    // Nothing: closed by the server.
    [[nodiscard]] virtual Wired<std::optional<std::string>> receive(WireClock::time_point deadline) = 0;
};

// Thread-safe. When it is destroyed, nothing more is called, also no on_end that is still owed.
class Transport {
 public:
    virtual ~Transport() = default;
    virtual Operation start(WireRequest request, const WireLimits& limits, WireHandlers handlers) = 0;
    // `then` runs on the I/O thread, unless cancelled before.
    virtual Operation after(std::chrono::milliseconds delay, std::function<void()> then) = 0;
    virtual void post(std::function<void()> work) = 0;
    // On a second thread, one after the other: for credential plugins on behalf of watches.
    virtual void run_blocking(std::function<void()> work) = 0;
    [[nodiscard]] virtual bool on_io_thread() const = 0;
    [[nodiscard]] virtual Wired<std::unique_ptr<WireSocket>> open_socket(WireRequest request,
                                                                         std::string_view protocol,
                                                                         WireClock::time_point deadline) = 0;
    // For connections made from now on. Configuration: not PEM, or they don't fit each other.
    [[nodiscard]] virtual Answer<void> use_client_certificate(const std::string& certificate_pem,
                                                              const std::string& key_pem) = 0;
};

// Configuration: certificates or keys that are none.
[[nodiscard]] Answer<std::unique_ptr<Transport>> make_transport(const ClusterAccess& access);

}  // namespace harmony::runtime::kubernetes
