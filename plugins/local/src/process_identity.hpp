// Which process is meant, although numbers are used again: /proc, boot ids and locks.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "descriptor.hpp"
#include "problem.hpp"

namespace harmony::local {

struct ProcessIdentity {
    pid_t pid = 0;
    std::uint64_t start_time = 0;  // clock ticks after boot, from /proc/PID/stat
    std::string boot_id;
    bool operator==(const ProcessIdentity&) const = default;
};

// Changes with every start of the machine.
[[nodiscard]] std::string boot_id();

// Nothing when the process has ended, a zombie included.
[[nodiscard]] std::optional<ProcessIdentity> identify(pid_t pid);
[[nodiscard]] bool is_alive(const ProcessIdentity& identity);

// A descriptor of the process that becomes readable when it ends; empty when there is no such process.
[[nodiscard]] Descriptor watch_process(pid_t pid);
// To exactly the process that is watched, never to one that got its number later.
void send_signal(const Descriptor& process, int signal);

// The name of the program as the kernel keeps it, or "unknown program".
[[nodiscard]] std::string program_name(pid_t pid);
// The session of a process; zero where it cannot be read.
[[nodiscard]] pid_t session_of(pid_t pid);
// Whether this process runs that program: by its executable, or as the script named on its command line.
[[nodiscard]] bool runs_program(pid_t pid, const std::filesystem::path& program);

// Processes of this user that have the file open, oldest first.
[[nodiscard]] std::vector<ProcessIdentity> processes_with_open(const std::filesystem::path& file);
// One of the processes visible to this user with a descriptor whose link text is `target`, as "socket:[123]".
[[nodiscard]] std::optional<pid_t> process_with_descriptor(const std::string& target);

// An exclusive lock for as long as any copy of the descriptor is open, in whatever process. Nothing when
// somebody else holds it.
[[nodiscard]] Outcome<std::optional<Descriptor>> try_lock(const std::filesystem::path& file);
// Whether somebody holds it. Takes nothing, so it cannot be in the way of a starting daemon.
[[nodiscard]] bool is_locked(const std::filesystem::path& file);

}  // namespace harmony::local
