// harmony-fleet-agent: runs on a device what the fleet asks of it, and tells how it fares.
#include <getopt.h>
#include <malloc.h>
#include <pthread.h>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>

#include "harmony/agent/agent.hpp"
#include "harmony/agent/config.hpp"
#include "harmony/daemon/files.hpp"
#include "harmony/daemon/logging.hpp"
#include "harmony/daemon/shutdown.hpp"
#include "harmony/daemon/status_server.hpp"

namespace {

namespace agent = harmony::agent;
namespace daemon = harmony::runtime::daemon;
namespace http = harmony::runtime::http;
using harmony::Result;

constexpr daemon::Logger kLog("main");
constexpr int kExitFailed = 1;
constexpr int kExitUsage = 2;
// Every thread has its stack within this; glibc's default reserves 8 MiB each.
constexpr std::size_t kThreadStackBytes = 256 * 1024;
// Longer than any call to podman but a container's grace period or an image's pull.
constexpr std::chrono::seconds kStopPatience{3};

constexpr const char* kUsage =
    "Usage: harmony-fleet-agent [--config FILE] [--check-config]\n"
    "\n"
    "  --config FILE    the configuration, TOML; default: the environment's FLEET_AGENT_CONFIG,\n"
    "                   else /etc/harmony/agent.toml\n"
    "  --check-config   check it and exit: 0 where it is valid, 2 where not\n"
    "  --version        print the version\n"
    "  --help           print this\n";

struct Arguments {
    std::string config = agent::kDefaultConfigPath;
    bool check_only = false;
    bool version = false;
    bool help = false;
    bool wrong = false;
};

Arguments parse_arguments(int count, char** values) {
    Arguments arguments;
    if (const char* path = std::getenv(agent::kConfigVariable)) arguments.config = path;
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
        std::fprintf(stderr, "harmony-fleet-agent: unexpected argument %s\n", values[optind]);
        arguments.wrong = true;
    }
    return arguments;
}

void keep_memory_small() {
    mallopt(M_ARENA_MAX, 1);
    mallopt(M_TRIM_THRESHOLD, 64 * 1024);
    mallopt(M_MMAP_THRESHOLD, 64 * 1024);
    pthread_attr_t attributes;
    if (pthread_attr_init(&attributes) != 0) return;
    if (pthread_attr_setstacksize(&attributes, kThreadStackBytes) == 0) {
        (void)pthread_setattr_default_np(&attributes);
    }
    pthread_attr_destroy(&attributes);
}

Result<std::unique_ptr<http::HttpServer>> start_status_server(const agent::AgentConfig& config,
                                                              const daemon::HealthRegistry& health,
                                                              const daemon::MetricsRegistry& metrics) {
    http::ServerOptions options;
    options.port = config.health_port;
    auto server = daemon::make_status_server(options, health, metrics);
    const auto port = server->start();
    if (!port) return harmony::fail(port.error().wrap("agent.health_port"));
    if (auto written =
            daemon::write_file_durably(config.state_dir + "/health-port", std::to_string(*port) + "\n");
        !written) {
        return harmony::fail(written.error());
    }
    kLog.info("status pages", {{"port", *port}});
    return server;
}

Result<int> serve(const agent::AgentConfig& config) {
    auto signals = daemon::ShutdownSignals::install();
    if (!signals) return harmony::fail(signals.error());
    daemon::HealthRegistry health;
    daemon::MetricsRegistry metrics;
    auto running =
        agent::start_agent(config, HARMONY_VERSION, agent::make_agent_parts(config), health, metrics);
    if (!running) return harmony::fail(running.error());
    std::unique_ptr<http::HttpServer> server;
    if (config.health_enabled) {
        auto started = start_status_server(config, health, metrics);
        if (!started) return harmony::fail(started.error());
        server = *std::move(started);
    }
    kLog.info("started", {{"version", HARMONY_VERSION}, {"device", config.device_id.str()}});
    malloc_trim(0);
    const int signal = (*signals)->wait();
    kLog.info("stopping", {{"signal", signal}});
    if (server) server->stop();
    if (!(*running)->stop(kStopPatience)) {
        kLog.warning("a deployment is still at work; the next start goes on with it");
        std::_Exit(0);
    }
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
        std::puts("harmony-fleet-agent " HARMONY_VERSION);
        return 0;
    }
    const auto config = agent::read_agent_config(arguments.config);
    if (!config) {
        std::fprintf(stderr, "harmony-fleet-agent: %s\n", config.error().text().c_str());
        return kExitUsage;
    }
    if (arguments.check_only) {
        std::puts("configuration is valid");
        return 0;
    }
    if (auto started = daemon::start_logging(config->log_level); !started) {
        std::fprintf(stderr, "harmony-fleet-agent: %s\n", started.error().text().c_str());
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
        keep_memory_small();
        return run(count, values);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "harmony-fleet-agent: internal error: %s\n", error.what());
    } catch (...) {
        std::fputs("harmony-fleet-agent: internal error\n", stderr);
    }
    return kExitFailed;
}
