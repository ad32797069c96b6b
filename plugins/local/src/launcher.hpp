// Starts a daemon's process: in a session of its own, holding the daemon's lock, with nothing inherited.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "daemon_record.hpp"
#include "descriptor.hpp"

namespace harmony::local {

struct LaunchOrder {
    DaemonFolders folders;
    std::string program_path;
    std::vector<std::string> args;           // without the program's name; placeholders replaced
    std::map<std::string, std::string> env;  // added to the few variables that every daemon gets
    std::string spec_hash;
};

struct Launched {
    pid_t pid = 0;
    Descriptor pidfd;
};

// Returns once the program runs or could not be started. Only for a process with one thread: what happens
// between fork and exec allocates.
[[nodiscard]] Outcome<Launched> launch(const LaunchOrder& order);

// Ends what is left of a daemon whose main process is gone: processes of its session that still hold its
// lock. Others that hold it (containers' monitors outlive podman) are left alone; the lock file is replaced
// then.
// former_pid 0: the one in run.json.
void clear_leftovers(const DaemonFolders& folders, pid_t former_pid);

}  // namespace harmony::local
