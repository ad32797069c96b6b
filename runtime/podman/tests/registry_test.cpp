#include "harmony/podman_testing/registry.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <iostream>
#include <stdexcept>
#include <thread>
#include <utility>

#include "harmony/podman/container_runtime.hpp"

namespace harmony::runtime::podman::testing {
namespace {

using podman_testing::PodmanServiceFixture;
using podman_testing::RegistryFixture;

bool skipped() {
    std::string reason = podman_testing::podman_missing_reason();
    if (reason.empty()) reason = podman_testing::registry_missing_reason();
    if (!reason.empty()) std::cout << "SKIPPED: " << reason << '\n';
    return !reason.empty();
}

// Answers every connection with the same bytes, whatever was asked.
class Parrot {
 public:
    explicit Parrot(std::string answer)
        : answer_(std::move(answer)), listener_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        if (bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 || listen(listener_, 16) != 0 ||
            getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0)
            throw std::runtime_error("no port");
        address_ = "127.0.0.1:" + std::to_string(ntohs(address.sin_port));
        thread_ = std::thread([this] { run(); });
    }
    ~Parrot() {
        shutdown(listener_, SHUT_RDWR);
        thread_.join();
        close(listener_);
    }
    Parrot(const Parrot&) = delete;
    Parrot& operator=(const Parrot&) = delete;
    [[nodiscard]] const std::string& address() const { return address_; }

 private:
    void run() const {
        while (true) {
            const int connection = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
            if (connection < 0) return;
            char asked[4096];
            const ssize_t got = recv(connection, asked, sizeof asked, 0);
            if (got > 0) (void)send(connection, answer_.data(), answer_.size(), MSG_NOSIGNAL);
            close(connection);
        }
    }

    std::string answer_;
    int listener_;
    std::string address_;
    std::thread thread_;
};

}  // namespace

TEST_CASE("what answers but is no registry is told as such") {
    if (skipped()) return;
    const PodmanServiceFixture service;
    const auto runtime = make_podman_runtime({.socket_path = service.socket_path()});
    for (const char* answer : {"nonsense\n", "HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nnonsense",
                               "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n"}) {
        const Parrot parrot(answer);
        const auto pulled = runtime->pull(parrot.address() + "/harmony/app:1", {}, {});
        REQUIRE_FALSE(pulled);
        INFO(pulled.error().text());
        CHECK(pulled.error().kind() == ErrorKind::Corrupt);
        CHECK(pulled.error().text().find(parrot.address() + " answers, but not as a registry does") !=
              std::string::npos);
    }
    const Parrot refusing("HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n");
    const auto refused = runtime->pull(refusing.address() + "/harmony/app:1", {}, {});
    REQUIRE_FALSE(refused);
    INFO(refused.error().text());
    CHECK(refused.error().kind() == ErrorKind::PermissionDenied);
}

TEST_CASE("an image is pulled from a real registry with credentials from a file, and with none it is not") {
    if (skipped()) return;
    const PodmanServiceFixture service;
    RegistryFixture registry(service);
    const std::string image = registry.push("app");
    std::string file = registry.auth_file_text();
    const auto runtime = make_podman_runtime({.socket_path = service.socket_path(), .registry_auths = [&] {
                                                  return RegistryAuths::decode(file, "auth");
                                              }});
    REQUIRE_FALSE(*runtime->image_exists(image));

    SECTION("the right ones") {
        std::size_t lines = 0;
        const auto pulled = runtime->pull(image, [&](std::string_view) { ++lines; }, {});
        INFO((pulled ? "" : pulled.error().text()));
        REQUIRE(pulled);
        CHECK(lines > 1);
        CHECK(*runtime->image_exists(image));
    }
    SECTION("none, and then a file that is put right without a restart") {
        const std::string right = std::exchange(file, R"({"auths":{}})");
        const auto refused = runtime->pull(image, {}, {});
        REQUIRE_FALSE(refused);
        CHECK(refused.error().kind() == ErrorKind::PermissionDenied);
        CHECK(refused.error().text().find(registry.address()) != std::string::npos);
        file = right;
        CHECK(runtime->pull(image, {}, {}));
    }
    SECTION("wrong ones, which nothing shows") {
        file = R"({"auths":{")" + registry.address() + R"(":{"auth":"ZmxlZXQ6aGlkZGVu"}}})";
        const auto refused = runtime->pull(image, {}, {});
        REQUIRE_FALSE(refused);
        CHECK(refused.error().kind() == ErrorKind::PermissionDenied);
        CHECK(refused.error().text().find("hidden") == std::string::npos);
        CHECK(refused.error().text().find("ZmxlZXQ6aGlkZGVu") == std::string::npos);
    }
    SECTION("an image that the registry does not have") {
        const auto missing = runtime->pull(registry.address() + "/harmony/none:1", {}, {});
        REQUIRE_FALSE(missing);
        CHECK(missing.error().kind() == ErrorKind::NotFound);
        CHECK(missing.error().text().find("has no such image") != std::string::npos);
    }
    SECTION("a file that is damaged meanwhile fails the pull with its name") {
        file = "{";
        const auto damaged = runtime->pull(image, {}, {});
        REQUIRE_FALSE(damaged);
        CHECK(damaged.error().text().find("auth: expected JSON") != std::string::npos);
    }
    SECTION("a short name asks no registry") {
        const auto nameless = runtime->pull("harmony-no-such-image", {}, {});
        REQUIRE_FALSE(nameless);
        CHECK(nameless.error().kind() == ErrorKind::InvalidInput);
    }
}

}  // namespace harmony::runtime::podman::testing
