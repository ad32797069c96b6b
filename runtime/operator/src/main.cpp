// harmony-fleet-operator: turns Deployments into each device's desired state and reports back.
#include <malloc.h>

#include <cstdio>
#include <exception>
#include <string>

#include "harmony/daemon/command_line.hpp"
#include "harmony/daemon/logging.hpp"
#include "harmony/daemon/shutdown.hpp"
#include "harmony/daemon/status_server.hpp"
#include "harmony/operator/config.hpp"
#include "harmony/operator/service.hpp"

namespace {

namespace daemon = harmony::runtime::daemon;
using harmony::Error;
using harmony::Result;

constexpr daemon::Logger kLog("main");
constexpr int kExitFailed = 1;
constexpr int kExitUsage = 2;

constexpr const char* kUsage =
    "Usage: harmony-fleet-operator --config FILE [--check-config]\n"
    "\n"
    "  --config FILE    the configuration, TOML; default: the environment's FLEET_OPERATOR_CONFIG\n"
    "  --check-config   check it and exit: 0 where it is valid, 2 where not\n"
    "  --version        print the version\n"
    "  --help           print this\n";

Result<int> serve(const harmony::op::OperatorConfig& config) {
    auto signals = daemon::ShutdownSignals::install();
    if (!signals) return harmony::fail(signals.error());
    daemon::HealthRegistry health;
    daemon::MetricsRegistry metrics;
    auto service = harmony::op::start_operator(config, HARMONY_VERSION, health, metrics);
    if (!service) return harmony::fail(service.error());
    auto status = daemon::start_status_server(config.status, config.state_dir, health, metrics);
    if (!status) return harmony::fail(status.error().wrap("operator"));
    kLog.info(
        "started",
        {{"version", HARMONY_VERSION}, {"namespace", config.name_space}, {"health_port", status->port}});
    const int signal = (*signals)->wait();
    kLog.info("stopping", {{"signal", signal}});
    status->server->stop();
    (*service)->stop();
    kLog.info("stopped");
    return 0;
}

int run(int count, char** values) {
    const auto arguments =
        daemon::parse_command_line(count, values, "harmony-fleet-operator", "FLEET_OPERATOR_CONFIG");
    if (arguments.wrong) {
        std::fputs(kUsage, stderr);
        return kExitUsage;
    }
    if (arguments.help) {
        std::fputs(kUsage, stdout);
        return 0;
    }
    if (arguments.version) {
        std::puts("harmony-fleet-operator " HARMONY_VERSION);
        return 0;
    }
    if (arguments.config.empty()) {
        std::fputs(
            "harmony-fleet-operator: no configuration: give --config FILE or set FLEET_OPERATOR_CONFIG\n",
            stderr);
        return kExitUsage;
    }
    const auto config = harmony::op::read_operator_config(arguments.config);
    if (!config) {
        std::fprintf(stderr, "harmony-fleet-operator: %s\n", config.error().text().c_str());
        return kExitUsage;
    }
    if (arguments.check_only) {
        std::puts("configuration is valid");
        return 0;
    }
    if (auto started = daemon::start_logging(config->log_level); !started) {
        std::fprintf(stderr, "harmony-fleet-operator: %s\n", started.error().text().c_str());
        return kExitUsage;
    }
    const auto served = serve(*config);
    if (served) return *served;
    kLog.error("cannot run", {{"error", served.error().text()}});
    return kExitFailed;
}

}  // namespace

int main(int count, char** values) {
    // Few arenas: what a replay of the buckets has taken on one thread can be given back.
    mallopt(M_ARENA_MAX, 2);
    try {
        return run(count, values);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "harmony-fleet-operator: internal error: %s\n", error.what());
    } catch (...) {
        std::fputs("harmony-fleet-operator: internal error\n", stderr);
    }
    return kExitFailed;
}
