// A listening socket on a free loopback port. Until somebody accepts, the kernel takes connections that
// nobody reads.
#pragma once

#include <cstdint>

namespace harmony::runtime::kubernetes::testing {

class LoopbackListener {
 public:
    LoopbackListener();
    ~LoopbackListener();
    LoopbackListener(const LoopbackListener&) = delete;
    LoopbackListener& operator=(const LoopbackListener&) = delete;

    [[nodiscard]] int socket() const { return socket_; }
    [[nodiscard]] std::uint16_t port() const { return port_; }

 private:
    const int socket_;
    std::uint16_t port_ = 0;
};

}  // namespace harmony::runtime::kubernetes::testing
