// harmony-fleet-operator: turns Deployments into each device's desired state and reports back.
#include <getopt.h>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>

#include "harmony/daemon/files.hpp"
#include "harmony/daemon/logging.hpp"
#include "harmony/daemon/shutdown.hpp"
#include "harmony/daemon/status_server.hpp"
#include "harmony/operator/config.hpp"
#include "harmony/operator/service.hpp"

namespace {

namespace daemon = harmony::runtime::daemon;
namespace http = harmony::runtime::http;
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

struct Arguments {
    std::string config;
    bool check_only = false;
    bool version = false;
    bool help = false;
    bool wrong = false;
};

Arguments parse_arguments(int count, char** values) {
    Arguments arguments;
    if (const char* path = std::getenv("FLEET_OPERATOR_CONFIG")) arguments.config = path;
    const option known[] = {{"config", required_argument, nullptr, 'c'},
                            {"check-config", no_argument, nullptr, 'k'},
                            {"version", no_argument, nullptr, 'v'},
                            {"help", no_argument, nullptr, 'h'},
                            {nullptr, 0, nullptr, 0}};
    for (int found = 0; (found = getopt_long(count, values, "", known, nullptr)) != -1;) {
        switch (found) {
            case 'c':
                arguments.config = optarg;
                break;
            case 'k':
                arguments.check_only = true;
                break;
            case 'v':
                arguments.version = true;
                break;
            case 'h':
                arguments.help = true;
                break;
            default:
                arguments.wrong = true;
        }
    }
    if (optind < count) {
        std::fprintf(stderr, "harmony-fleet-operator: unexpected argument %s\n", values[optind]);
        arguments.wrong = true;
    }
    return arguments;
}

Result<int> serve(const harmony::op::OperatorConfig& config) {
    auto signals = daemon::ShutdownSignals::install();
    if (!signals) return harmony::fail(signals.error());
    daemon::HealthRegistry health;
    daemon::MetricsRegistry metrics;
    auto service = harmony::op::start_operator(config, HARMONY_VERSION, health, metrics);
    if (!service) return harmony::fail(service.error());
    http::ServerOptions options;
    options.port = config.health_port;
    auto server = daemon::make_status_server(options, health, metrics);
    const auto port = server->start();
    if (!port) return harmony::fail(port.error().wrap("operator.health_port"));
    const std::string port_file = config.state_dir + "/health-port";
    if (auto written = daemon::write_file_durably(port_file, std::to_string(*port) + "\n"); !written) {
        return harmony::fail(written.error());
    }
    kLog.info("started",
              {{"version", HARMONY_VERSION}, {"namespace", config.name_space}, {"health_port", *port}});
    const int signal = (*signals)->wait();
    kLog.info("stopping", {{"signal", signal}});
    server->stop();
    (*service)->stop();
    kLog.info("stopped");
    return 0;
}

int run(int count, char** values) {
    const Arguments arguments = parse_arguments(count, values);
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
    try {
        return run(count, values);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "harmony-fleet-operator: internal error: %s\n", error.what());
    } catch (...) {
        std::fputs("harmony-fleet-operator: internal error\n", stderr);
    }
    return kExitFailed;
}
