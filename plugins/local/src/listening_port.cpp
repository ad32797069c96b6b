#include "listening_port.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstdlib>
#include <random>
#include <sstream>

#include "descriptor.hpp"
#include "durable_file.hpp"
#include "process_identity.hpp"

namespace harmony::local {
namespace {

// Ports below are often given to services by hand; above, 32768 is where the kernel's default range for
// outgoing connections begins.
constexpr int kFirstChosenPort = 20000;
constexpr int kLastChosenPort = 32767;
constexpr int kAttempts = 200;

bool in_the_way(const std::string& address) {
    // As /proc/net writes them: 127.0.0.1 and 0.0.0.0; ::, ::ffff:127.0.0.1 and ::ffff:0.0.0.0.
    return address == "0100007F" || address == "00000000" || address == "00000000000000000000000000000000" ||
           address == "0000000000000000FFFF00000100007F" || address == "0000000000000000FFFF000000000000";
}

struct Listener {
    unsigned user = 0;
    std::string inode;
};

std::optional<Listener> find_listener(const char* table, int port) {
    const auto content = read_file(table, 64u << 20);
    if (!content || !*content) return std::nullopt;
    std::istringstream lines(**content);
    std::string line;
    std::getline(lines, line);
    while (std::getline(lines, line)) {
        std::istringstream fields(line);
        std::string slot, local, remote, state, queues, timer, retransmits, timeout;
        Listener listener;
        fields >> slot >> local >> remote >> state >> queues >> timer >> retransmits >> listener.user >>
            timeout >> listener.inode;
        constexpr std::string_view kListening = "0A";
        const auto colon = local.find(':');
        if (!fields || state != kListening || colon == std::string::npos) continue;
        if (std::strtol(local.c_str() + colon + 1, nullptr, 16) != port) continue;
        if (in_the_way(local.substr(0, colon))) return listener;
    }
    return std::nullopt;
}

bool can_listen(int port) {
    const Descriptor fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const int on = 1;
    ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return fd && ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

}  // namespace

std::optional<PortHolder> port_holder(int port) {
    auto listener = find_listener("/proc/net/tcp", port);
    if (!listener) listener = find_listener("/proc/net/tcp6", port);
    if (!listener) return std::nullopt;
    PortHolder holder;
    holder.user = listener->user;
    if (const auto pid = process_with_descriptor("socket:[" + listener->inode + "]")) {
        holder.pid = *pid;
        holder.program = program_name(*pid);
    }
    return holder;
}

std::string describe(const PortHolder& holder) {
    if (holder.pid == 0)
        return "a process that this user may not see (user id " + std::to_string(holder.user) + ")";
    return "process " + std::to_string(holder.pid) + " (" + holder.program + ")";
}

Outcome<int> choose_free_port(const std::function<bool(int)>& taken) {
    std::random_device seed;
    std::uniform_int_distribution<int> any(kFirstChosenPort, kLastChosenPort);
    for (int attempt = 0; attempt < kAttempts; ++attempt) {
        const int port = any(seed);
        if (!taken(port) && can_listen(port) && !port_holder(port)) return port;
    }
    return problem("process-host.no-free-port", "found no free port between " +
                                                    std::to_string(kFirstChosenPort) + " and " +
                                                    std::to_string(kLastChosenPort));
}

}  // namespace harmony::local
