// fleet-simulation: runs seeds until one breaks an invariant, or all of them.
#include <fcntl.h>

#include <atomic>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "harmony/daemon/logging.hpp"
#include "world.hpp"

namespace {

using harmony::simulation::Outcome;
using harmony::simulation::WorldOptions;

constexpr const char* kUsage =
    "Usage: fleet-simulation [--seeds N] [--first K] [--jobs J] [--hours H] [--plant NAME]\n"
    "                        [--keep-going]\n"
    "       fleet-simulation --seed N [--verbose] [--hours H] [--plant NAME]\n"
    "\n"
    "  --seeds N     how many seeds, from --first on (default 100)\n"
    "  --first K     the first seed (default 1)\n"
    "  --jobs J      threads (default 1)\n"
    "  --hours H     simulated device-hours of each seed (default 80)\n"
    "  --keep-going  on after a violation; the seeds that violate are listed, without their histories\n"
    "  --seed N      one seed alone\n"
    "  --verbose     every event as it happens\n"
    "  --plant NAME  with a bug planted into the models: deaf-device, stray-container, two-generations,\n"
    "                bold-writer, hopeful-status, forgetful-store, endless-call\n"
    "\n"
    "Exit code 0: no violation; 1: a violation, with its seed and history; 2: wrong arguments.\n";

struct Arguments {
    std::uint64_t first = 1;
    std::uint64_t seeds = 100;
    int jobs = 1;
    bool keep_going = false;
    WorldOptions options;
};

template <class T>
bool number(const char* text, T& into) {
    const char* const end = text + std::strlen(text);
    const auto [stop, error] = std::from_chars(text, end, into);
    return error == std::errc() && stop == end;
}

bool parse(int count, char** values, Arguments& arguments) {
    for (int i = 1; i < count; ++i) {
        const std::string name = values[i];
        if (name == "--verbose") {
            arguments.options.verbose = true;
            continue;
        }
        if (name == "--keep-going") {
            arguments.keep_going = true;
            continue;
        }
        if (i + 1 == count) return false;
        const char* const value = values[++i];
        bool good = false;
        if (name == "--seeds") good = number(value, arguments.seeds);
        if (name == "--first") good = number(value, arguments.first);
        if (name == "--jobs") good = number(value, arguments.jobs) && arguments.jobs > 0;
        if (name == "--hours") good = number(value, arguments.options.device_hours);
        if (name == "--seed") {
            good = number(value, arguments.first);
            arguments.seeds = 1;
        }
        if (name == "--plant") {
            const auto plant = harmony::simulation::parse_plant(value);
            good = plant.has_value();
            if (plant) arguments.options.plants.insert(*plant);
        }
        if (!good) return false;
    }
    return true;
}

void print_violation(const Outcome& outcome, const WorldOptions& options, bool with_history) {
    std::string plants;
    for (const auto plant : options.plants)
        plants.append(" --plant ").append(harmony::simulation::to_string(plant));
    std::printf("%sseed %llu violates %s: %s\nreplay: fleet-simulation --seed %llu --hours %g --verbose%s\n",
                with_history ? outcome.history.c_str() : "", static_cast<unsigned long long>(outcome.seed),
                outcome.violation->invariant.c_str(), outcome.violation->detail.c_str(),
                static_cast<unsigned long long>(outcome.seed), options.device_hours, plants.c_str());
    std::fflush(stdout);
}

int run(const Arguments& arguments) {
    const auto began = std::chrono::steady_clock::now();
    std::atomic<std::uint64_t> next{arguments.first};
    const std::uint64_t end = arguments.first + arguments.seeds;
    std::atomic<std::uint64_t> failed{0};
    std::mutex mutex;
    double hours = 0;
    std::uint64_t events = 0;
    std::uint64_t done = 0;
    std::uint64_t last_hash = 0;
    const auto work = [&] {
        while (failed == 0 || arguments.keep_going) {
            const std::uint64_t seed = next++;
            if (seed >= end) return;
            WorldOptions options = arguments.options;
            options.seed = seed;
            const Outcome outcome = harmony::simulation::simulate(options);
            const std::lock_guard lock(mutex);
            hours += outcome.device_hours;
            events += outcome.events;
            last_hash = outcome.history_hash;
            ++done;
            if (!outcome.violation) continue;
            if (failed++ > 0 && !arguments.keep_going) continue;
            print_violation(outcome, options, !arguments.keep_going);
        }
    };
    std::vector<std::thread> threads;
    for (int i = 1; i < arguments.jobs; ++i)
        threads.emplace_back(work);
    work();
    for (std::thread& thread : threads)
        thread.join();
    const double wall = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
    std::printf("%llu seeds, %.0f simulated device-hours, %llu events, %.1f s\n",
                static_cast<unsigned long long>(done), hours, static_cast<unsigned long long>(events), wall);
    if (arguments.keep_going)
        std::printf("%llu seeds with a violation\n", static_cast<unsigned long long>(failed.load()));
    if (arguments.seeds == 1)
        std::printf("history hash %016llx\n", static_cast<unsigned long long>(last_hash));
    return failed > 0 ? 1 : 0;
}

}  // namespace

int main(int count, char** values) {
    Arguments arguments;
    if (count == 2 && std::strcmp(values[1], "--help") == 0) {
        std::fputs(kUsage, stdout);
        return 0;
    }
    if (!parse(count, values, arguments)) {
        std::fputs(kUsage, stderr);
        return 2;
    }
    // The daemons' own lines would drown the history.
    harmony::runtime::daemon::log_to_descriptor(open("/dev/null", O_WRONLY | O_CLOEXEC));
    if (!harmony::runtime::daemon::start_logging("error")) return 2;
    try {
        return run(arguments);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "fleet-simulation: %s\n", error.what());
        return 2;
    }
}
