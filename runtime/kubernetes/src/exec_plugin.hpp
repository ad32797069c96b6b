// Running a credential plugin, and reading what it printed.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "harmony/kubernetes/access.hpp"

namespace harmony::runtime::kubernetes {

// Secrets, all but the time.
struct ExecCredential {
    std::string token;
    std::string client_certificate_pem;
    std::string client_key_pem;
    std::optional<std::int64_t> expires_at;  // seconds since the epoch
};

// Pure. Configuration: says what is missing, never what was there.
[[nodiscard]] Answer<ExecCredential> decode_exec_credential(const ExecPlugin& plugin, std::string_view text);

// What the plugin finds in KUBERNETES_EXEC_INFO. Pure.
[[nodiscard]] std::string exec_info(const ExecPlugin& plugin, const ClusterAccess& access);

// Runs it and waits; killed at the deadline. Its stderr is ours: plugins tell people there what to do (to log
// in, for example). Its stdin is empty.
[[nodiscard]] Answer<ExecCredential> run_exec_plugin(const ExecPlugin& plugin, const ClusterAccess& access,
                                                     std::chrono::steady_clock::time_point deadline);

// RFC 3339 to seconds since the epoch; fractions are cut. Pure.
[[nodiscard]] std::optional<std::int64_t> parse_time(std::string_view text);

}  // namespace harmony::runtime::kubernetes
