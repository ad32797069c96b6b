#include "harmony/nats_testing/nats_server.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <thread>

extern char** environ;

namespace harmony::runtime::nats_testing {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

constexpr auto kStartLimit = 10s;

sockaddr_in loopback(int port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    return address;
}

int free_port() {
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address = loopback(0);
    socklen_t length = sizeof address;
    const bool bound = bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 &&
                       getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length) == 0;
    close(fd);
    if (!bound) throw std::runtime_error("no free loopback port");
    return ntohs(address.sin_port);
}

bool accepts(int port) {
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const sockaddr_in address = loopback(port);
    const bool connected = connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    // The server greets first: without its INFO line something else has the port, or it is not ready.
    char greeting[4] = {};
    timeval limit{.tv_sec = 1, .tv_usec = 0};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    const bool greeted = connected && recv(fd, greeting, sizeof greeting, MSG_WAITALL) == sizeof greeting &&
                         std::string_view(greeting, 4) == "INFO";
    close(fd);
    return greeted;
}

std::string slurp(const fs::path& path) {
    std::ifstream stream(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
}

}  // namespace

struct NatsServerFixture::Impl {
    NatsServerOptions options;
    fs::path directory;
    int port = 0;
    pid_t pid = 0;

    void write_config() const {
        std::ofstream config(directory / "nats.conf");
        config << "listen: \"127.0.0.1:" << port << "\"\n";
        if (options.jetstream) {
            config << "jetstream { store_dir: \"" << (directory / "jetstream").string()
                   << "\", max_mem: 256M, max_file: 1G }\n";
        }
        config << options.extra_config << '\n';
    }

    void spawn() {
        const std::string config = (directory / "nats.conf").string();
        const std::string log = (directory / "nats.log").string();
        const char* const argv[] = {"nats-server", "-c", config.c_str(), nullptr};
        posix_spawn_file_actions_t actions;
        posix_spawn_file_actions_init(&actions);
        posix_spawn_file_actions_addopen(&actions, 1, log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
        posix_spawn_file_actions_adddup2(&actions, 1, 2);
        const int error =
            posix_spawnp(&pid, argv[0], &actions, nullptr, const_cast<char* const*>(argv), environ);
        posix_spawn_file_actions_destroy(&actions);
        if (error != 0) {
            pid = 0;
            throw std::runtime_error("nats-server does not start: is the package nats-server installed?");
        }
    }

    void wait_until_ready() {
        const auto deadline = std::chrono::steady_clock::now() + kStartLimit;
        while (!accepts(port)) {
            int status = 0;
            if (waitpid(pid, &status, WNOHANG) == pid) {
                pid = 0;
                throw std::runtime_error("nats-server ended at start:\n" + slurp(directory / "nats.log"));
            }
            if (std::chrono::steady_clock::now() > deadline) {
                throw std::runtime_error("nats-server is not ready in time:\n" +
                                         slurp(directory / "nats.log"));
            }
            std::this_thread::sleep_for(5ms);
        }
    }

    void end(int signal) {
        if (pid == 0) return;
        ::kill(pid, signal);
        while (waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
        }
        pid = 0;
    }
};

NatsServerFixture::NatsServerFixture(NatsServerOptions options) : impl_(std::make_unique<Impl>()) {
    impl_->options = std::move(options);
    std::string pattern = (fs::temp_directory_path() / "harmony-nats-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary directory");
    impl_->directory = pattern;
    impl_->port = free_port();
    try {
        start();
    } catch (...) {
        impl_->end(SIGKILL);
        fs::remove_all(impl_->directory);
        throw;
    }
}

NatsServerFixture::~NatsServerFixture() {
    impl_->end(SIGKILL);
    std::error_code ignored;
    fs::remove_all(impl_->directory, ignored);
}

std::string NatsServerFixture::url() const {
    return "nats://127.0.0.1:" + std::to_string(impl_->port);
}
int NatsServerFixture::port() const {
    return impl_->port;
}
int NatsServerFixture::pid() const {
    return impl_->pid;
}
std::string NatsServerFixture::log() const {
    return slurp(impl_->directory / "nats.log");
}

void NatsServerFixture::start() {
    if (impl_->pid != 0) return;
    impl_->write_config();
    impl_->spawn();
    impl_->wait_until_ready();
}

void NatsServerFixture::stop() {
    impl_->end(SIGTERM);
}
void NatsServerFixture::kill() {
    impl_->end(SIGKILL);
}

void NatsServerFixture::restart() {
    stop();
    start();
}

void NatsServerFixture::set_extra_config(std::string text) {
    impl_->options.extra_config = std::move(text);
}

void NatsServerFixture::wipe_storage() {
    if (impl_->pid != 0) throw std::runtime_error("wipe_storage: the server is running");
    fs::remove_all(impl_->directory / "jetstream");
}

nats::ConnectionOptions NatsServerFixture::connection_options() const {
    nats::ConnectionOptions options;
    options.urls = {url()};
    options.name = "test";
    options.reconnect = {.first_delay = nats::Milliseconds{10}, .max_delay = nats::Milliseconds{50}};
    return options;
}

std::unique_ptr<nats::NatsConnection> NatsServerFixture::connect(nats::Credentials credentials,
                                                                 nats::ConnectionEvents events) const {
    nats::ConnectionOptions options = connection_options();
    options.credentials = std::move(credentials);
    options.retry_first_connect = false;
    auto connection = nats::make_nats_connection(std::move(options));
    if (auto started = connection->start(std::move(events)); !started) {
        throw std::runtime_error(started.error().text());
    }
    return connection;
}

}  // namespace harmony::runtime::nats_testing
