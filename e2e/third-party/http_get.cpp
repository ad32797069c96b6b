#include "http_get.hpp"

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>

namespace acme {

using harmony::plugin::Call;
using harmony::plugin::failure;
using harmony::plugin::Result;

namespace {

constexpr std::size_t kMaxBytes = 64 * 1024;
constexpr std::chrono::seconds kPatience{5};
constexpr int kPollMs = 50;

class Socket {
 public:
    Socket() : descriptor_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {}
    Socket(const Socket&) = delete;
    Socket& operator=(const Socket&) = delete;
    ~Socket() {
        if (descriptor_ >= 0) close(descriptor_);
    }
    [[nodiscard]] int get() const { return descriptor_; }

 private:
    int descriptor_;
};

bool connect_loopback(const Socket& socket, int port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
}

// True when there is something to read.
bool wait_readable(Call& call, const Socket& socket, Call::Clock::time_point deadline) {
    while (!call.cancelled() && Call::Clock::now() < deadline) {
        pollfd waiting{socket.get(), POLLIN, 0};
        if (poll(&waiting, 1, kPollMs) > 0) return true;
    }
    return false;
}

}  // namespace

Result<std::string> http_get(Call& call, int port, const std::string& path) {
    const std::string where = "http://127.0.0.1:" + std::to_string(port) + path;
    const Socket socket;
    if (!connect_loopback(socket, port)) return failure("site.unreachable", where + " refuses connections");
    const std::string request = "GET " + path + " HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n";
    if (send(socket.get(), request.data(), request.size(), MSG_NOSIGNAL) !=
        static_cast<ssize_t>(request.size())) {
        return failure("site.unreachable", where + " took no request");
    }
    const auto deadline = Call::Clock::now() + kPatience;
    std::string reply;
    for (char buffer[4096]; reply.size() < kMaxBytes;) {
        if (!wait_readable(call, socket, deadline))
            return failure("site.silent", where + " did not answer in time");
        const ssize_t count = recv(socket.get(), buffer, sizeof(buffer), 0);
        if (count < 0) return failure("site.unreachable", where + " broke off");
        if (count == 0) break;
        reply.append(buffer, static_cast<std::size_t>(count));
    }
    const std::size_t body = reply.find("\r\n\r\n");
    const std::string status = reply.substr(0, reply.find("\r\n"));
    if (body == std::string::npos || status.find(" 200 ") == std::string::npos) {
        return failure("site.bad-answer", where + " answered \"" + status + "\", expected 200");
    }
    return reply.substr(body + 4);
}

}  // namespace acme
