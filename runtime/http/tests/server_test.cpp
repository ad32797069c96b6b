#include "harmony/http/server.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <catch2/catch.hpp>

namespace harmony::runtime::http {
namespace {

using namespace std::chrono_literals;

int dial(std::uint16_t port) {
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    REQUIRE(connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    timeval limit{.tv_sec = 10, .tv_usec = 0};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    return fd;
}

std::string read_to_end(int fd) {
    std::string all;
    char buffer[4096];
    for (ssize_t n = read(fd, buffer, sizeof buffer); n > 0; n = read(fd, buffer, sizeof buffer)) {
        all.append(buffer, static_cast<std::size_t>(n));
    }
    return all;
}

std::unique_ptr<HttpServer> hello_server(ServerOptions options = {}) {
    auto server = make_http_server(options);
    server->route("GET", "/hello", [](const Request& request) {
        return Response{
            .status = 200, .headers = {{"Content-Type", "text/plain"}}, .body = "at " + request.target};
    });
    return server;
}

int ask(HttpClient& client, std::string method, std::string target) {
    const auto response = client.request(
        {.method = std::move(method), .target = std::move(target), .body = {}, .headers = {}}, {});
    return response ? response->status : -1;
}

}  // namespace

TEST_CASE("the server answers its routes and refuses everything else") {
    const auto server = hello_server();
    const auto port = server->start();
    REQUIRE(port);
    const auto client = make_http_client(Endpoint::tcp("127.0.0.1", *port));
    const auto response =
        client->request({.method = "GET", .target = "/hello?x=1", .body = {}, .headers = {}}, {});
    REQUIRE(response);
    CHECK(response->status == 200);
    CHECK(response->body == "at /hello");
    CHECK(ask(*client, "HEAD", "/hello") == 200);
    CHECK(ask(*client, "GET", "/other") == 404);
    CHECK(ask(*client, "POST", "/hello") == 405);
    server->stop();
    CHECK(ask(*client, "GET", "/hello") == -1);
}

TEST_CASE("a port in use is a conflict") {
    const auto first = hello_server();
    const auto port = first->start();
    REQUIRE(port);
    const auto second = hello_server({.address = "127.0.0.1", .port = *port});
    const auto refused = second->start();
    REQUIRE_FALSE(refused);
    CHECK(refused.error().kind() == ErrorKind::Conflict);
    CHECK(refused.error().text().find(std::to_string(*port)) != std::string::npos);
}

TEST_CASE("a client that sends slowly, too much or nonsense is let go") {
    const auto server =
        hello_server({.read_timeout = 100ms, .write_timeout = 100ms, .max_request_bytes = 1024});
    const auto port = server->start();
    REQUIRE(port);
    const int slow = dial(*port);
    REQUIRE(send(slow, "GET /he", 7, MSG_NOSIGNAL) == 7);
    CHECK(read_to_end(slow).empty());
    close(slow);
    const int large = dial(*port);
    const std::string request = "GET /hello HTTP/1.1\r\nX: " + std::string(4096, 'x') + "\r\n\r\n";
    REQUIRE(send(large, request.data(), request.size(), MSG_NOSIGNAL) > 0);
    CHECK(read_to_end(large).find("413") != std::string::npos);
    close(large);
    const int nonsense = dial(*port);
    REQUIRE(send(nonsense, "nonsense\r\n\r\n", 12, MSG_NOSIGNAL) == 12);
    CHECK(read_to_end(nonsense).find("400") != std::string::npos);
    close(nonsense);
    const auto client = make_http_client(Endpoint::tcp("127.0.0.1", *port));
    CHECK(ask(*client, "GET", "/hello") == 200);
}

TEST_CASE("connections beyond the limit are closed and the others go on") {
    const auto server = hello_server({.max_connections = 2, .read_timeout = 5s});
    const auto port = server->start();
    REQUIRE(port);
    const auto one = make_http_client(Endpoint::tcp("127.0.0.1", *port));
    const auto two = make_http_client(Endpoint::tcp("127.0.0.1", *port));
    REQUIRE(ask(*one, "GET", "/hello") == 200);
    REQUIRE(ask(*two, "GET", "/hello") == 200);
    const int third = dial(*port);
    CHECK(read_to_end(third).empty());
    close(third);
    CHECK(ask(*one, "GET", "/hello") == 200);
}

}  // namespace harmony::runtime::http
