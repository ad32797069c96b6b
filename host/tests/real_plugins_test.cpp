// The installed binary with real runners: plugins that crash, exit, hang, and a harmony that is killed.
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "host/engine/journal.hpp"

using namespace harmony::host;
using Catch::Contains;

namespace {

// What a person sees and types at.
struct Terminal {
    Terminal() { REQUIRE(::openpty(&outside, &inside, nullptr, nullptr, nullptr) == 0); }
    ~Terminal() {
        ::close(outside);
        ::close(inside);
    }
    Terminal(const Terminal&) = delete;
    Terminal& operator=(const Terminal&) = delete;

    void await(const std::string& text) const {
        std::string seen;
        while (seen.find(text) == std::string::npos) {
            pollfd set{outside, POLLIN, 0};
            INFO(seen);
            REQUIRE(::poll(&set, 1, 20'000) == 1);
            char buffer[4096];
            const ssize_t got = ::read(outside, buffer, sizeof buffer);
            REQUIRE(got > 0);
            seen.append(buffer, static_cast<std::size_t>(got));
        }
    }

    int outside = -1;
    int inside = -1;
};

class Binary {
 public:
    Binary() {
        REQUIRE(::mkdtemp(root.data()) != nullptr);
        std::filesystem::create_directories(root + "/.config/harmony");
        std::ofstream(root + "/.config/harmony/contexts.yaml")
            << "current: nowhere\ncontexts:\n  nowhere:\n    topology: NowhereTopology\n";
    }
    ~Binary() { std::filesystem::remove_all(root); }
    Binary(const Binary&) = delete;
    Binary& operator=(const Binary&) = delete;

    // With a terminal: as stdin and stderr.
    pid_t start(std::vector<std::string> words, int terminal = -1) {
        words.insert(words.begin(), HARMONY_BINARY);
        std::vector<std::string> variables = {"HOME=" + root, "PATH=/usr/bin:/bin",
                                              "HARMONY_PLUGIN_PATH=" HARMONY_TEST_PLUGINS};
        std::vector<char*> argv;
        std::vector<char*> envp;
        for (auto& word : words)
            argv.push_back(word.data());
        for (auto& variable : variables)
            envp.push_back(variable.data());
        argv.push_back(nullptr);
        envp.push_back(nullptr);
        posix_spawn_file_actions_t actions;
        posix_spawn_file_actions_init(&actions);
        const std::string out = root + "/out";
        const std::string err = root + "/err";
        posix_spawn_file_actions_addopen(&actions, 1, out.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
        if (terminal >= 0) {
            for (const int stream : {0, 2})
                posix_spawn_file_actions_adddup2(&actions, terminal, stream);
        } else {
            posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
            posix_spawn_file_actions_addopen(&actions, 2, err.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
        }
        pid_t pid = 0;
        REQUIRE(posix_spawn(&pid, HARMONY_BINARY, &actions, nullptr, argv.data(), envp.data()) == 0);
        posix_spawn_file_actions_destroy(&actions);
        return pid;
    }

    // The exit code, or minus the signal.
    int wait(pid_t pid) const {
        int status = 0;
        REQUIRE(::waitpid(pid, &status, 0) == pid);
        return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
    }

    int run(std::vector<std::string> words) { return wait(start(std::move(words))); }

    [[nodiscard]] std::string read(const char* name) const {
        std::ifstream stream(root + "/" + name);
        return {std::istreambuf_iterator<char>(stream), {}};
    }
    [[nodiscard]] nlohmann::json json() const { return nlohmann::json::parse(read("out")); }
    [[nodiscard]] std::string state() const { return root + "/.local/state/harmony/contexts/nowhere"; }

    // Waits until the run has announced its first step.
    void await_step() const {
        const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
        for (;;) {
            const auto journal = last_journal(state());
            if (journal && journal->step_unfinished) return;
            REQUIRE(std::chrono::steady_clock::now() < deadline);
            std::this_thread::sleep_for(std::chrono::milliseconds(5));
        }
    }

    std::string root = "/tmp/harmony-real-test.XXXXXX";
};

}  // namespace

TEST_CASE("Code that dies or throws in apply is one clear failure, and the other Score finishes") {
    const auto [score, said] = GENERATE(table<std::string, std::string>(
        {{"CrashScore", "SIGSEGV"}, {"ExitScore", "exit"}, {"ThrowScore", "thrown on purpose"}}));
    Binary binary;
    INFO(score);
    CHECK(binary.run({"apply", "--filter", score, "--filter", "GoodScore", "--yes", "--output", "json"}) ==
          1);
    for (const auto& result : binary.json()["scores"]) {
        if (result["score"] == "GoodScore") {
            CHECK(result["outcome"] == "ok");
        } else {
            CHECK(result["outcome"] == "failed");
            CHECK_THAT(result["error"].dump(), Contains(said));
        }
    }
    CHECK(last_journal(binary.state())->outcome == "failed");
    CHECK(binary.run({"destroy", "--all", "--yes"}) == 0);
}

TEST_CASE("Code that hangs in apply is ended at its deadline, and the other Score finishes") {
    Binary binary;
    CHECK(binary.run({"apply", "--filter", "HangScore", "--filter", "NoisyScore", "--yes", "--timeout", "1",
                      "--output", "json"}) == 1);
    const auto scores = binary.json()["scores"];
    CHECK(scores[0]["outcome"] == "failed");
    CHECK(scores[1]["outcome"] == "ok");
    CHECK(binary.read("out").find("noise") == std::string::npos);
}

TEST_CASE("Killed in the middle of apply, harmony is finished by the next run") {
    Binary binary;
    const pid_t pid = binary.start({"apply", "--filter", "PatientScore", "--yes"});
    binary.await_step();
    REQUIRE(::kill(pid, SIGKILL) == 0);
    CHECK(binary.wait(pid) == -SIGKILL);
    CHECK(binary.run({"apply", "--filter", "GoodScore", "--yes"}) == 0);
    CHECK_THAT(binary.read("err"), Contains("was interrupted during step"));
    CHECK(binary.run({"status", "--output", "json"}) == 0);
    CHECK(binary.json()["last_run"]["outcome"] == "ok");
    CHECK(binary.json()["scores"].size() == 2);
}

TEST_CASE("An interrupt cancels the running step and exits with 130") {
    Binary binary;
    const pid_t pid = binary.start({"apply", "--filter", "PatientScore", "--yes"});
    binary.await_step();
    REQUIRE(::kill(pid, SIGINT) == 0);
    CHECK(binary.wait(pid) == 130);
    CHECK(last_journal(binary.state())->outcome == "interrupted");
}

TEST_CASE("An interrupt at a question ends the run at once, with 130 and nothing changed") {
    Terminal terminal;
    Binary binary;
    const pid_t pid = binary.start({"apply", "--filter", "GoodScore"}, terminal.inside);
    terminal.await("[y/N]");
    REQUIRE(::kill(pid, SIGINT) == 0);
    CHECK(binary.wait(pid) == 130);
    CHECK_FALSE(last_journal(binary.state()));
}

TEST_CASE("Version and help need nothing") {
    Binary binary;
    CHECK(binary.run({"--version"}) == 0);
    CHECK_THAT(binary.read("out"), Contains("harmony "));
    CHECK(binary.run({"apply", "--help"}) == 0);
    CHECK_THAT(binary.read("out"), Contains("Examples"));
    CHECK_FALSE(std::filesystem::exists(binary.root + "/.local"));
    CHECK_FALSE(std::filesystem::exists(binary.root + "/.cache"));
}
