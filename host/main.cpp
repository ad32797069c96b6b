#include <signal.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <harmony/host/runner_main.hpp>
#include <iostream>

#include "host/cli/run.hpp"
#include "host/cli/version.hpp"

namespace {

harmony::host::Cancellation* g_cancellation = nullptr;

// The first one cancels, the second one kills what runs, the third one ends this process as well.
extern "C" void on_interrupt(int) {
    g_cancellation->request();
    if (g_cancellation->requests() > 2) _exit(static_cast<int>(harmony::host::ExitCode::Interrupted));
}

void install_handlers() {
    struct sigaction action = {};
    action.sa_handler = on_interrupt;
    sigaction(SIGINT, &action, nullptr);
    sigaction(SIGTERM, &action, nullptr);
    // A reader that went away, such as `| head`, is no reason to die in the middle of a run.
    action.sa_handler = SIG_IGN;
    sigaction(SIGPIPE, &action, nullptr);
}

}  // namespace

int main(int argc, char** argv) {
    using namespace harmony::host;
    if (argc > 1 && std::strcmp(argv[1], kRunnerArgument) == 0) return runner_main(argc, argv);
    if (argc == 2 && std::strcmp(argv[1], "--version") == 0) {
        constexpr char kText[] = "harmony " HARMONY_VERSION "\n";
        return write(STDOUT_FILENO, kText, sizeof kText - 1) == static_cast<ssize_t>(sizeof kText - 1) ? 0
                                                                                                       : 1;
    }
    std::ios::sync_with_stdio(false);
    const auto environment = Environment::from_block(environ);
    Cancellation cancellation;
    g_cancellation = &cancellation;
    install_handlers();
    Streams streams{std::cin,
                    std::cout,
                    std::cerr,
                    isatty(STDIN_FILENO) == 1,
                    isatty(STDOUT_FILENO) == 1,
                    isatty(STDERR_FILENO) == 1};
    std::error_code ignored;
    const auto program = std::filesystem::read_symlink("/proc/self/exe", ignored);
    const int exit = run({argv + 1, argv + argc},
                         Setup{streams, environment, program.parent_path().string(), {}, &cancellation});
    std::cout.flush();
    return exit;
}
