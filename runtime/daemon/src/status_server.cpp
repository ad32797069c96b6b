#include "harmony/daemon/status_server.hpp"

#include "harmony/daemon/files.hpp"
#include "harmony/daemon/logging.hpp"

namespace harmony::runtime::daemon {
namespace {

constexpr Logger kLog("status");

http::Response page(const HealthReport& report) {
    return {.status = report.ok ? 200 : 503,
            .headers = {{"Content-Type", "application/json"}, {"Cache-Control", "no-store"}},
            .body = report.json + "\n"};
}

}  // namespace

std::unique_ptr<http::HttpServer> make_status_server(http::ServerOptions options,
                                                     const HealthRegistry& health,
                                                     const MetricsRegistry& metrics) {
    auto server = http::make_http_server(std::move(options));
    server->route("GET", "/healthz",
                  [&health](const http::Request&) { return page(health.report(CheckKind::Health)); });
    server->route("GET", "/readyz",
                  [&health](const http::Request&) { return page(health.report(CheckKind::Readiness)); });
    server->route("GET", "/metrics", [&metrics](const http::Request&) {
        return http::Response{.status = 200,
                              .headers = {{"Content-Type", std::string(kMetricsContentType)}},
                              .body = metrics.text()};
    });
    return server;
}

StatusAddress read_status_address(ConfigReader& reader, const std::string& table) {
    StatusAddress address;
    address.address = reader.ip_address(table + ".health_address", address.address);
    address.port = static_cast<std::uint16_t>(reader.integer(table + ".health_port", 0, 0, 65535));
    return address;
}

Result<RunningStatusServer> start_status_server(const StatusAddress& address, const std::string& state_dir,
                                                const HealthRegistry& health,
                                                const MetricsRegistry& metrics) {
    http::ServerOptions options;
    options.address = address.address;
    options.port = address.port;
    RunningStatusServer running{make_status_server(options, health, metrics), 0};
    const auto chosen = running.server->start();
    if (!chosen) return fail(chosen.error().wrap("health_address and health_port"));
    running.port = *chosen;
    const auto written = write_file_durably(state_dir + "/health-port", std::to_string(*chosen) + "\n");
    // A full disk must not keep the daemon from its work; the pages are there all the same.
    if (!written) kLog.warning("the port is not in its file", {{"error", written.error().text()}});
    return running;
}

}  // namespace harmony::runtime::daemon
