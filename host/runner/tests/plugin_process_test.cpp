#include <harmony/plugin.h>
#include <harmony/host/plugin_process.hpp>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>
#include <vector>

using namespace harmony::host;
using namespace std::chrono_literals;

namespace {

// A copy with content of its own: deaths are counted by content, for the whole process.
struct Folder {
    std::string path = "/tmp/harmony-runner-test.XXXXXX";
    Folder() { REQUIRE(::mkdtemp(path.data()) != nullptr); }
    ~Folder() { std::filesystem::remove_all(path); }
    std::string copy(const std::string& from) const {
        static int number = 0;
        const auto to = path + "/harmony-probe.so";
        std::filesystem::copy_file(from, to);
        std::ofstream(to, std::ios::app | std::ios::binary) << ++number << path;
        std::filesystem::permissions(to, std::filesystem::perms(0644));
        return to;
    }
};

struct Probe {
    Folder folder;
    std::vector<std::string> lines;
    std::vector<std::string> events;
    std::function<CallResult(const ServiceRequest&)> service;
    std::function<void(std::string_view)> on_line = [](std::string_view) {};
    std::unique_ptr<PluginProcess> plugin;
    InstanceId instance = 0;

    explicit Probe(Isolation isolation = Isolation::Process, const char* from = HARMONY_PROBE,
                   std::chrono::milliseconds grace = 20s) {
        PluginProcessOptions options;
        options.path = folder.copy(from);
        options.plugin_id = "harmony-test/probe";
        options.isolation = isolation;
        options.runner_executable = HARMONY_TEST_RUNNER_PROGRAM;
        options.grace = grace;
        options.start_timeout = 30s;
        PluginCallbacks callbacks;
        callbacks.log = [this](std::int32_t, std::string_view line) {
            lines.emplace_back(line);
            on_line(line);
        };
        callbacks.progress = [this](std::string_view event) { events.emplace_back(event); };
        callbacks.service = [this](const ServiceRequest& request) { return service(request); };
        plugin = make_plugin_process(options, callbacks);
    }
    void create() {
        auto created = plugin->create("{}", {});
        if (!created) FAIL(created.error().diagnostic.summary);
        instance = *created;
    }
    CallResult invoke(std::string_view method, CallOptions options = {}, std::string_view params = "{}") {
        return plugin->invoke(instance, method, params, options);
    }
};

struct Environment {
    explicit Environment(const char* mode) { ::setenv("HARMONY_TEST_RUNNER", mode, 1); }
    ~Environment() { ::unsetenv("HARMONY_TEST_RUNNER"); }
};

bool has(const std::vector<std::string>& lines, const std::string& wanted) {
    return std::find(lines.begin(), lines.end(), wanted) != lines.end();
}

bool mentions(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a plugin answers the same in a runner and in the host's own process") {
    for (const auto isolation : {Isolation::Process, Isolation::None}) {
        Probe probe(isolation);
        probe.create();
        CHECK(probe.invoke("ok").value() == R"({"ok":true})");
        CHECK(probe.invoke("echo", {}, R"({"a":[1,"ü"]})").value() == R"({"a":[1,"ü"]})");
        const auto failed = probe.invoke("fail");
        REQUIRE_FALSE(failed);
        CHECK(failed.error().code == HP_E_FAILED);
        CHECK(failed.error().diagnostic.code == "probe.failed");
        CHECK(failed.error().diagnostic.summary == "it? failed");
        CHECK(failed.error().diagnostic.retryable);
        CHECK(probe.invoke("no.such").error().code == HP_E_METHOD);
        CHECK(probe.invoke("garbage").error().code == HP_E_INTERNAL);
        CHECK(probe.invoke("large").error().code == HP_E_TOO_LARGE);
        CHECK(probe.plugin->sha256().size() == 64);
        CHECK(probe.plugin->destroy(probe.instance, {}));
    }
}

TEST_CASE("what a plugin writes, logs and reports reaches the host's callbacks") {
    Probe probe;
    probe.create();
    REQUIRE(probe.invoke("noisy"));
    probe.plugin->close();
    CHECK(has(probe.lines, "to standard output"));
    CHECK(has(probe.lines, "to standard error"));
    CHECK(has(probe.lines, "a log line"));
    REQUIRE(probe.events.size() == 1);
    CHECK(probe.events[0] == R"({"fraction":0.5,"message":"half"})");
}

TEST_CASE("one runner is reused for every call and gone after close") {
    Probe probe;
    probe.create();
    const auto pid = probe.plugin->process_id();
    REQUIRE(pid > 0);
    REQUIRE(probe.invoke("ok"));
    CHECK(probe.plugin->process_id() == pid);
    CHECK(::getpgid(pid) == pid);
    probe.plugin->close();
    CHECK(::kill(pid, 0) != 0);
    CHECK(probe.plugin->process_id() == 0);
}

TEST_CASE("a plugin that ends its process is one failure with the reason and its last lines") {
    struct Case {
        const char* method;
        const char* reason;
    };
    for (const auto& [method, reason] :
         {Case{"crash", "signal SIGSEGV"}, Case{"abort", "signal SIGABRT"}, Case{"exit", "exit code 7"}}) {
        Probe probe;
        probe.create();
        const auto result = probe.invoke(method);
        REQUIRE_FALSE(result);
        CHECK(result.error().diagnostic.code == "plugin.crashed");
        CHECK(mentions(result.error().diagnostic.summary, reason));
        if (std::string(method) == "crash")
            CHECK(mentions(result.error().diagnostic.detail, "about to crash"));
        CHECK(probe.invoke("ok").error().code == HP_E_HANDLE);
    }
}

TEST_CASE("a plugin that died once is started again, one that died twice is not") {
    Probe probe;
    probe.create();
    const auto first = probe.instance;
    REQUIRE_FALSE(probe.invoke("abort"));
    probe.create();
    CHECK(probe.instance != first);
    CHECK(probe.plugin->invoke(first, "ok", "{}", {}).error().code == HP_E_HANDLE);
    CHECK(probe.invoke("ok"));
    CHECK(mentions(probe.invoke("abort").error().diagnostic.hint, "not started again"));
    CHECK(probe.plugin->create("{}", {}).error().diagnostic.code == "plugin.quarantined");
    CHECK(probe.plugin->process_id() == 0);
}

TEST_CASE("a runner killed from outside in the middle of a call is a crash") {
    Probe probe;
    probe.create();
    const auto pid = probe.plugin->process_id();
    probe.service = [pid](const ServiceRequest&) -> CallResult {
        ::kill(pid, SIGKILL);
        return "{}";
    };
    CHECK(mentions(probe.invoke("service").error().diagnostic.summary, "SIGKILL"));
}

TEST_CASE("a deadline cancels first, and ends a plugin that ignores it") {
    Probe polite;
    polite.create();
    const auto stopped = polite.invoke("wait", {50ms, nullptr});
    REQUIRE_FALSE(stopped);
    CHECK(stopped.error().code == HP_E_DEADLINE);
    CHECK(polite.invoke("ok"));  // it lives on

    Probe rude(Isolation::Process, HARMONY_PROBE, 100ms);
    rude.create();
    const auto hung = rude.invoke("hang", {50ms, nullptr});
    REQUIRE_FALSE(hung);
    CHECK(hung.error().code == HP_E_DEADLINE);
    CHECK(hung.error().diagnostic.code == "plugin.deadline");
    CHECK(rude.plugin->process_id() == 0);
}

TEST_CASE("the first request cancels, the second kills") {
    Cancellation once;
    Probe polite;
    polite.create();
    polite.on_line = [&once](std::string_view line) {
        if (line == "waiting") once.request();
    };
    const auto told = polite.invoke("wait", {0ms, &once});
    REQUIRE_FALSE(told);
    CHECK(told.error().code == HP_E_CANCELLED);
    CHECK(told.error().diagnostic.code == "probe.told");

    polite.on_line = [](std::string_view) {};
    CHECK(polite.invoke("wait", {0ms, &once}).error().code == HP_E_CANCELLED);
    CHECK(polite.invoke("ok"));

    Cancellation twice;
    Probe rude(Isolation::Process, HARMONY_PROBE, 100ms);
    rude.create();
    twice.request();
    twice.request();
    const auto killed = rude.invoke("hang", {0ms, &twice});
    CHECK(killed.error().diagnostic.code == "plugin.cancelled");
}

TEST_CASE("a service may call another plugin, and the same one on another instance") {
    for (const auto isolation : {Isolation::Process, Isolation::None}) {
        Probe outer(isolation);
        Probe other(isolation);
        outer.create();
        other.create();
        const auto second = outer.plugin->create("{}", {}).value();
        InstanceId asked_for = 0;
        std::string answers;
        outer.service = [&](const ServiceRequest& request) -> CallResult {
            asked_for = request.instance;
            answers = other.invoke("ok").value() + outer.plugin->invoke(second, "ok", "{}", {}).value();
            return std::string(request.params);
        };
        CHECK(outer.invoke("service", {}, R"({"x":1})").value() == R"({"x":1})");
        CHECK(asked_for == outer.instance);
        CHECK(answers == R"({"ok":true}{"ok":true})");
    }
}

TEST_CASE("a service's failure reaches the plugin with code and diagnostic") {
    Probe probe;
    probe.create();
    probe.service = [](const ServiceRequest& request) -> CallResult {
        CHECK(request.options.timeout > 0ms);
        return tl::unexpected(
            CallFailure{HP_E_INVALID, diagnostic("capability.unknown", "no such capability")});
    };
    const auto result = probe.invoke("service", {10s, nullptr});
    REQUIRE_FALSE(result);
    CHECK(result.error().code == HP_E_INVALID);
    CHECK(result.error().diagnostic.code == "capability.unknown");
}

TEST_CASE("a runner that breaks the protocol is ended and named") {
    for (const char* mode : {"nonce", "huge", "garbage"}) {
        const Environment environment(mode);
        Probe probe;
        const auto result = probe.plugin->create("{}", {});
        REQUIRE_FALSE(result);
        INFO(mode);
        CHECK(result.error().diagnostic.code == "plugin.protocol");
        CHECK(probe.plugin->process_id() == 0);
    }
}

TEST_CASE("a plugin whose code describes another manifest than its file is not used") {
    Probe probe(Isolation::Process, HARMONY_PROBE_DIFFERENT);
    const auto result = probe.plugin->create("{}", {});
    REQUIRE_FALSE(result);
    CHECK(result.error().diagnostic.code == "plugin.manifest-differs");
    CHECK(mentions(result.error().diagnostic.summary, "version"));
}

TEST_CASE("a plugin of a future level is refused with both ranges") {
    Probe probe(Isolation::Process, HARMONY_PROBE_FUTURE);
    const auto result = probe.plugin->create("{}", {});
    REQUIRE_FALSE(result);
    CHECK(result.error().code == HP_E_LEVEL);
    CHECK(mentions(result.error().diagnostic.summary, "levels 9 to 9"));
}

TEST_CASE("a shared object that can't be loaded is refused with the loader's reason") {
    Probe probe;
    std::filesystem::resize_file(probe.folder.path + "/harmony-probe.so", 300);
    const auto result = probe.plugin->create("{}", {});
    REQUIRE_FALSE(result);
    CHECK(result.error().diagnostic.code == "plugin.load-failed");
}

TEST_CASE("a runner is gone when its host was killed") {
    Folder folder;
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    const pid_t host = ::fork();
    if (host == 0) {
        Probe probe;
        probe.create();
        const int pid = probe.plugin->process_id();
        (void)!::write(ends[1], &pid, sizeof pid);
        ::pause();
        ::_exit(0);
    }
    int runner = 0;
    REQUIRE(::read(ends[0], &runner, sizeof runner) == static_cast<ssize_t>(sizeof runner));
    const int watched = static_cast<int>(::syscall(SYS_pidfd_open, runner, 0));
    REQUIRE(watched >= 0);
    ::kill(host, SIGKILL);
    ::waitpid(host, nullptr, 0);
    pollfd set{watched, POLLIN, 0};
    CHECK(::poll(&set, 1, 5000) == 1);
    ::close(watched);
    ::close(ends[0]);
    ::close(ends[1]);
}
