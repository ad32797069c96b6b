// What would have to happen for a daemon to be as its spec says. Reads only, and needs no supervisor.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "context_folders.hpp"
#include "daemon_record.hpp"
#include "daemon_spec.hpp"

namespace harmony::local {

enum class DaemonAction { None, Create, Update, Reload, Restart };
[[nodiscard]] std::string_view to_string(DaemonAction action);

struct Difference {
    std::string path;
    std::optional<std::string> before;  // both absent when sensitive
    std::optional<std::string> after;
    bool sensitive = false;
};

struct DaemonPlan {
    DaemonAction action = DaemonAction::None;
    std::vector<Difference> diff;
    // The ports it will use. 0 stands for one that ensure still has to choose.
    std::map<std::string, int> ports;
};

// Where a program is: absolute as given, else the first executable of that name in the folders and then on
// PATH. process-host.program-missing names where it was looked for.
[[nodiscard]] Outcome<std::string> resolve_program(const std::string& program,
                                                   const std::vector<std::string>& program_dirs);

// process-host.port-in-use when somebody else listens on a port that the spec fixes.
[[nodiscard]] Outcome<DaemonPlan> plan_daemon(const ContextFolders& context, const DaemonSpec& spec,
                                              const std::string& program_path);

}  // namespace harmony::local
