// harmony-fleet-agent: runs on a device what the fleet asks of it, and tells how it fares.
#include <malloc.h>
#include <pthread.h>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>

#include "harmony/agent/agent.hpp"
#include "harmony/agent/config.hpp"
#include "harmony/agent/self_check.hpp"
#include "harmony/daemon/command_line.hpp"
#include "harmony/daemon/logging.hpp"
#include "harmony/daemon/shutdown.hpp"
#include "harmony/daemon/status_server.hpp"
#include "kernel_randomness.hpp"

namespace {

namespace agent = harmony::agent;
namespace daemon = harmony::runtime::daemon;
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
    "  --check-config   check it, the files it names, the state directory and podman, change nothing and\n"
    "                   exit: 0 where the agent can start, 2 where not\n"
    "  --version        print the version\n"
    "  --help           print this\n";

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

Result<int> serve(const agent::AgentConfig& config) {
    auto signals = daemon::ShutdownSignals::install();
    if (!signals) return harmony::fail(signals.error());
    daemon::HealthRegistry health;
    daemon::MetricsRegistry metrics;
    auto running =
        agent::start_agent(config, HARMONY_VERSION, agent::make_agent_parts(config), health, metrics);
    if (!running) return harmony::fail(running.error());
    daemon::RunningStatusServer status;
    if (config.health_enabled) {
        auto started = daemon::start_status_server(config.status_address, config.state_dir, health, metrics);
        if (!started) return harmony::fail(started.error().wrap("agent"));
        status = *std::move(started);
        kLog.info("status pages", {{"port", status.port}});
    }
    kLog.info("started", {{"version", HARMONY_VERSION}, {"device", config.device_id.str()}});
    malloc_trim(0);
    const int signal = (*signals)->wait();
    kLog.info("stopping", {{"signal", signal}});
    if (status.server) status.server->stop();
    if (!(*running)->stop(kStopPatience)) {
        kLog.warning("a deployment is still at work; the next start goes on with it");
        std::_Exit(0);
    }
    kLog.info("stopped");
    return 0;
}

const char* word_of(agent::CheckGrade grade) {
    switch (grade) {
        case agent::CheckGrade::Ok:
            return "ok";
        case agent::CheckGrade::Warning:
            return "warning";
        case agent::CheckGrade::Failed:
            break;
    }
    return "failed";
}

int check(const agent::AgentConfig& config) {
    std::puts("ok: configuration is valid");
    int code = 0;
    for (const agent::CheckLine& line : agent::self_check(config)) {
        std::printf("%s: %s %s\n", word_of(line.grade), line.subject.c_str(), line.finding.c_str());
        if (line.grade == agent::CheckGrade::Failed) code = kExitUsage;
    }
    return code;
}

int run(int count, char** values) {
    const auto arguments = daemon::parse_command_line(count, values, "harmony-fleet-agent",
                                                      agent::kConfigVariable, agent::kDefaultConfigPath);
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
    if (arguments.check_only) return check(*config);
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
        agent::draw_randomness_from_kernel();
        return run(count, values);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "harmony-fleet-agent: internal error: %s\n", error.what());
    } catch (...) {
        std::fputs("harmony-fleet-agent: internal error\n", stderr);
    }
    return kExitFailed;
}
