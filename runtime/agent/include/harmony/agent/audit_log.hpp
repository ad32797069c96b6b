// Who ran what on this device, written before it runs.
#pragma once

#include <cstddef>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "harmony/contracts/timestamps.hpp"
#include "harmony/result.hpp"

namespace harmony::agent {

enum class AuditEvent {
    Refused,  // was not run; `reason` says why
    Started,  // is about to run
    Ended,    // `exit_code`
    Failed,   // did not run to its end; `reason` says why
};

struct AuditEntry {
    AuditEvent event = AuditEvent::Refused;
    std::string request_id;
    std::string operator_sub;       // who asked, as the request says; empty where it does not
    std::string target;             // "host" or "<deployment>/<service>"
    std::string container;          // its name; empty on the host, or where none was found
    std::vector<std::string> argv;  // recorded: a program's arguments are no place for secrets
    std::optional<int> exit_code;
    std::string reason;
};

// One line of JSON, without the line end. Long arguments are cut, and end with "...".
[[nodiscard]] std::string audit_line(const AuditEntry& entry, contracts::Timestamp at);

struct AuditLogOptions {
    std::string path;                     // older ones beside it: <path>.1 is the youngest
    std::size_t max_bytes = 1024 * 1024;  // then a new file is begun
    int kept_files = 4;
};

// Thread-safe.
class AuditLog {
 public:
    explicit AuditLog(AuditLogOptions options) : options_(std::move(options)) {}

    // Returns when the line survives a power cut. The file has mode 0600, whatever it had before. Io,
    // PermissionDenied.
    [[nodiscard]] Result<void> append(const AuditEntry& entry, contracts::Timestamp at);

 private:
    [[nodiscard]] Result<void> rotate();

    const AuditLogOptions options_;
    std::mutex mutex_;
};

}  // namespace harmony::agent
