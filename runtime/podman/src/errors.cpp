#include "errors.hpp"

#include <algorithm>
#include <vector>

namespace harmony::runtime::podman {
namespace {

bool says_any(std::string_view text, const std::vector<std::string_view>& phrases) {
    return std::any_of(phrases.begin(), phrases.end(),
                       [&](std::string_view phrase) { return text.find(phrase) != std::string_view::npos; });
}

// The port in "... listen tcp4 :8080: bind: address already in use"; empty where there is none.
std::string taken_port(std::string_view message) {
    const auto end = message.find(": bind: address already in use");
    if (end == std::string_view::npos) return {};
    auto begin = end;
    while (begin > 0 && message[begin - 1] >= '0' && message[begin - 1] <= '9')
        --begin;
    return std::string(message.substr(begin, end - begin));
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
        if (says_any(message, {"already in use", "already exists", "address already in use",
                               "container state improper"})) {
            kind = ErrorKind::Conflict;
        } else if (says_any(message, {"image not known", "no such image", "no such container"})) {
            kind = ErrorKind::NotFound;
        } else if (says_any(message, {"permission denied", "operation not permitted"})) {
            kind = ErrorKind::PermissionDenied;
        }
    }
    if (const std::string port = taken_port(message); !port.empty()) {
        context += ": port " + port + " is taken on this device";
    }
    return {kind, std::move(context) + ": podman: " + std::string(message)};
}

Error pull_failure(std::string_view message, std::string context, std::string_view registry) {
    struct Case {
        ErrorKind kind;
        std::string_view meaning;  // after the registry's name
        std::vector<std::string_view> phrases;
    };
    // The first that fits; podman's sentences quote what the registry and the kernel said.
    static const Case kCases[] = {
        {ErrorKind::Internal,
         "cannot be pulled from: this device's disk is full",
         {"no space left on device"}},
        {ErrorKind::InvalidInput,
         "is not named: expected a complete name such as registry.example.com/busybox:1",
         {"short-name", "invalid reference"}},
        {ErrorKind::PermissionDenied,
         "refuses: it needs credentials, or others than podman.registry_auth_file has for it",
         {"unauthorized", "authentication required", "denied", "401 (Unauthorized)", "403 (Forbidden)"}},
        {ErrorKind::NotFound,
         "has no such image",
         {"manifest unknown", "name unknown", "repository does not exist", "not found"}},
        {ErrorKind::Unavailable,
         "shows a certificate that is not trusted, or speaks plain HTTP: trust it, or name it in "
         "podman.insecure_registries",
         {"x509:", "certificate", "server gave HTTP response to HTTPS client"}},
        {ErrorKind::Corrupt,
         "answers, but not as a registry does",
         {"invalid character", "malformed HTTP", "invalid status code from registry",
          "unexpected end of JSON", "unsupported manifest"}},
        {ErrorKind::Unavailable,
         "cannot be reached",
         {"connection refused", "no such host", "imeout", "unreachable", "no route to host",
          "connection reset", "EOF", "pinging container registry"}},
    };
    const std::string subject = "the registry" + (registry.empty() ? "" : " " + std::string(registry));
    for (const Case& each : kCases) {
        if (!says_any(message, each.phrases)) continue;
        return {each.kind, std::move(context) + ": " + subject + " " + std::string(each.meaning) +
                               ": podman: " + std::string(message)};
    }
    return {ErrorKind::Internal, std::move(context) + ": podman: " + std::string(message)};
}

}  // namespace harmony::runtime::podman
