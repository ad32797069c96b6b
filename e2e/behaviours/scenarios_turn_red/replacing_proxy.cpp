// Stands between a program under test and what it speaks to, and replaces bytes on the way: a precise
// sabotage.
//
//   harmony-replacing-proxy FILE TARGET [> FROM TO | < FROM TO]...
//
// TARGET is a socket's path or a port of 127.0.0.1. With a path it listens on the socket FILE; with a port it
// chooses one of its own and writes its number into FILE. `>` is on the way to the target, `<` on the way
// back. Where FROM and TO are equally long, lengths that the protocol has told stay right. Ends with its
// parent.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace {

// A stream that stops in the middle of what could become a match is taken to pause there.
constexpr int kPatienceMilliseconds = 50;

struct Rule {
    std::string from;
    std::string to;
};

// Replaces in a stream that comes in pieces.
class Replacer {
 public:
    explicit Replacer(const std::vector<Rule>& rules) : rules_(rules) {}

    std::string take(std::string_view piece) {
        held_.append(piece);
        std::string out;
        std::size_t at = 0;
        while (at < held_.size()) {
            const std::string_view rest = std::string_view(held_).substr(at);
            const Rule* match = nullptr;
            bool may_match = false;
            for (const Rule& rule : rules_) {
                if (rest.substr(0, rule.from.size()) == rule.from) match = &rule;
                if (std::string_view(rule.from).substr(0, rest.size()) == rest) may_match = true;
            }
            if (match == nullptr && may_match) break;
            out += match ? match->to : std::string(1, rest[0]);
            at += match ? match->from.size() : 1;
        }
        held_.erase(0, at);
        return out;
    }
    bool holds() const { return !held_.empty(); }
    std::string flush() { return std::exchange(held_, {}); }

 private:
    const std::vector<Rule>& rules_;
    std::string held_;
};

bool send_all(int fd, std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t sent = send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) continue;
        if (sent <= 0) return false;
        bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
}

void carry(int from, int to, const std::vector<Rule>& rules) {
    Replacer replacer(rules);
    char buffer[64 * 1024];
    for (;;) {
        pollfd waited{from, POLLIN, 0};
        if (replacer.holds() && poll(&waited, 1, kPatienceMilliseconds) == 0) {
            if (!send_all(to, replacer.flush())) break;
            continue;
        }
        const ssize_t count = read(from, buffer, sizeof buffer);
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) break;
        if (!send_all(to, replacer.take({buffer, static_cast<std::size_t>(count)}))) break;
    }
    (void)send_all(to, replacer.flush());
    shutdown(to, SHUT_WR);
    shutdown(from, SHUT_RD);
}

int unix_socket(const std::string& path, bool listens) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) return -1;
    std::memcpy(address.sun_path, path.c_str(), path.size());
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const auto* generic = reinterpret_cast<const sockaddr*>(&address);
    if (listens) unlink(path.c_str());
    const int done = listens ? bind(fd, generic, sizeof address) : connect(fd, generic, sizeof address);
    return done == 0 ? fd : (close(fd), -1);
}

// Port 0 listens on one that is free.
int loopback_socket(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const auto* generic = reinterpret_cast<const sockaddr*>(&address);
    const int done = port == 0 ? bind(fd, generic, sizeof address) : connect(fd, generic, sizeof address);
    return done == 0 ? fd : (close(fd), -1);
}

struct Target {
    std::string path;  // or
    std::uint16_t port = 0;
    int connect() const { return path.empty() ? loopback_socket(port) : unix_socket(path, false); }
};

int listen_for(const Target& target, const std::string& file) {
    const int fd = target.path.empty() ? loopback_socket(0) : unix_socket(file, true);
    if (fd < 0 || listen(fd, 64) != 0) return -1;
    if (!target.path.empty()) return fd;
    sockaddr_in address{};
    socklen_t size = sizeof address;
    if (getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) return -1;
    // Whole or not at all, for whoever waits for it.
    std::ofstream(file + ".new") << ntohs(address.sin_port) << '\n';
    return std::rename((file + ".new").c_str(), file.c_str()) == 0 ? fd : -1;
}

void serve(int client, const Target& target, const std::vector<Rule>& there, const std::vector<Rule>& back) {
    const int server = target.connect();
    if (server >= 0) {
        std::thread answers([&] { carry(server, client, back); });
        carry(client, server, there);
        answers.join();
        close(server);
    }
    close(client);
}

}  // namespace

int main(int count, char** values) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    const std::vector<std::string> words(values + 1, values + count);
    if (words.size() < 2 || (words.size() - 2) % 3 != 0) {
        std::fprintf(stderr, "usage: %s FILE TARGET [> FROM TO | < FROM TO]...\n", values[0]);
        return 2;
    }
    std::vector<Rule> there;
    std::vector<Rule> back;
    for (std::size_t i = 2; i < words.size(); i += 3)
        (words[i] == ">" ? there : back).push_back({words[i + 1], words[i + 2]});
    Target target;
    if (words[1].front() == '/') {
        target.path = words[1];
    } else {
        target.port = static_cast<std::uint16_t>(std::atoi(words[1].c_str()));
    }
    const int listener = listen_for(target, words[0]);
    if (listener < 0) {
        std::perror(words[0].c_str());
        return 1;
    }
    for (;;) {
        const int client = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
        if (client < 0) continue;
        std::thread([client, &target, &there, &back] { serve(client, target, there, back); }).detach();
    }
}
