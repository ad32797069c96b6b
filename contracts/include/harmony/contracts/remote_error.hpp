// How the other side of a request says no: {"error":{"kind":...,"message":...}}, the same for device commands
// and for the fleet API.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "harmony/result.hpp"

namespace harmony::contracts {

inline constexpr std::size_t kMaxErrorMessageBytes = 4096;  // encode() cuts at a character boundary

enum class RemoteErrorKind {
    BadRequest,          // the request breaks the contract or the receiver's rules
    NotFound,            // the named deployment, service or device does not exist
    Forbidden,           // the receiver's own policy refuses
    Conflict,            // fleet API only: the object changed since the caller read it
    RuntimeUnavailable,  // the container runtime, or the operator's store, does not answer
    Timeout,             // the receiver gave up
    Internal,            // a bug in the receiver
};
[[nodiscard]] std::string_view to_string(RemoteErrorKind kind);

struct RemoteError {
    RemoteErrorKind kind = RemoteErrorKind::Internal;
    std::string message;

    [[nodiscard]] static Result<RemoteError> decode(std::string_view json);
    [[nodiscard]] std::string encode() const;

    // What the caller decides by: BadRequest is InvalidInput, Forbidden is PermissionDenied,
    // RuntimeUnavailable is Unavailable, the others have the same name.
    [[nodiscard]] Error to_error() const;
    // The way back, for whoever answers a request with the failure of its own code.
    [[nodiscard]] static RemoteError from_error(const Error& error);

    bool operator==(const RemoteError&) const = default;
};

// None when the reply is not an error document: an object with an `error` member. Reply decoders call this
// themselves: they return RemoteError::to_error() for an error document.
[[nodiscard]] Result<std::optional<RemoteError>> find_remote_error(std::string_view reply);

}  // namespace harmony::contracts
