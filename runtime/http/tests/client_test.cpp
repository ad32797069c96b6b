#include "harmony/http/client.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <thread>

namespace harmony::runtime::http {
namespace {

using namespace std::chrono_literals;

// A server of raw bytes on a unix socket: hands each accepted connection to the script.
class RawServer {
 public:
    explicit RawServer(std::function<void(int fd, int number)> script) {
        std::string pattern = (std::filesystem::temp_directory_path() / "harmony-http-XXXXXX").string();
        REQUIRE(mkdtemp(pattern.data()) != nullptr);
        directory_ = pattern;
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        path().copy(address.sun_path, sizeof address.sun_path - 1);
        listener_ = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        REQUIRE(bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
        REQUIRE(listen(listener_, 8) == 0);
        thread_ = std::thread([this, script = std::move(script)] {
            for (int fd = accept(listener_, nullptr, nullptr); fd >= 0;
                 fd = accept(listener_, nullptr, nullptr)) {
                script(fd, ++accepted);
                close(fd);
                ++closed;
            }
        });
    }
    ~RawServer() {
        shutdown(listener_, SHUT_RDWR);
        thread_.join();
        close(listener_);
        std::filesystem::remove_all(directory_);
    }
    RawServer(const RawServer&) = delete;
    RawServer& operator=(const RawServer&) = delete;
    std::string path() const { return directory_ + "/socket"; }

    std::atomic<int> accepted = 0;
    std::atomic<int> closed = 0;

 private:
    std::string directory_;
    int listener_ = -1;
    std::thread thread_;
};

// Reads until the end of a request's header; empty when the client has gone.
std::string read_request(int fd) {
    std::string got;
    char c = 0;
    while (got.find("\r\n\r\n") == std::string::npos && read(fd, &c, 1) == 1)
        got += c;
    return got;
}

void send_text(int fd, std::string_view text) {
    REQUIRE(send(fd, text.data(), text.size(), MSG_NOSIGNAL) >= 0);
}

void wait_for_client_to_leave(int fd) {
    char c = 0;
    while (read(fd, &c, 1) > 0) {
    }
}

Request get(std::string target = "/") {
    return {.method = "GET", .target = std::move(target), .body = {}, .headers = {}};
}

}  // namespace

TEST_CASE("requests share one kept connection") {
    RawServer server([](int fd, int) {
        while (!read_request(fd).empty())
            send_text(fd, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-A: b\r\n\r\nhi");
    });
    const auto client = make_http_client(Endpoint::unix_socket(server.path()));
    for (int i = 0; i < 3; ++i) {
        const auto response = client->request(get(), {});
        REQUIRE(response);
        CHECK(response->status == 200);
        CHECK(response->body == "hi");
        CHECK(response->header("x-a") == "b");
    }
    CHECK(server.accepted == 1);
}

TEST_CASE("a request is repeated when the kept connection was closed meanwhile") {
    RawServer server([](int fd, int) {
        if (!read_request(fd).empty()) send_text(fd, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    });
    const auto client = make_http_client(Endpoint::unix_socket(server.path()));
    REQUIRE(client->request(get(), {}));
    REQUIRE(client->request(get(), {}));
    CHECK(server.accepted == 2);
}

TEST_CASE(
    "a request that must not be repeated takes no connection that has been closed, and is not repeated") {
    RawServer server([](int fd, int number) {
        if (read_request(fd).empty()) return;
        if (number < 3) send_text(fd, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    });
    const auto client = make_http_client(Endpoint::unix_socket(server.path()));
    const Request post{.method = "POST", .target = "/", .body = "x", .headers = {}};
    for (int number = 1; number <= 2; ++number) {
        REQUIRE(client->request(post, {}));
        while (server.closed < number)
            std::this_thread::yield();
    }
    const auto lost = client->request(post, {});
    REQUIRE_FALSE(lost);
    CHECK(lost.error().kind() == ErrorKind::Unavailable);
    CHECK(server.accepted == 3);
}

TEST_CASE("a missing socket is unavailable and a silent server times out") {
    const auto nobody = make_http_client(Endpoint::unix_socket("/nonexistent/socket"))->request(get(), {});
    REQUIRE_FALSE(nobody);
    CHECK(nobody.error().kind() == ErrorKind::Unavailable);
    CHECK(nobody.error().text().find("/nonexistent/socket") != std::string::npos);
    const std::string too_long(200, 'x');
    CHECK(make_http_client(Endpoint::unix_socket("/" + too_long))->request(get(), {}).error().kind() ==
          ErrorKind::Unavailable);

    RawServer silent([](int fd, int) { wait_for_client_to_leave(fd); });
    const auto client = make_http_client(Endpoint::unix_socket(silent.path()));
    const auto late = client->request(get(), {.deadline = 50ms});
    REQUIRE_FALSE(late);
    CHECK(late.error().kind() == ErrorKind::Timeout);
}

TEST_CASE("an answer that is too large or no HTTP is refused") {
    RawServer server([](int fd, int number) {
        read_request(fd);
        send_text(fd, number == 1 ? "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n" + std::string(100, 'x')
                                  : "SSH-2.0-OpenSSH_9\r\n\r\n");
    });
    const auto client = make_http_client(Endpoint::unix_socket(server.path()));
    const auto large = client->request(get(), {.deadline = 5s, .max_body_bytes = 99});
    REQUIRE_FALSE(large);
    CHECK(large.error().kind() == ErrorKind::Corrupt);
    const auto other = client->request(get(), {});
    REQUIRE_FALSE(other);
    CHECK(other.error().kind() == ErrorKind::Corrupt);
}

TEST_CASE("header injection is refused before anything is sent") {
    const auto client = make_http_client(Endpoint::unix_socket("/nonexistent"));
    CHECK(client->request(get("/a\r\nX: y"), {}).error().kind() == ErrorKind::InvalidInput);
    CHECK(client->request(get("/a b"), {}).error().kind() == ErrorKind::InvalidInput);
    CHECK(client->request({.method = "GET", .target = "/", .body = {}, .headers = {{"A", "b\nc"}}}, {})
              .error()
              .kind() == ErrorKind::InvalidInput);
}

TEST_CASE("a stream hands over chunks as they come and ends when told") {
    RawServer server([](int fd, int) {
        read_request(fd);
        send_text(fd, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n");
        send_text(fd, "3\r\ntwo\r\n5\r\nthree\r\n0\r\n\r\n");
        wait_for_client_to_leave(fd);
    });
    const auto client = make_http_client(Endpoint::unix_socket(server.path()));
    std::string all;
    REQUIRE(client->stream(get(),
                           [&](std::string_view bytes) {
                               all += bytes;
                               return true;
                           },
                           {}));
    CHECK(all == "onetwothree");
    int chunks = 0;
    REQUIRE(client->stream(get(), [&](std::string_view) { return ++chunks < 1; }, {}));
    CHECK(chunks == 1);
}

TEST_CASE("an endless stream is ended by its token, by silence or by the server's death") {
    RawServer server([](int fd, int number) {
        read_request(fd);
        send_text(fd, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n");
        if (number < 3) wait_for_client_to_leave(fd);
    });
    const auto client = make_http_client(Endpoint::unix_socket(server.path()));
    std::stop_source source;
    std::thread stopper;
    const auto cancelled = client->stream(get(),
                                          [&](std::string_view) {
                                              stopper = std::thread([&] { source.request_stop(); });
                                              return true;
                                          },
                                          {.header_deadline = 5s,
                                           .idle_deadline = {},
                                           .max_error_body_bytes = 1024,
                                           .stop = source.get_token()});
    stopper.join();
    REQUIRE_FALSE(cancelled);
    CHECK(cancelled.error().kind() == ErrorKind::Cancelled);
    const auto idle = client->stream(get(), [](std::string_view) { return true; },
                                     {.header_deadline = 5s, .idle_deadline = 50ms});
    REQUIRE_FALSE(idle);
    CHECK(idle.error().kind() == ErrorKind::Timeout);
    const auto died = client->stream(get(), [](std::string_view) { return true; }, {});
    REQUIRE_FALSE(died);
    CHECK(died.error().kind() == ErrorKind::Unavailable);
}

TEST_CASE("a stream's error status brings its body and no chunks") {
    RawServer server([](int fd, int) {
        read_request(fd);
        send_text(fd, "HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\ngone");
    });
    const auto client = make_http_client(Endpoint::unix_socket(server.path()));
    const auto response = client->stream(get(),
                                         [](std::string_view) {
                                             FAIL();
                                             return false;
                                         },
                                         {});
    REQUIRE(response);
    CHECK(response->status == 404);
    CHECK(response->body == "gone");
}

TEST_CASE("percent encoding leaves only unreserved characters") {
    CHECK(percent_encode("a-Z_0.~") == "a-Z_0.~");
    CHECK(percent_encode("a b/{\"\xc3\xa9\"}") == "a%20b%2F%7B%22%C3%A9%22%7D");
}

}  // namespace harmony::runtime::http
