// A local context in a temporary folder, with what the tests need to look at it from outside.
#pragma once

#include <catch2/catch.hpp>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>

#include "local_daemons.hpp"
#include "process_identity.hpp"

namespace harmony::local::testing {

inline bool never() {
    return false;
}

// Polls until the condition holds; the test fails when it does not within the time.
template <class Condition>
bool eventually(Condition condition, std::chrono::seconds limit = std::chrono::seconds(20)) {
    const auto deadline = std::chrono::steady_clock::now() + limit;
    while (std::chrono::steady_clock::now() < deadline) {
        if (condition()) return true;
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return condition();
}

inline std::filesystem::path make_temporary_folder(const std::string& name) {
    std::string pattern = (std::filesystem::temp_directory_path() / (name + "-XXXXXX")).string();
    return ::mkdtemp(pattern.data());
}

class TemporaryContext {
 public:
    explicit TemporaryContext(const std::string& name = "harmony-local")
        : root_(make_temporary_folder(name)),
          daemons_((root_ / "the state").string(), {HARMONY_BINARY_DIR "/bin"}) {}
    TemporaryContext(const TemporaryContext&) = delete;
    TemporaryContext& operator=(const TemporaryContext&) = delete;
    ~TemporaryContext() {
        for (const auto& daemon : folders().daemon_names()) {
            auto removed = daemons_.remove(daemon, true, never);
            if (!removed) UNSCOPED_INFO("leftover: " << removed.error().summary);
        }
        auto ended = daemons_.supervisor().end_if_idle();
        std::error_code ignored;
        std::filesystem::remove_all(root_, ignored);
    }

    [[nodiscard]] LocalDaemons& daemons() { return daemons_; }
    [[nodiscard]] const ContextFolders& folders() const { return daemons_.folders(); }
    [[nodiscard]] const std::filesystem::path& root() const { return root_; }

    [[nodiscard]] pid_t supervisor_pid() const {
        const auto holders = processes_with_open(folders().supervisor_lock());
        return holders.empty() ? 0 : holders.front().pid;
    }
    void kill_supervisor() {
        const auto identity = identify(supervisor_pid());
        REQUIRE(identity);
        ::kill(identity->pid, SIGKILL);
        REQUIRE(eventually([&] { return !is_alive(*identity) && !is_locked(folders().supervisor_lock()); }));
    }
    [[nodiscard]] DaemonView view(const std::string& name) {
        auto found = daemons_.inspect(name);
        REQUIRE(found);
        REQUIRE(*found);
        return **found;
    }
    DaemonView ensured(const DaemonSpec& spec) {
        auto result = daemons_.ensure(spec, never);
        if (!result)
            FAIL(result.error().code << ": " << result.error().summary << "\n" << result.error().detail);
        return result->daemon;
    }
    [[nodiscard]] DaemonPlan planned(const DaemonSpec& spec) {
        auto result = daemons_.plan(spec);
        if (!result) FAIL(result.error().code << ": " << result.error().summary);
        return *result;
    }

 private:
    std::filesystem::path root_;
    LocalDaemons daemons_;
};

// A daemon that lives until it is told to end and writes what happens to it into its log.
inline DaemonSpec shell_daemon(const std::string& name, const std::string& script) {
    DaemonSpec spec;
    spec.name = name;
    spec.program = "/bin/sh";
    spec.args = {"-c", script};
    spec.restart.initial = std::chrono::milliseconds(20);
    spec.restart.max = std::chrono::milliseconds(200);
    spec.stop.grace_s = 5;
    return spec;
}
inline DaemonSpec sleeper(const std::string& name) {
    return shell_daemon(name, "echo started $$; while :; do sleep 1000; done");
}

inline DaemonFile file(const std::string& path, const std::string& content) {
    DaemonFile made;
    made.path = path;
    made.content = content;
    made.hash = "";
    return made;
}

inline std::string contents(const std::filesystem::path& path) {
    std::ifstream in(path);
    std::ostringstream text;
    text << in.rdbuf();
    return text.str();
}

}  // namespace harmony::local::testing
