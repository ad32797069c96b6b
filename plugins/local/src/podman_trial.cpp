#include "podman_trial.hpp"

#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <nlohmann/json.hpp>

#include "child_program.hpp"
#include "daemon_plan.hpp"
#include "durable_file.hpp"
#include "process_identity.hpp"

namespace harmony::local {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr std::chrono::seconds kTrialTimeout{60};
// What podman itself asks for when nothing limits it.
constexpr rlim_t kMostFiles = 1048576;
// podman lowers its own limit of processes before it starts the runtime, to 32768 where that was tried;
// without CAP_SYS_RESOURCE the runtime cannot set more than that.
constexpr rlim_t kMostProcesses = 16384;
// Time enough to ask for the exit code of a command in a container.
constexpr int kExecMonitorSeconds = 5;

void append(std::string& bytes, std::uint64_t value, int width) {
    for (int i = 0; i < width; ++i)
        bytes += static_cast<char>(value >> (8 * i) & 0xff);
}

// A program that does nothing but exit with 0, without a library or an interpreter: the smallest thing that
// proves that a container can be created and started.
std::string smallest_program() {
#if defined(__x86_64__)
    constexpr std::uint64_t kMachine = 62;
    // mov eax, 60 (exit); xor edi, edi; syscall
    constexpr std::array<unsigned char, 9> kCode{0xb8, 60, 0, 0, 0, 0x31, 0xff, 0x0f, 0x05};
#elif defined(__aarch64__)
    constexpr std::uint64_t kMachine = 183;
    // mov x8, #93 (exit); mov x0, #0; svc #0
    constexpr std::array<unsigned char, 12> kCode{0xa8, 0x0b, 0x80, 0xd2, 0, 0, 0x80, 0xd2, 0x01, 0, 0, 0xd4};
#else
#error "the trial container's program is missing for this processor"
#endif
    constexpr std::uint64_t kHeaders = 64 + 56;
    constexpr std::uint64_t kBase = 0x400000;
    std::string elf(
        "\x7f"
        "ELF\x02\x01\x01",
        7);
    elf.append(9, '\0');
    append(elf, 2, 2);  // executable
    append(elf, kMachine, 2);
    append(elf, 1, 4);
    append(elf, kBase + kHeaders, 8);  // entry
    append(elf, 64, 8);                // program headers follow this header
    append(elf, 0, 8);
    append(elf, 0, 4);
    append(elf, 64, 2);
    append(elf, 56, 2);
    append(elf, 1, 2);  // one program header
    append(elf, 0, 6);
    append(elf, 1, 4);  // load
    append(elf, 5, 4);  // readable, executable
    append(elf, 0, 8);
    append(elf, kBase, 8);
    append(elf, kBase, 8);
    append(elf, kHeaders + kCode.size(), 8);
    append(elf, kHeaders + kCode.size(), 8);
    append(elf, 0x1000, 8);
    for (const unsigned char byte : kCode)
        elf += static_cast<char>(byte);
    return elf;
}

std::string machine_state(const std::string& version) {
    utsname kernel{};
    ::uname(&kernel);
    return boot_id() + " " + kernel.release + " podman " + version;
}

Outcome<void> try_container(const fs::path& root, const std::string& podman,
                            const std::map<std::string, std::string>& env) {
    const std::string name = "harmony-trial-" + std::to_string(::getpid());
    auto result = run_program(
        {podman, "run", "--rm", "--name", name, "--network=none", "--rootfs", root.string(), "/trial"}, env,
        kTrialTimeout);
    if (result && result->exit_code == 0) return {};
    // One that failed halfway is still there.
    auto removed =
        run_program({podman, "rm", "--force", "--ignore", "--time", "0", name}, env, kTrialTimeout);
    if (!result) return pass_on(result.error());
    std::string said = result->errors;
    while (!said.empty() && said.back() == '\n')
        said.pop_back();
    return problem("container-runtime.unusable",
                   said.empty() ? "exit " + std::to_string(result->exit_code) : said);
}

Outcome<bool> run_trial(const fs::path& folder, const fs::path& conf, const std::string& podman) {
    const fs::path root = folder / "trial-root";
    std::error_code ignored;
    if (auto made = make_private_folders(root); !made) return pass_on(made.error());
    auto written = write_file(root / "trial", smallest_program(), 0755, Durability::Atomic);
    if (!written) return pass_on(written.error());
    auto usual = try_container(root, podman, {});
    auto fallback = Outcome<void>{};
    if (!usual) {
        auto saved = write_file(conf, fallback_containers_conf(), 0600, Durability::Atomic);
        fallback = saved ? try_container(root, podman, {{"CONTAINERS_CONF", conf.string()}}) : saved;
    } else {
        fs::remove(conf, ignored);
    }
    fs::remove_all(root, ignored);
    if (fallback) return !usual;
    Problem failed{
        "container-runtime.unusable", "podman cannot run a container on this machine", {}, {}, {}, true};
    failed.detail = "as it is configured: " + usual.error().summary + "\nwith " + conf.string() + ": " +
                    fallback.error().summary;
    failed.hint = "podman info and podman run --rm show more; runc instead of crun helps on some machines";
    return pass_on(std::move(failed));
}

std::string limit_line(const char* name, __rlimit_resource resource, rlim_t most) {
    rlimit limit{};
    ::getrlimit(resource, &limit);
    const std::string value = std::to_string(std::min(limit.rlim_max, most));
    return std::string("\"") + name + "=" + value + ":" + value + "\"";
}

}  // namespace

std::string fallback_containers_conf() {
    std::string conf = "# Written because a container could not be started without it.\n[containers]\n";
    conf += "default_ulimits = [" + limit_line("nofile", RLIMIT_NOFILE, kMostFiles) + ", " +
            limit_line("nproc", RLIMIT_NPROC, kMostProcesses) + "]\n";
    conf += "[engine]\ncgroup_manager = \"cgroupfs\"\nevents_logger = \"file\"\n";
    // By default podman's monitor of a command in a container lives on for five minutes after its end.
    conf += "exit_command_delay = " + std::to_string(kExecMonitorSeconds) + "\n";
    if (resolve_program("runc", {})) conf += "runtime = \"runc\"\n";
    return conf;
}

std::map<std::string, std::string> known_podman_environment(const fs::path& folder) {
    const fs::path conf = folder / "containers.conf";
    std::error_code ignored;
    if (!fs::exists(conf, ignored)) return {};
    return {{"CONTAINERS_CONF", conf.string()}};
}

Outcome<std::map<std::string, std::string>> podman_environment(const fs::path& folder,
                                                               const std::string& podman,
                                                               const std::string& version) {
    const fs::path conf = folder / "containers.conf";
    const fs::path outcome = folder / "trial.json";
    if (auto made = make_private_folders(folder); !made) return pass_on(made.error());
    const std::string state = machine_state(version);
    if (auto kept = read_file(outcome); kept && *kept) {
        const json document = json::parse(**kept, nullptr, false);
        if (document.is_object() && document.value("machine", json()) == json(state)) {
            return known_podman_environment(folder);
        }
    }
    auto needs_conf = run_trial(folder, conf, podman);
    if (!needs_conf) return pass_on(needs_conf.error());
    const json document = {{"machine", state}, {"needs_containers_conf", *needs_conf}};
    auto saved = write_file(outcome, document.dump(2) + "\n", 0600, Durability::Atomic);
    if (!saved) return pass_on(saved.error());
    return known_podman_environment(folder);
}

}  // namespace harmony::local
