#include "errors.hpp"

#include <algorithm>
#include <initializer_list>

namespace harmony::runtime::podman {
namespace {

bool says_any(std::string_view text, std::initializer_list<std::string_view> phrases) {
    return std::any_of(phrases.begin(), phrases.end(),
                       [&](std::string_view phrase) { return text.find(phrase) != std::string_view::npos; });
}

}  // namespace

Error refusal(int status, std::string_view message, std::string context) {
    ErrorKind kind = ErrorKind::Internal;
    if (status == 404) kind = ErrorKind::NotFound;
    if (status == 409) kind = ErrorKind::Conflict;
    if (status == 400) kind = ErrorKind::InvalidInput;
    if (status == 401 || status == 403) kind = ErrorKind::PermissionDenied;
    if (status == 503) kind = ErrorKind::Unavailable;
    // Podman answers 500 to most of what goes wrong while it works; the words tell the cases apart.
    if (status == 500) {
        if (says_any(message, {"already in use", "already exists", "address already in use"})) {
            kind = ErrorKind::Conflict;
        } else if (says_any(message, {"image not known", "no such image", "no such container"})) {
            kind = ErrorKind::NotFound;
        } else if (says_any(message, {"permission denied", "operation not permitted"})) {
            kind = ErrorKind::PermissionDenied;
        }
    }
    return {kind, std::move(context) + ": podman: " + std::string(message)};
}

Error pull_failure(std::string_view message, std::string context) {
    ErrorKind kind = ErrorKind::Internal;
    if (says_any(message, {"manifest unknown", "name unknown", "not found", "repository does not exist"})) {
        kind = ErrorKind::NotFound;
    } else if (says_any(message, {"unauthorized", "denied", "authentication required"})) {
        kind = ErrorKind::PermissionDenied;
    } else if (says_any(message, {"connection refused", "no such host", "timeout", "unreachable",
                                  "pinging container registry"})) {
        kind = ErrorKind::Unavailable;
    } else if (says_any(message, {"short-name", "invalid reference"})) {
        kind = ErrorKind::InvalidInput;
    }
    return {kind, std::move(context) + ": podman: " + std::string(message)};
}

}  // namespace harmony::runtime::podman
