// The supervisor with real processes.
#include <sys/stat.h>

#include <future>
#include <nlohmann/json.hpp>

#include "control_protocol.hpp"
#include "durable_file.hpp"
#include "temporary_context.hpp"

using namespace harmony::local;
using namespace harmony::local::testing;

TEST_CASE("a daemon runs after ensure and a second ensure changes nothing") {
    TemporaryContext context;
    const auto spec = sleeper("sleeper");
    CHECK(context.planned(spec).action == DaemonAction::Create);
    CHECK_FALSE(std::filesystem::exists(context.folders().state()));

    const auto first = context.ensured(spec);
    CHECK(first.state == "running");
    CHECK(first.ready);
    CHECK(is_alive(*identify(first.pid)));
    CHECK(context.planned(spec).action == DaemonAction::None);
    CHECK(context.planned(spec).diff.empty());

    auto again = context.daemons().ensure(spec, never);
    REQUIRE(again);
    CHECK(again->action == DaemonAction::None);
    CHECK(again->daemon.pid == first.pid);
}

TEST_CASE("a killed daemon is started again and its end is named") {
    TemporaryContext context;
    const auto first = context.ensured(sleeper("sleeper"));
    ::kill(first.pid, SIGKILL);
    REQUIRE(eventually([&] {
        const auto now = context.view("sleeper");
        return now.pid != 0 && now.pid != first.pid && now.ready;
    }));
    const auto now = context.view("sleeper");
    CHECK(now.restarts == 1);
    CHECK(now.last_exit == "signal KILL");
}

TEST_CASE("a daemon that was stopped stays so until it is started, and keeps its data") {
    TemporaryContext context;
    const auto spec = sleeper("sleeper");
    const auto first = context.ensured(spec);
    context.ensured(sleeper("other"));  // keeps the supervisor alive
    auto stopped = context.daemons().stop("sleeper", never);
    REQUIRE(stopped);
    CHECK(stopped->state == "stopped");
    CHECK(stopped->pid == 0);
    CHECK_FALSE(identify(first.pid));
    CHECK(context.planned(spec).action == DaemonAction::Restart);
    CHECK(context.daemons().signal("sleeper", "KILL", never).error().code == "process-host.not-running");
    auto started = context.daemons().restart("sleeper", never);
    REQUIRE(started);
    CHECK(started->ready);
    CHECK(started->pid != first.pid);
    CHECK(context.planned(spec).action == DaemonAction::None);
    CHECK(context.daemons().stop("nobody", never).error().code == "process-host.not-found");
}

TEST_CASE("a signal reaches the daemon's process, and what ends of it is started again") {
    TemporaryContext context;
    const auto first = context.ensured(sleeper("sleeper"));
    CHECK(context.daemons().signal("sleeper", "NONSENSE", never).error().code ==
          "process-host.invalid-signal");
    REQUIRE(context.daemons().signal("sleeper", "KILL", never));
    REQUIRE(eventually([&] {
        const auto now = context.view("sleeper");
        return now.pid != 0 && now.pid != first.pid && now.ready;
    }));
    CHECK(context.view("sleeper").last_exit == "signal KILL");
}

TEST_CASE("data that a removal has kept is told, and goes with a later removal") {
    TemporaryContext context;
    const auto first = context.ensured(sleeper("sleeper"));
    std::ofstream(std::filesystem::path(first.data_dir) / "book") << "words";
    CHECK(context.daemons().kept_data().empty());
    REQUIRE(context.daemons().remove("sleeper", false, never));
    CHECK(context.daemons().kept_data() == std::vector<std::string>{"sleeper"});
    auto removed = context.daemons().remove("sleeper", true, never);
    REQUIRE(removed);
    CHECK(*removed);
    CHECK(context.daemons().kept_data().empty());
    CHECK_FALSE(std::filesystem::exists(first.data_dir));
}

TEST_CASE("a daemon survives the death of its supervisor and the next one adopts it") {
    TemporaryContext context;
    const auto spec = sleeper("sleeper");
    const auto first = context.ensured(spec);
    const pid_t supervisor = context.supervisor_pid();
    context.kill_supervisor();
    CHECK(is_alive(*identify(first.pid)));
    const auto unsupervised = context.planned(spec);
    CHECK(unsupervised.action == DaemonAction::Update);
    REQUIRE(unsupervised.diff.size() == 1);
    CHECK(unsupervised.diff[0].path == "supervised");

    const auto second = context.ensured(spec);
    CHECK(second.pid == first.pid);
    CHECK(context.supervisor_pid() != supervisor);
    CHECK(context.planned(spec).action == DaemonAction::None);

    ::kill(first.pid, SIGKILL);
    REQUIRE(eventually([&] {
        const auto now = context.view("sleeper");
        return now.pid != 0 && now.pid != first.pid && now.ready;
    }));
}

TEST_CASE("a daemon that died with its supervisor is started again, once") {
    TemporaryContext context;
    const auto spec = sleeper("sleeper");
    const auto first = context.ensured(spec);
    const auto lock = context.folders().daemon("sleeper").lock();
    REQUIRE(eventually([&] { return processes_with_open(lock).size() == 2; }));
    const pid_t orphan = processes_with_open(lock).back().pid;
    context.kill_supervisor();
    ::kill(first.pid, SIGKILL);
    REQUIRE(eventually([&] { return !identify(first.pid); }));
    CHECK(context.view("sleeper").state == "stopped");
    CHECK(context.planned(spec).action == DaemonAction::Restart);
    const auto second = context.ensured(spec);
    CHECK(second.pid != first.pid);
    // What the dead shell had started is ended before the new one starts, so only the new session is left.
    for (const auto& process : processes_with_open(context.folders().daemon("sleeper").lock())) {
        CHECK(session_of(process.pid) == second.pid);
    }
    CHECK(eventually([&] { return !identify(orphan); }));
}

TEST_CASE("a record of an earlier boot does not make a stranger of the same number ours") {
    TemporaryContext context;
    const auto spec = sleeper("sleeper");
    const auto first = context.ensured(spec);
    context.kill_supervisor();
    ::kill(-first.pid, SIGKILL);
    REQUIRE(eventually([&] { return !identify(first.pid); }));
    const auto folders = context.folders().daemon("sleeper");
    auto self = *identify(::getpid());
    self.boot_id = "another boot";
    REQUIRE(save_run(folders, {self, context.view("sleeper").spec_hash, "", ""}));
    CHECK(context.planned(spec).action == DaemonAction::Restart);
    CHECK(context.ensured(spec).pid != ::getpid());
}

TEST_CASE("with a damaged run.json the living process is found by its lock and never doubled") {
    TemporaryContext context;
    const auto spec = sleeper("sleeper");
    const auto first = context.ensured(spec);
    context.kill_supervisor();
    std::ofstream(context.folders().daemon("sleeper").run()) << "{ half";
    const auto second = context.ensured(spec);
    CHECK(second.ready);
    CHECK((second.pid == first.pid || !identify(first.pid)));
    CHECK(context.planned(spec).action == DaemonAction::None);
}

TEST_CASE("with a damaged spec.json the next ensure puts everything right without a second process") {
    TemporaryContext context;
    const auto spec = sleeper("sleeper");
    const auto first = context.ensured(spec);
    context.kill_supervisor();
    std::ofstream(context.folders().daemon("sleeper").spec()) << "garbage";
    CHECK(context.planned(spec).action == DaemonAction::Create);
    const auto second = context.ensured(spec);
    CHECK(second.pid != first.pid);
    CHECK_FALSE(identify(first.pid));
    CHECK(context.planned(spec).action == DaemonAction::None);
}

TEST_CASE("an endless crash is reported at once with the last lines of the log and stays visible") {
    TemporaryContext context;
    const auto spec = shell_daemon("crasher", "echo cannot open the door >&2; exit 3");
    auto result = context.daemons().ensure(spec, never);
    REQUIRE_FALSE(result);
    CHECK(result.error().code == "process-host.keeps-ending");
    CHECK(result.error().summary.find("exit 3") != std::string::npos);
    CHECK(result.error().detail.find("cannot open the door") != std::string::npos);
    REQUIRE(eventually([&] { return context.view("crasher").state == "backing-off"; }));
    CHECK(context.view("crasher").last_exit == "exit 3");
    CHECK(context.view("crasher").restarts >= 3);
}

TEST_CASE("a daemon that never answers is reported after its time") {
    TemporaryContext context;
    auto spec = sleeper("mute");
    spec.ports = {{"http", 0}};
    spec.readiness = {"http", "http", "/healthz", 0.3};
    auto result = context.daemons().ensure(spec, never);
    REQUIRE_FALSE(result);
    CHECK(result.error().code == "process-host.not-ready");
    CHECK(result.error().detail.find("started") != std::string::npos);
    CHECK(context.view("mute").state == "starting");
}

TEST_CASE("a changed argument restarts, a changed reloadable file only sends the signal") {
    TemporaryContext context;
    auto spec = shell_daemon(
        "reloader",
        "trap 'echo reloaded: $(cat \"@{config}/sub/text\")' HUP; echo up; while :; do sleep 0.05; done");
    spec.reload_signal = "HUP";
    spec.files = {file("sub/text", "one")};
    spec.files[0].reloadable = true;
    const auto first = context.ensured(spec);
    REQUIRE(eventually([&] { return !context.daemons().logs("reloader", 10)->empty(); }));

    spec.files[0].content = "two";
    const auto plan = context.planned(spec);
    CHECK(plan.action == DaemonAction::Reload);
    REQUIRE(plan.diff.size() == 1);
    CHECK(plan.diff[0].path == "files.sub/text");
    CHECK(plan.diff[0].before == "one");
    CHECK(plan.diff[0].after == "two");
    const auto second = context.ensured(spec);
    CHECK(second.pid == first.pid);
    CHECK(eventually([&] { return context.daemons().logs("reloader", 1)->back() == "reloaded: two"; }));
    CHECK(context.planned(spec).action == DaemonAction::None);

    spec.env["COLOUR"] = "blue";
    CHECK(context.planned(spec).action == DaemonAction::Update);
    CHECK(context.ensured(spec).pid != first.pid);
    CHECK(context.planned(spec).action == DaemonAction::None);
}

TEST_CASE("sensitive contents are only in their own file, which only its owner reads") {
    TemporaryContext context;
    auto spec = sleeper("keeper");
    spec.files = {file("password", "s3cret-value")};
    spec.files[0].sensitive = true;
    context.ensured(spec);
    const auto folders = context.folders().daemon("keeper");
    struct stat status {};
    REQUIRE(::stat((folders.config() / "password").c_str(), &status) == 0);
    CHECK((status.st_mode & 0777) == 0600);
    REQUIRE(::stat(folders.config().c_str(), &status) == 0);
    CHECK((status.st_mode & 0777) == 0700);
    for (const auto& path :
         {folders.spec(), folders.run(), folders.status(), context.folders().supervisor_log()}) {
        CHECK(contents(path).find("s3cret") == std::string::npos);
    }
    spec.files[0].content = "an0ther";
    const auto plan = context.planned(spec);
    REQUIRE(plan.diff.size() == 1);
    CHECK(plan.diff[0].sensitive);
    CHECK_FALSE(plan.diff[0].before);
    CHECK_FALSE(plan.diff[0].after);
}

TEST_CASE("a file that somebody edited is put back") {
    TemporaryContext context;
    auto spec = sleeper("keeper");
    spec.files = {file("text", "as it should be")};
    context.ensured(spec);
    const auto path = context.folders().daemon("keeper").config() / "text";
    std::ofstream(path) << "edited";
    CHECK(context.planned(spec).action == DaemonAction::Update);
    context.ensured(spec);
    CHECK(contents(path) == "as it should be");
}

TEST_CASE("a daemon that ignores its signal is killed with everything it started") {
    TemporaryContext context;
    auto spec =
        shell_daemon("stubborn", "trap '' TERM; sleep 1000 & echo child $!; while :; do sleep 1000; done");
    spec.stop.grace_s = 0.2;
    const auto daemon = context.ensured(spec);
    pid_t child = 0;
    REQUIRE(eventually([&] {
        const auto lines = *context.daemons().logs("stubborn", 1);
        if (lines.empty()) return false;
        child = std::stoi(lines.back().substr(6));
        return true;
    }));
    auto removed = context.daemons().remove("stubborn", true, never);
    REQUIRE(removed);
    CHECK(*removed);
    CHECK_FALSE(identify(daemon.pid));
    CHECK(eventually([&] { return !identify(child); }));
    CHECK_FALSE(std::filesystem::exists(context.folders().daemon("stubborn").root()));
}

TEST_CASE("a daemon that is asked for while its removal is under way stays, with its data") {
    TemporaryContext context;
    auto spec = shell_daemon("stubborn", "trap '' TERM; echo up; while :; do sleep 1000; done");
    spec.stop.grace_s = 2;
    const auto first = context.ensured(spec);
    REQUIRE(eventually([&] { return !context.daemons().logs("stubborn", 1)->empty(); }));
    std::ofstream(std::filesystem::path(first.data_dir) / "book") << "words";
    LocalDaemons other(context.folders().state().string(), {HARMONY_BINARY_DIR "/bin"});
    auto removal = std::async(std::launch::async, [&] { return other.remove("stubborn", true, never); });
    while (removal.wait_for(std::chrono::milliseconds(100)) == std::future_status::timeout) {
        // The first ensure after the removal has begun finds the process on its way out.
        if (context.ensured(spec).pid != first.pid) break;
    }
    const auto removed = removal.get();
    REQUIRE_FALSE(removed);
    CHECK(removed.error().code == "process-host.superseded");
    const auto now = context.view("stubborn");
    CHECK(now.ready);
    CHECK(now.pid != first.pid);
    CHECK(contents(std::filesystem::path(first.data_dir) / "book") == "words");
}

TEST_CASE("remove keeps the data unless it is told otherwise") {
    TemporaryContext context;
    auto spec = shell_daemon("writer", "echo kept > \"@{data}/note\"; while :; do sleep 1000; done");
    context.ensured(spec);
    const auto note = context.folders().daemon("writer").data() / "note";
    REQUIRE(eventually([&] { return std::filesystem::exists(note); }));
    REQUIRE(*context.daemons().remove("writer", false, never));
    CHECK(contents(note) == "kept\n");
    CHECK(context.daemons().list()->empty());
    CHECK_FALSE(*context.daemons().remove("writer", false, never));
    REQUIRE(*context.daemons().remove("writer", true, never));
    CHECK_FALSE(std::filesystem::exists(note));
}

TEST_CASE("the supervisor ends by itself when nothing is left and takes its socket with it") {
    TemporaryContext context;
    context.ensured(sleeper("sleeper"));
    const auto runtime = context.folders().runtime();
    const auto supervisor = identify(context.supervisor_pid());
    REQUIRE(supervisor);
    CHECK(std::filesystem::exists(runtime));
    REQUIRE(*context.daemons().remove("sleeper", true, never));
    auto ended = context.daemons().supervisor().end_if_idle();
    REQUIRE(ended);
    CHECK(*ended);
    CHECK(eventually([&] { return !is_alive(*supervisor); }));
    CHECK_FALSE(std::filesystem::exists(runtime));

    REQUIRE(context.daemons().supervisor().start());
    const auto idle = identify(context.supervisor_pid());
    REQUIRE(idle);
    CHECK(eventually([&] { return !is_alive(*idle); }));
    CHECK_FALSE(std::filesystem::exists(runtime));
}

TEST_CASE("the supervisor does not end while a daemon is left") {
    TemporaryContext context;
    context.ensured(sleeper("sleeper"));
    auto ended = context.daemons().supervisor().end_if_idle();
    REQUIRE(ended);
    CHECK_FALSE(*ended);
    CHECK(is_locked(context.folders().supervisor_lock()));
}

TEST_CASE("two clients that ask for the same daemon get the same process") {
    TemporaryContext context;
    const auto spec = sleeper("shared");
    pid_t pids[2] = {};
    std::thread threads[2];
    for (int i = 0; i < 2; ++i) {
        threads[i] = std::thread([&, i] {
            LocalDaemons client(context.folders().state().string(), {HARMONY_BINARY_DIR "/bin"});
            auto result = client.ensure(spec, never);
            pids[i] = result ? result->daemon.pid : -1;
        });
    }
    for (auto& thread : threads)
        thread.join();
    CHECK(pids[0] > 0);
    CHECK(pids[0] == pids[1]);
}

TEST_CASE("a daemon gets a known environment and no descriptor of the supervisor") {
    TemporaryContext context;
    ::setenv("HARMONY_TEST_SECRET", "leak", 1);
    auto spec = shell_daemon("looker", "env; ls -l /proc/self/fd; echo end; while :; do sleep 1000; done");
    spec.env["GIVEN"] = "at @{data}";
    context.ensured(spec);
    ::unsetenv("HARMONY_TEST_SECRET");
    const auto log = context.folders().daemon("looker").log();
    REQUIRE(eventually([&] { return contents(log).find("end\n") != std::string::npos; }));
    const auto text = contents(log);
    CHECK(text.find("HARMONY_TEST_SECRET") == std::string::npos);
    CHECK(text.find("GIVEN=at " + context.view("looker").data_dir) != std::string::npos);
    CHECK(text.find("socket:") == std::string::npos);
    CHECK(text.find("supervisor.lock") == std::string::npos);
}

TEST_CASE("restart replaces the process and an unknown name is refused") {
    TemporaryContext context;
    const auto first = context.ensured(sleeper("sleeper"));
    auto second = context.daemons().restart("sleeper", never);
    REQUIRE(second);
    CHECK(second->pid != first.pid);
    CHECK(second->restarts == 0);
    auto unknown = context.daemons().restart("nobody", never);
    REQUIRE_FALSE(unknown);
    CHECK(unknown.error().code == "process-host.not-found");
}
