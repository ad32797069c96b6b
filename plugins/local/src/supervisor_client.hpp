// The way to a context's supervisor.
#pragma once

#include <chrono>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "context_folders.hpp"
#include "descriptor.hpp"

namespace harmony::local {

class SupervisorClient {
 public:
    using Cancelled = std::function<bool()>;

    // program_dirs: where harmony-local-supervisor is looked for before PATH. Nothing is started yet.
    SupervisorClient(const ContextFolders& context, std::vector<std::string> program_dirs);

    // Starts a supervisor unless one serves already, and returns when it does.
    [[nodiscard]] Outcome<void> start();
    // One request; starts the supervisor where needed. Requests may be repeated without harm, and one whose
    // supervisor died before the answer is, once. While it waits, `cancelled` is asked ten times a second;
    // true ends the wait with local.cancelled, not the work.
    [[nodiscard]] Outcome<nlohmann::json> request(const std::string& method, const nlohmann::json& params,
                                                  const Cancelled& cancelled);
    // Ends the supervisor if it has nothing to do, and waits until it has gone. False when it has.
    [[nodiscard]] Outcome<bool> end_if_idle();

 private:
    [[nodiscard]] Outcome<Descriptor> connect_or_start();
    [[nodiscard]] std::optional<Descriptor> connect() const;
    [[nodiscard]] Outcome<void> spawn() const;
    // Nothing when the connection ended without an answer.
    [[nodiscard]] Outcome<std::optional<nlohmann::json>> exchange(int fd, const std::string& method,
                                                                  const nlohmann::json& params,
                                                                  const Cancelled& cancelled) const;

    const ContextFolders& context_;
    std::vector<std::string> program_dirs_;
};

}  // namespace harmony::local
