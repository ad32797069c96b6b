#include "harmony/fleet_access/diagnostics.hpp"

namespace harmony::fleet_access {

namespace {

std::string_view code_of(ErrorKind kind) {
    switch (kind) {
        case ErrorKind::InvalidInput:
            return "invalid";
        case ErrorKind::NotFound:
            return "not-found";
        case ErrorKind::AlreadyExists:
            return "already-exists";
        case ErrorKind::Conflict:
            return "conflict";
        case ErrorKind::PermissionDenied:
            return "permission-denied";
        case ErrorKind::Unavailable:
            return "unavailable";
        case ErrorKind::Timeout:
            return "timeout";
        case ErrorKind::Cancelled:
            return "cancelled";
        case ErrorKind::Corrupt:
            return "corrupt";
        case ErrorKind::Io:
            return "io";
        case ErrorKind::Internal:
            return "internal";
    }
    return "internal";
}

}  // namespace

plugin::Diagnostic diagnostic_of(const Error& error, const std::string& area) {
    plugin::Diagnostic diagnostic{.code = area + "." + std::string(code_of(error.kind())),
                                  .summary = error.text()};
    switch (error.kind()) {
        case ErrorKind::InvalidInput:
            diagnostic.status = HP_E_INVALID;
            break;
        case ErrorKind::Cancelled:
            diagnostic.status = HP_E_CANCELLED;
            break;
        case ErrorKind::Unavailable:
        case ErrorKind::Timeout:
        case ErrorKind::Conflict:
            diagnostic.retryable = true;
            break;
        default:
            break;
    }
    return diagnostic;
}

}  // namespace harmony::fleet_access
