#include "harmony/simulator/broker_links.hpp"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include "harmony/contracts/kv.hpp"
#include "harmony/daemon/backoff.hpp"
#include "harmony/daemon/logging.hpp"
#include "harmony/simulator/write_buffer.hpp"

namespace harmony::simulator {

namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;
using namespace std::chrono_literals;

constexpr runtime::daemon::Logger kLog("links");
constexpr auto kConnectTimeout = 5s;
constexpr auto kSilence = 60s;  // a server pings every two minutes; ours go out each 20 s
constexpr auto kPingInterval = 20s;
constexpr std::size_t kReadBytes = 256 * 1024;
constexpr std::size_t kCongestedBytes = 4 * 1024 * 1024;  // waiting to be written on one link
constexpr std::size_t kEpollEvents = 64;

struct Address {
    sockaddr_storage storage{};
    socklen_t length = 0;
};

Result<Address> resolve(const std::string& url) {
    constexpr std::string_view scheme = "nats://";
    const auto colon = url.rfind(':');
    if (url.substr(0, scheme.size()) != scheme || colon == std::string::npos || colon < scheme.size()) {
        return fail(ErrorKind::InvalidInput, "found \"" + url + "\", expected nats://HOST:PORT");
    }
    if (url.find('@') != std::string::npos) {
        return fail(ErrorKind::InvalidInput, "found credentials in a URL, expected them in their file");
    }
    std::string host = url.substr(scheme.size(), colon - scheme.size());
    if (host.size() > 1 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    const int status = getaddrinfo(host.c_str(), url.c_str() + colon + 1, &hints, &found);
    if (status != 0 || found == nullptr) {
        return fail(ErrorKind::Unavailable, url + ": " + gai_strerror(status));
    }
    Address address;
    std::memcpy(&address.storage, found->ai_addr, found->ai_addrlen);
    address.length = found->ai_addrlen;
    freeaddrinfo(found);
    return address;
}

enum class Stage { Down, Connecting, Greeting, Up };

struct Link {
    int descriptor = -1;
    Stage stage = Stage::Down;
    WriteBuffer out;
    WireParser parser;
    runtime::daemon::Backoff backoff;
    Clock::time_point retry_at{};
    Clock::time_point heard_at{};
    Clock::time_point pinged_at{};
    bool wants_write = false;
};

class EpollLinks final : public BrokerLinks {
 public:
    EpollLinks(const SimulatorOptions& options, LinkEvents events)
        : options_(options),
          events_(std::move(events)),
          links_(options.connections),
          read_(kReadBytes, '\0') {}
    ~EpollLinks() override {
        for (Link& link : links_)
            drop(link);
        if (epoll_ >= 0) ::close(epoll_);
    }
    EpollLinks(const EpollLinks&) = delete;
    EpollLinks& operator=(const EpollLinks&) = delete;

    Result<void> start() {
        epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
        if (epoll_ < 0) return fail(ErrorKind::Io, std::string("epoll: ") + std::strerror(errno));
        starting_ = true;
        for (std::uint32_t number = 0; number < links_.size(); ++number) {
            if (auto opened = open(number); !opened) return opened;
        }
        const auto deadline = Clock::now() + kConnectTimeout;
        const auto all_up = [&] {
            return std::all_of(links_.begin(), links_.end(),
                               [](const Link& link) { return link.stage == Stage::Up; });
        };
        while (!all_up()) {
            poll(50ms);
            if (start_failure_) return fail(*start_failure_);
            if (Clock::now() > deadline) {
                return fail(ErrorKind::Unavailable, options_.urls.front() +
                                                        ": no NATS server greets within " +
                                                        std::to_string(kConnectTimeout.count()) + " s");
            }
        }
        starting_ = false;
        return {};
    }

    void poll(milliseconds timeout) override {
        flush_all();
        std::array<epoll_event, kEpollEvents> ready;
        const int count = ::epoll_wait(epoll_, ready.data(), static_cast<int>(ready.size()),
                                       static_cast<int>(timeout.count()));
        for (int i = 0; i < count; ++i) {
            const auto number = static_cast<std::uint32_t>(ready[static_cast<std::size_t>(i)].data.u64);
            serve(number, ready[static_cast<std::size_t>(i)].events);
        }
        look_after_all();
        flush_all();
    }

    bool congested() const override { return congested_; }

    void close(milliseconds patience) override {
        const auto deadline = Clock::now() + patience;
        const auto pending = [&] {
            return std::any_of(links_.begin(), links_.end(), [](const Link& link) {
                return link.stage == Stage::Up && link.out.size() > 0;
            });
        };
        closing_ = true;
        while (pending() && Clock::now() < deadline)
            poll(20ms);
        for (Link& link : links_)
            drop(link);
    }

    void subscribe(std::uint32_t link, const std::string& subject, std::uint64_t subscription) override {
        if (links_[link].stage == Stage::Up) append_subscribe(links_[link].out.tail(), subject, subscription);
    }
    void unsubscribe(std::uint32_t link, std::uint64_t subscription) override {
        if (links_[link].stage == Stage::Up) append_unsubscribe(links_[link].out.tail(), subscription);
    }
    void publish(std::uint32_t link, const std::string& subject, const std::string& reply,
                 std::string_view payload) override {
        if (links_[link].stage == Stage::Up) append_publish(links_[link].out.tail(), subject, reply, payload);
    }
    void delete_key(std::uint32_t link, const std::string& subject, const std::string& reply) override {
        if (links_[link].stage != Stage::Up) return;
        append_publish(links_[link].out.tail(), subject, reply, contracts::kKvOperationHeader,
                       contracts::kKvOperationDelete, "");
    }

 private:
    Result<void> open(std::uint32_t number) {
        Link& link = links_[number];
        const std::string& url = options_.urls[attempt_++ % options_.urls.size()];
        const auto address = resolve(url);
        if (!address) return fail(address.error());
        link.descriptor = ::socket(address->storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (link.descriptor < 0) return fail(ErrorKind::Io, std::string("socket: ") + std::strerror(errno));
        const int on = 1;
        ::setsockopt(link.descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        const auto* raw = reinterpret_cast<const sockaddr*>(&address->storage);
        if (::connect(link.descriptor, raw, address->length) != 0 && errno != EINPROGRESS) {
            const std::string reason = std::strerror(errno);
            drop(link);
            return fail(ErrorKind::Unavailable, url + ": " + reason);
        }
        link.stage = Stage::Connecting;
        link.heard_at = Clock::now();
        link.wants_write = true;
        epoll_event event{};
        event.events = EPOLLIN | EPOLLOUT;
        event.data.u64 = number;
        ::epoll_ctl(epoll_, EPOLL_CTL_ADD, link.descriptor, &event);
        return {};
    }

    static void drop(Link& link) {
        if (link.descriptor >= 0) ::close(link.descriptor);
        link.descriptor = -1;
        link.stage = Stage::Down;
        link.out.clear();
        link.parser.reset();
    }

    void lose(std::uint32_t number, const Error& reason) {
        Link& link = links_[number];
        const bool was_up = link.stage == Stage::Up;
        drop(link);
        link.retry_at = Clock::now() + link.backoff.next();
        if (starting_ && !start_failure_) start_failure_ = reason;
        if (was_up && !closing_) events_.on_down(number, reason.text());
    }

    void serve(std::uint32_t number, std::uint32_t ready) {
        Link& link = links_[number];
        if (link.descriptor < 0) return;
        if (link.stage == Stage::Connecting && (ready & (EPOLLOUT | EPOLLERR | EPOLLHUP)) != 0) {
            int error = 0;
            socklen_t length = sizeof error;
            ::getsockopt(link.descriptor, SOL_SOCKET, SO_ERROR, &error, &length);
            if (error != 0) {
                lose(number,
                     Error(ErrorKind::Unavailable, options_.urls.front() + ": " + std::strerror(error) +
                                                       ": is a NATS server running there?"));
                return;
            }
            link.stage = Stage::Greeting;
        }
        if ((ready & (EPOLLIN | EPOLLERR | EPOLLHUP)) != 0) read(number);
    }

    void read(std::uint32_t number) {
        Link& link = links_[number];
        const ssize_t size = ::recv(link.descriptor, read_.data(), read_.size(), 0);
        if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
        if (size <= 0) {
            lose(number, Error(ErrorKind::Unavailable,
                               size == 0 ? "the server closed the connection" : std::strerror(errno)));
            return;
        }
        link.heard_at = Clock::now();
        const auto fed = link.parser.feed(std::string_view(read_.data(), static_cast<std::size_t>(size)),
                                          handlers(number));
        if (!fed) lose(number, fed.error());
        if (const auto refused = std::exchange(refusal_, std::nullopt)) lose(number, *refused);
    }

    WireHandlers handlers(std::uint32_t number) {
        WireHandlers handlers;
        handlers.on_info = [this, number](std::string_view info) { greet(number, info); };
        handlers.on_message = [this, number](const WireMessage& message) {
            events_.on_message(number, message);
        };
        handlers.on_ping = [this, number] { links_[number].out.tail() += "PONG\r\n"; };
        handlers.on_pong = [this, number] {
            Link& link = links_[number];
            if (link.stage != Stage::Greeting) return;
            link.stage = Stage::Up;
            link.backoff.reset();
            link.pinged_at = Clock::now();
            events_.on_up(number);
        };
        handlers.on_error = [this](std::string_view text) { complain(text); };
        return handlers;
    }

    void greet(std::uint32_t number, std::string_view info) {
        Link& link = links_[number];
        if (link.stage == Stage::Up) return;  // a cluster's news
        const auto greeting = nlohmann::json::parse(info, nullptr, false);
        if (greeting.is_object() && greeting.value("tls_required", false)) {
            refusal_ =
                Error(ErrorKind::InvalidInput, "the server demands TLS, which the simulator does not speak");
            return;
        }
        append_connect(link.out.tail(), options_.credentials.user, options_.credentials.password,
                       "harmony-fleet-simulator");
    }

    void complain(std::string_view quoted) {
        std::string text(quoted);
        std::erase(text, '\'');
        // The text carries no secret: the server names users and subjects.
        const bool credentials = text.find("Authorization") != std::string::npos ||
                                 text.find("Authentication") != std::string::npos;
        if (credentials) {
            refusal_ =
                Error(ErrorKind::PermissionDenied, "the server refuses the credentials: " + text +
                                                       " (user \"" + options_.credentials.user + "\")");
            return;
        }
        events_.on_refused(text);
    }

    void look_after_all() {
        const auto now = Clock::now();
        for (std::uint32_t number = 0; number < links_.size(); ++number) {
            Link& link = links_[number];
            if (link.stage == Stage::Down) {
                if (starting_ || closing_ || now < link.retry_at) continue;
                if (auto opened = open(number); !opened) {
                    kLog.debug("no connection", {{"error", opened.error().text()}});
                    drop(link);
                    link.retry_at = now + link.backoff.next();
                }
                continue;
            }
            const auto patience = link.stage == Stage::Up ? std::chrono::seconds(kSilence) : kConnectTimeout;
            if (now - link.heard_at > patience) {
                lose(number, Error(ErrorKind::Unavailable, "the server fell silent"));
            } else if (link.stage == Stage::Up && now - link.pinged_at > kPingInterval) {
                link.pinged_at = now;
                link.out.tail() += "PING\r\n";
            }
        }
    }

    void flush_all() {
        congested_ = false;
        for (std::uint32_t number = 0; number < links_.size(); ++number) {
            Link& link = links_[number];
            if (link.stage == Stage::Down || link.stage == Stage::Connecting) continue;
            flush(number, link);
            congested_ = congested_ || link.out.size() > kCongestedBytes;
        }
    }

    void flush(std::uint32_t number, Link& link) {
        while (!link.out.front().empty()) {
            const std::string_view next = link.out.front();
            const ssize_t size = ::send(link.descriptor, next.data(), next.size(), MSG_NOSIGNAL);
            if (size < 0 && (errno == EAGAIN || errno == EINTR)) break;
            if (size < 0) {
                lose(number, Error(ErrorKind::Unavailable, std::strerror(errno)));
                return;
            }
            link.out.take(static_cast<std::size_t>(size));
        }
        want_write(number, link, link.out.size() > 0);
    }

    void want_write(std::uint32_t number, Link& link, bool wanted) {
        if (link.wants_write == wanted) return;
        link.wants_write = wanted;
        epoll_event event{};
        event.events = EPOLLIN | (wanted ? EPOLLOUT : 0U);
        event.data.u64 = number;
        ::epoll_ctl(epoll_, EPOLL_CTL_MOD, link.descriptor, &event);
    }

    const SimulatorOptions& options_;
    const LinkEvents events_;
    std::vector<Link> links_;
    std::string read_;
    int epoll_ = -1;
    std::size_t attempt_ = 0;
    bool congested_ = false;
    bool starting_ = false;
    bool closing_ = false;
    std::optional<Error> start_failure_;
    std::optional<Error> refusal_;  // of the link that is being read
};

}  // namespace

Result<std::unique_ptr<BrokerLinks>> BrokerLinks::connect(const SimulatorOptions& options,
                                                          LinkEvents events) {
    auto links = std::make_unique<EpollLinks>(options, std::move(events));
    if (auto started = links->start(); !started) return fail(started.error());
    return std::unique_ptr<BrokerLinks>(std::move(links));
}

}  // namespace harmony::simulator
