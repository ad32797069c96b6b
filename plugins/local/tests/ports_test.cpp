// Ports, readiness by HTTP and the service directory, with nats-server as the daemon.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "listening_port.hpp"
#include "temporary_context.hpp"

using namespace harmony::local;
using namespace harmony::local::testing;

namespace {

DaemonSpec nats() {
    DaemonSpec spec;
    spec.name = "fleet-nats";
    spec.program = "nats-server";
    spec.args = {"-c", "@{config}/nats.conf"};
    spec.files = {file("nats.conf",
                       "host: 127.0.0.1\nport: @{port:client}\nhttp: \"127.0.0.1:@{port:monitor}\"\n"
                       "jetstream { store_dir: \"@{data}\" }\n")};
    spec.ports = {{"client", 0}, {"monitor", 0}};
    spec.readiness = {"http", "monitor", "/healthz", 20};
    return spec;
}

// Listens on a port of its own choice, as a process that was there before.
struct Stranger {
    Descriptor fd{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    int port = 0;
    explicit Stranger(int wanted = 0) {
        sockaddr_in address{};
        socklen_t length = sizeof address;
        address.sin_family = AF_INET;
        address.sin_port = htons(static_cast<std::uint16_t>(wanted));
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        const int on = 1;
        ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        REQUIRE(::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
        REQUIRE(::listen(fd.get(), 1) == 0);
        REQUIRE(::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &length) == 0);
        port = ntohs(address.sin_port);
    }
};

}  // namespace

TEST_CASE("chosen ports are free, kept over updates and found through the service directory") {
    TemporaryContext context;
    auto spec = nats();
    const auto daemon = context.ensured(spec);
    const int client = daemon.ports.at("client");
    CHECK(client >= 20000);
    CHECK(client != daemon.ports.at("monitor"));
    CHECK(port_holder(client)->pid == daemon.pid);
    CHECK(context.daemons().resolve("fleet-nats", "client") == client);
    CHECK(context.daemons().services()->size() == 2);
    auto unknown = context.daemons().resolve("fleet-nats", "other");
    REQUIRE_FALSE(unknown);
    CHECK(unknown.error().code == "service-directory.not-found");

    spec.env["X"] = "y";
    const auto updated = context.ensured(spec);
    CHECK(updated.pid != daemon.pid);
    CHECK(updated.ports == daemon.ports);
    CHECK(context.planned(spec).action == DaemonAction::None);
}

TEST_CASE("a fixed port that somebody else holds is named with its holder and nothing is started") {
    TemporaryContext context;
    const Stranger stranger;
    auto spec = nats();
    spec.ports[0].port = stranger.port;
    for (int attempt = 0; attempt < 2; ++attempt) {
        auto result = attempt == 0 ? context.daemons().plan(spec).map([](const auto&) {})
                                   : context.daemons().ensure(spec, never).map([](const auto&) {});
        REQUIRE_FALSE(result);
        CHECK(result.error().code == "process-host.port-in-use");
        CHECK(result.error().path == "ports[0].port");
        CHECK(result.error().summary.find(std::to_string(stranger.port)) != std::string::npos);
        CHECK(result.error().summary.find("process " + std::to_string(::getpid())) != std::string::npos);
        CHECK(result.error().summary.find("local_ports") != std::string::npos);
    }
    CHECK_FALSE(std::filesystem::exists(context.folders().daemon("fleet-nats").spec()));
}

TEST_CASE("a chosen port that was taken while the daemon was down is chosen anew") {
    TemporaryContext context;
    auto spec = nats();
    const auto before = context.ensured(spec);
    context.kill_supervisor();
    ::kill(before.pid, SIGKILL);
    REQUIRE(eventually([&] { return !port_holder(before.ports.at("client")); }));
    const Stranger stranger(before.ports.at("client"));
    const auto plan = context.planned(spec);
    CHECK(plan.action == DaemonAction::Update);
    const auto after = context.ensured(spec);
    CHECK(after.ports.at("client") != stranger.port);
    CHECK(after.ports.at("monitor") == before.ports.at("monitor"));
}

TEST_CASE("a killed nats-server comes back on its port with its data") {
    TemporaryContext context;
    const auto before = context.ensured(nats());
    ::kill(before.pid, SIGKILL);
    REQUIRE(eventually([&] {
        const auto now = context.view("fleet-nats");
        return now.ready && now.pid != before.pid && now.pid != 0;
    }));
    CHECK(context.view("fleet-nats").ports == before.ports);
    CHECK(port_holder(before.ports.at("client"))->pid == context.view("fleet-nats").pid);
}

TEST_CASE("a missing program is named with where it was looked for") {
    TemporaryContext context;
    auto spec = sleeper("absent");
    spec.program = "no-such-program-anywhere";
    auto plan = context.daemons().plan(spec);
    REQUIRE_FALSE(plan);
    CHECK(plan.error().code == "process-host.program-missing");
    CHECK(plan.error().summary.find("/bin") != std::string::npos);
    spec.program = "relative/path";
    CHECK_FALSE(context.daemons().plan(spec));
}
