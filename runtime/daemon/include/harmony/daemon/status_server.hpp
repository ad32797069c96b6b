// A daemon's own pages: /healthz, /readyz and /metrics on one port, on loopback unless told otherwise.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "harmony/daemon/config_reader.hpp"
#include "harmony/daemon/health.hpp"
#include "harmony/daemon/metrics.hpp"
#include "harmony/http/server.hpp"
#include "harmony/result.hpp"

namespace harmony::runtime::daemon {

// Both registries must outlive the server. /healthz and /readyz answer 200 or 503 with the report's JSON.
[[nodiscard]] std::unique_ptr<http::HttpServer> make_status_server(http::ServerOptions options,
                                                                   const HealthRegistry& health,
                                                                   const MetricsRegistry& metrics);

struct RunningStatusServer {
    std::unique_ptr<http::HttpServer> server;
    std::uint16_t port = 0;
};

// Where the pages are. They show nothing secret, but they are for probes and metrics, not for the network.
struct StatusAddress {
    std::string address = "127.0.0.1";  // of this machine; 0.0.0.0 or :: for all of them, as in a pod
    std::uint16_t port = 0;             // 0: a free one
};

// <table>.health_address and <table>.health_port of a daemon's configuration.
[[nodiscard]] StatusAddress read_status_address(ConfigReader& reader, const std::string& table);

// Starts it and writes the port in use to <state_dir>/health-port.
[[nodiscard]] Result<RunningStatusServer> start_status_server(const StatusAddress& address,
                                                              const std::string& state_dir,
                                                              const HealthRegistry& health,
                                                              const MetricsRegistry& metrics);

}  // namespace harmony::runtime::daemon
