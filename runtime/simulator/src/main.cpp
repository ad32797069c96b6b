// harmony-fleet-simulator: plays many devices of a fleet over few connections.
#include <malloc.h>

#include <cstdio>
#include <exception>
#include <string>

#include "harmony/daemon/logging.hpp"
#include "harmony/daemon/shutdown.hpp"
#include "harmony/simulator/options.hpp"
#include "harmony/simulator/simulation.hpp"
#include "harmony/simulator/write_buffer.hpp"

namespace {

namespace daemon = harmony::runtime::daemon;
namespace simulator = harmony::simulator;
using Wish = simulator::CommandLine::Wish;

constexpr int kExitFailed = 1;
constexpr int kExitUsage = 2;

int complain(const harmony::Error& error, int code) {
    std::fprintf(stderr, "harmony-fleet-simulator: %s\n", error.text().c_str());
    return code;
}

int run(int count, char** values) {
    const auto line = simulator::read_command_line(count, values);
    if (!line) return complain(line.error(), kExitUsage);
    switch (line->wish) {
        case Wish::Help:
            std::fputs(simulator::usage().c_str(), stdout);
            return 0;
        case Wish::Version:
            std::puts("harmony-fleet-simulator " HARMONY_VERSION);
            return 0;
        case Wish::Check:
            std::puts("configuration is valid");
            return 0;
        case Wish::Run:
            break;
    }
    // Large blocks are mapped one by one and go back to the system when they are freed; by default malloc
    // keeps ever larger ones.
    mallopt(M_MMAP_THRESHOLD, simulator::WriteBuffer::kBlockBytes);
    if (auto logging = daemon::start_logging("info"); !logging) return complain(logging.error(), kExitFailed);
    auto signals = daemon::ShutdownSignals::install();
    if (!signals) return complain(signals.error(), kExitFailed);
    const auto done = simulator::run_simulation(line->options, HARMONY_VERSION, (*signals)->token());
    return done ? 0 : complain(done.error(), kExitFailed);
}

}  // namespace

int main(int count, char** values) {
    try {
        return run(count, values);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "harmony-fleet-simulator: internal error: %s\n", error.what());
    }
    return kExitFailed;
}
