// Where everything of one local context lives on disk.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "problem.hpp"

namespace harmony::local {

// Paths only; nothing is created by asking.
class DaemonFolders {
 public:
    explicit DaemonFolders(std::filesystem::path root) : root_(std::move(root)) {}
    [[nodiscard]] const std::filesystem::path& root() const { return root_; }
    [[nodiscard]] std::filesystem::path spec() const { return root_ / "spec.json"; }      // what is wanted
    [[nodiscard]] std::filesystem::path run() const { return root_ / "run.json"; }        // what was started
    [[nodiscard]] std::filesystem::path status() const { return root_ / "status.json"; }  // how it goes
    [[nodiscard]] std::filesystem::path lock() const { return root_ / "running.lock"; }
    [[nodiscard]] std::filesystem::path config() const { return root_ / "config"; }
    [[nodiscard]] std::filesystem::path data() const { return root_ / "data"; }
    [[nodiscard]] std::filesystem::path log() const { return root_ / "log"; }

 private:
    std::filesystem::path root_;
};

class ContextFolders {
 public:
    // state_dir: the folder of the context that the topology owns, absolute. It may not exist yet.
    explicit ContextFolders(const std::filesystem::path& state_dir);

    [[nodiscard]] const std::filesystem::path& state() const { return state_; }
    [[nodiscard]] std::filesystem::path daemons() const { return state_ / "daemons"; }
    [[nodiscard]] DaemonFolders daemon(const std::string& name) const {
        return DaemonFolders(daemons() / name);
    }
    [[nodiscard]] std::filesystem::path secrets() const { return state_ / "secrets"; }
    [[nodiscard]] std::filesystem::path podman() const { return state_ / "podman"; }
    [[nodiscard]] std::filesystem::path supervisor_lock() const { return state_ / "supervisor.lock"; }
    [[nodiscard]] std::filesystem::path supervisor_log() const { return state_ / "supervisor.log"; }

    // The folder for sockets: below $XDG_RUNTIME_DIR/harmony or /tmp/harmony-UID, short enough for the 107
    // bytes of a socket's address. A link in the state folder keeps the choice, so that a run with another
    // environment finds the same one.
    [[nodiscard]] std::filesystem::path runtime() const;
    [[nodiscard]] std::filesystem::path control_socket() const { return runtime() / "control.sock"; }

    [[nodiscard]] Outcome<void> create() const;
    // For when no daemon is left: removes the runtime folder, and from the state folder what is empty.
    void remove_leftovers() const;

    // Names of the daemons with a record, sorted.
    [[nodiscard]] std::vector<std::string> daemon_names() const;
    // Names of those that were removed and whose data was kept, sorted.
    [[nodiscard]] std::vector<std::string> kept_data() const;

 private:
    template <class Condition>
    [[nodiscard]] std::vector<std::string> names_where(Condition holds) const;
    [[nodiscard]] std::filesystem::path runtime_link() const { return state_ / "runtime"; }
    std::filesystem::path state_;
};

}  // namespace harmony::local
