// process-host/1 and service-directory/1 on this machine. What only reads goes by the files and /proc and
// needs no supervisor; what changes something is the supervisor's work.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "context_folders.hpp"
#include "daemon_plan.hpp"
#include "daemon_record.hpp"
#include "supervisor_client.hpp"

namespace harmony::local {

class LocalDaemons {
 public:
    struct Ensured {
        DaemonAction action = DaemonAction::None;
        DaemonView daemon;
    };
    struct Service {
        std::string service;
        std::string port;
        int number = 0;
    };
    using Cancelled = SupervisorClient::Cancelled;

    // program_dirs: folders with the programs shipped beside the host. Nothing is touched yet.
    LocalDaemons(const std::string& state_dir, std::vector<std::string> program_dirs);
    LocalDaemons(const LocalDaemons&) = delete;
    LocalDaemons& operator=(const LocalDaemons&) = delete;
    ~LocalDaemons() = default;

    [[nodiscard]] Outcome<DaemonPlan> plan(const DaemonSpec& spec) const;
    [[nodiscard]] Outcome<Ensured> ensure(const DaemonSpec& spec, const Cancelled& cancelled);
    [[nodiscard]] Outcome<std::optional<DaemonView>> inspect(const std::string& name) const;
    [[nodiscard]] Outcome<std::vector<DaemonView>> list() const;
    [[nodiscard]] Outcome<DaemonView> restart(const std::string& name, const Cancelled& cancelled);
    [[nodiscard]] Outcome<bool> remove(const std::string& name, bool delete_data, const Cancelled& cancelled);
    [[nodiscard]] Outcome<std::vector<std::string>> logs(const std::string& name, int lines) const;
    [[nodiscard]] Outcome<DaemonView> stop(const std::string& name, const Cancelled& cancelled);
    [[nodiscard]] Outcome<void> signal(const std::string& name, const std::string& signal,
                                       const Cancelled& cancelled);
    [[nodiscard]] std::vector<std::string> kept_data() const { return context_.kept_data(); }

    [[nodiscard]] Outcome<std::vector<Service>> services() const;
    [[nodiscard]] Outcome<int> resolve(const std::string& service, const std::string& port) const;

    [[nodiscard]] const ContextFolders& folders() const { return context_; }
    [[nodiscard]] SupervisorClient& supervisor() { return supervisor_; }

 private:
    // process-host.not-found where it is not deployed, without starting a supervisor for it.
    [[nodiscard]] Outcome<void> check_known(const std::string& name) const;

    ContextFolders context_;
    std::vector<std::string> program_dirs_;
    SupervisorClient supervisor_;
};

}  // namespace harmony::local
