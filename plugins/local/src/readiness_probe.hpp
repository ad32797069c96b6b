// One attempt to find out whether a daemon answers. Never blocks: the caller polls descriptor() and calls
// advance() when it is ready.
#pragma once

#include <sys/socket.h>

#include <map>
#include <optional>
#include <string>

#include "daemon_spec.hpp"
#include "descriptor.hpp"
#include "restart_policy.hpp"

namespace harmony::local {

class ReadinessProbe {
 public:
    enum class Outcome { Pending, Ready, NotReady };

    // Begins the attempt. socket_path is the expanded path for readiness of the kind unix.
    ReadinessProbe(const Readiness& readiness, const std::map<std::string, int>& ports,
                   const std::string& socket_path, TimePoint now);

    [[nodiscard]] int descriptor() const { return fd_.get(); }
    [[nodiscard]] short events() const;
    // An attempt that has no answer by then has failed.
    [[nodiscard]] TimePoint deadline() const { return deadline_; }
    [[nodiscard]] Outcome advance(TimePoint now);

 private:
    enum class Stage { Connecting, Sending, Receiving, Failed };

    void connect_to(const sockaddr* address, socklen_t length, int family);
    Outcome send_request();
    Outcome receive_answer();

    Stage stage_ = Stage::Connecting;
    bool http_ = false;
    std::string request_;
    std::string answer_;
    TimePoint deadline_;
    Descriptor fd_;
};

}  // namespace harmony::local
