#include "readiness_probe.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/un.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace harmony::local {
namespace {

constexpr std::chrono::seconds kLongestAttempt{2};

}  // namespace

ReadinessProbe::ReadinessProbe(const Readiness& readiness, const std::map<std::string, int>& ports,
                               const std::string& socket_path, TimePoint now)
    : http_(readiness.kind == "http"), deadline_(now + kLongestAttempt) {
    if (readiness.kind == "unix") {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        if (socket_path.size() >= sizeof address.sun_path) {
            stage_ = Stage::Failed;
            return;
        }
        std::memcpy(address.sun_path, socket_path.data(), socket_path.size());
        connect_to(reinterpret_cast<const sockaddr*>(&address), sizeof address, AF_UNIX);
        return;
    }
    const auto port = ports.find(readiness.port);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(static_cast<std::uint16_t>(port == ports.end() ? 0 : port->second));
    if (http_) {
        const std::string target = readiness.path.empty() ? "/" : readiness.path;
        request_ = "GET " + target + " HTTP/1.0\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n";
    }
    connect_to(reinterpret_cast<const sockaddr*>(&address), sizeof address, AF_INET);
}

void ReadinessProbe::connect_to(const sockaddr* address, socklen_t length, int family) {
    fd_ = Descriptor(::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!fd_ || (::connect(fd_.get(), address, length) != 0 && errno != EINPROGRESS)) stage_ = Stage::Failed;
}

short ReadinessProbe::events() const {
    return stage_ == Stage::Receiving ? POLLIN : POLLOUT;
}

ReadinessProbe::Outcome ReadinessProbe::advance(TimePoint now) {
    if (stage_ == Stage::Failed) return Outcome::NotReady;
    pollfd ready{fd_.get(), events(), 0};
    if (::poll(&ready, 1, 0) <= 0) return now < deadline_ ? Outcome::Pending : Outcome::NotReady;
    if (stage_ == Stage::Connecting) {
        int error = 0;
        socklen_t length = sizeof error;
        if (::getsockopt(fd_.get(), SOL_SOCKET, SO_ERROR, &error, &length) != 0 || error != 0) {
            return Outcome::NotReady;
        }
        if (!http_) return Outcome::Ready;
        stage_ = Stage::Sending;
    }
    return stage_ == Stage::Sending ? send_request() : receive_answer();
}

ReadinessProbe::Outcome ReadinessProbe::send_request() {
    const ssize_t count = ::send(fd_.get(), request_.data(), request_.size(), MSG_NOSIGNAL);
    if (count < 0) return errno == EAGAIN ? Outcome::Pending : Outcome::NotReady;
    request_.erase(0, static_cast<std::size_t>(count));
    if (request_.empty()) stage_ = Stage::Receiving;
    return Outcome::Pending;
}

ReadinessProbe::Outcome ReadinessProbe::receive_answer() {
    // The status line is enough: "HTTP/1.1 200".
    constexpr std::size_t kStatusEnd = 12;
    std::array<char, 256> buffer{};
    const ssize_t count = ::recv(fd_.get(), buffer.data(), buffer.size(), 0);
    if (count < 0) return errno == EAGAIN ? Outcome::Pending : Outcome::NotReady;
    if (count == 0) return Outcome::NotReady;
    answer_.append(buffer.data(), static_cast<std::size_t>(count));
    if (answer_.size() < kStatusEnd) return Outcome::Pending;
    return answer_.compare(0, 5, "HTTP/") == 0 && answer_[9] == '2' ? Outcome::Ready : Outcome::NotReady;
}

}  // namespace harmony::local
