#include "supervisor.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <functional>
#include <nlohmann/json.hpp>

#include "control_protocol.hpp"
#include "log_file.hpp"

namespace harmony::local {
namespace {

// A run that has prepared the topology connects again for its first daemon within this time; later it would
// only have to start a supervisor once more.
constexpr std::chrono::seconds kIdleTime{2};
constexpr std::chrono::seconds kRotationInterval{10};
constexpr std::size_t kMostClients = 64;

}  // namespace

Supervisor::Supervisor(const ContextFolders& context, Descriptor listener)
    : context_(context), listener_(std::move(listener)) {
    idle_since_ = std::chrono::steady_clock::now();
    next_rotation_ = idle_since_ + kRotationInterval;
}

Supervisor::~Supervisor() = default;

Outcome<Descriptor> Supervisor::listen(const ContextFolders& context) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string path = context.control_socket().string();
    if (path.size() >= sizeof address.sun_path) {
        return problem("local.socket-path-too-long",
                       "the socket's path " + path + " is longer than 107 bytes",
                       "set XDG_RUNTIME_DIR to a shorter path");
    }
    std::memcpy(address.sun_path, path.data(), path.size());
    ::unlink(path.c_str());
    Descriptor fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!fd || ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
        ::chmod(path.c_str(), 0600) != 0 || ::listen(fd.get(), 16) != 0) {
        return system_problem("listen on " + path, errno);
    }
    return fd;
}

Outcome<void> Supervisor::run() {
    sigset_t handled;
    ::sigemptyset(&handled);
    for (const int number : {SIGTERM, SIGINT, SIGCHLD})
        ::sigaddset(&handled, number);
    ::sigprocmask(SIG_BLOCK, &handled, nullptr);
    ::signal(SIGPIPE, SIG_IGN);
    ::signal(SIGHUP, SIG_IGN);
    signals_ = Descriptor(::signalfd(-1, &handled, SFD_NONBLOCK | SFD_CLOEXEC));
    if (!signals_) return system_problem("watch signals", errno);
    log("started");
    take_over_all();
    while (!told_to_end_ && !is_finished())
        poll_once();
    if (context_.daemon_names().empty()) {
        context_.remove_leftovers();
    } else {
        ::unlink(context_.control_socket().c_str());
    }
    log("ended");
    return {};
}

void Supervisor::take_over_all() {
    for (const auto& name : context_.daemon_names()) {
        auto record = load_record(context_.daemon(name));
        if (!record) {
            log(name + ": " + record.error().summary);
            continue;
        }
        if (!*record) log(name + ": its spec.json is damaged; only watched until it is applied again");
        add_daemon(name).take_over(std::move(*record));
    }
}

bool Supervisor::is_busy() const {
    return !clients_.empty() || std::any_of(daemons_.begin(), daemons_.end(),
                                            [](const auto& entry) { return !entry.second->is_stopped(); });
}

bool Supervisor::is_finished() const {
    return !is_busy() && std::chrono::steady_clock::now() - idle_since_ >= kIdleTime;
}

int Supervisor::poll_timeout() const {
    TimePoint next = next_rotation_;
    const auto consider = [&](std::optional<TimePoint> wake) {
        if (wake && *wake < next) next = *wake;
    };
    for (const auto& [name, daemon] : daemons_)
        consider(daemon->next_wake());
    for (const auto& waiter : waiters_)
        consider(waiter.deadline);
    if (!is_busy()) consider(idle_since_ + kIdleTime);
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(next - std::chrono::steady_clock::now());
    return static_cast<int>(std::max<long long>(0, left.count()));
}

void Supervisor::poll_once() {
    const bool was_busy = is_busy();

    std::vector<pollfd> polled;
    std::vector<std::function<void()>> reactions;
    const auto watch = [&](int fd, short events, std::function<void()> reaction) {
        polled.push_back({fd, events, 0});
        reactions.push_back(std::move(reaction));
    };
    watch(listener_.get(), POLLIN, [this] { accept_client(); });
    watch(signals_.get(), POLLIN, [this] {
        signalfd_siginfo info{};
        while (::read(signals_.get(), &info, sizeof info) == sizeof info) {
            if (info.ssi_signo != SIGCHLD) told_to_end_ = true;
        }
    });
    for (const auto& client : clients_) {
        // Nothing is read while an answer is due, except that the client has gone away.
        const short events = !client->output.empty() ? POLLOUT : client->waiting ? POLLRDHUP : POLLIN;
        watch(client->fd.get(), events, [this, client] {
            if (!client->output.empty()) return on_client_writable(*client);
            on_client_readable(client);
        });
    }
    for (const auto& [name, daemon] : daemons_) {
        // A daemon may be removed by an earlier reaction of the same round.
        const auto react = [this, key = name](void (ManagedDaemon::*what)()) {
            const auto found = daemons_.find(key);
            if (found != daemons_.end()) (found->second.get()->*what)();
        };
        if (daemon->process_descriptor() >= 0) {
            watch(daemon->process_descriptor(), POLLIN, [react] { react(&ManagedDaemon::on_process_end); });
        }
        if (const auto* probe = daemon->probe()) {
            watch(probe->descriptor(), probe->events(),
                  [react] { react(&ManagedDaemon::on_probe_activity); });
        }
    }
    const int ready = ::poll(polled.data(), polled.size(), poll_timeout());
    // After the wait, which may have been long: it was not an idle time.
    if (was_busy) idle_since_ = std::chrono::steady_clock::now();
    for (std::size_t i = 0; ready > 0 && i < polled.size(); ++i) {
        if (polled[i].revents != 0) reactions[i]();
    }
    on_timers();
    finish_stops();
    std::erase_if(clients_, [](const auto& client) { return client->gone; });
}

void Supervisor::on_timers() {
    const auto now = std::chrono::steady_clock::now();
    for (const auto& [name, daemon] : daemons_)
        daemon->on_timer();
    for (auto waiter = waiters_.begin(); waiter != waiters_.end();) {
        const auto daemon = daemons_.find(waiter->daemon);
        if (waiter->client.expired()) {
            // Nobody waits any more; a removal that was asked for still happens.
            waiter = waiter->goal == Goal::Removed ? std::next(waiter) : waiters_.erase(waiter);
        } else if (waiter->deadline && *waiter->deadline <= now && daemon != daemons_.end()) {
            answer(waiter->client, pass_on(not_ready(*waiter, *daemon->second, false)));
            waiter = waiters_.erase(waiter);
        } else {
            ++waiter;
        }
    }
    if (now < next_rotation_) return;
    next_rotation_ = now + kRotationInterval;
    for (const auto& [name, daemon] : daemons_)
        daemon->rotate();
    if (auto rotated = rotate_log(context_.supervisor_log()); !rotated) log(rotated.error().summary);
}

void Supervisor::accept_client() {
    Descriptor fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!fd) return;
    ucred peer{};
    socklen_t length = sizeof peer;
    const bool known = ::getsockopt(fd.get(), SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0;
    if (!known || (peer.uid != ::geteuid() && peer.uid != 0) || clients_.size() >= kMostClients) return;
    auto client = std::make_shared<Client>();
    client->fd = std::move(fd);
    clients_.push_back(std::move(client));
}

void Supervisor::on_client_readable(const std::shared_ptr<Client>& client) {
    std::array<char, 16384> buffer{};
    const ssize_t count = ::recv(client->fd.get(), buffer.data(), buffer.size(), 0);
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (count <= 0 || client->waiting) {
        client->gone = true;
        return;
    }
    client->input.append(buffer.data(), static_cast<std::size_t>(count));
    auto request = take_frame(client->input);
    if (!request) {
        log("a client was disconnected: " + request.error().summary);
        client->gone = true;
    } else if (*request) {
        client->waiting = true;
        handle_request(client, **request);
    }
}

void Supervisor::on_client_writable(Client& client) {
    const ssize_t count = ::send(client.fd.get(), client.output.data(), client.output.size(), MSG_NOSIGNAL);
    if (count < 0 && errno != EAGAIN && errno != EINTR) client.gone = true;
    if (count > 0) client.output.erase(0, static_cast<std::size_t>(count));
}

void Supervisor::answer(Client& client, const nlohmann::json& document) {
    client.waiting = false;
    client.output += encode_frame(document);
    on_client_writable(client);
}

void Supervisor::answer(const std::weak_ptr<Client>& client, const Outcome<nlohmann::json>& outcome) {
    const auto living = client.lock();
    if (!living) return;
    if (outcome) return answer(*living, {{"result", *outcome}});
    answer(*living, {{"problem", to_json(outcome.error())}});
}

void Supervisor::log(const std::string& message) const {
    std::fprintf(stderr, "%s %s\n", timestamp_now().c_str(), message.c_str());
}

}  // namespace harmony::local
