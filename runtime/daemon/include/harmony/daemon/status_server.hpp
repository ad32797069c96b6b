// A daemon's own pages: /healthz, /readyz and /metrics on one loopback port.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

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

// Starts it on `port` (0: a free one) and writes the port in use to <state_dir>/health-port.
[[nodiscard]] Result<RunningStatusServer> start_status_server(std::uint16_t port,
                                                              const std::string& state_dir,
                                                              const HealthRegistry& health,
                                                              const MetricsRegistry& metrics);

}  // namespace harmony::runtime::daemon
