#include "harmony/contracts/remote_error.hpp"

#include "codecs.hpp"

namespace harmony::contracts {

namespace {

constexpr EnumNames<RemoteErrorKind, 7> kKinds{{{RemoteErrorKind::BadRequest, "BadRequest"},
                                                {RemoteErrorKind::NotFound, "NotFound"},
                                                {RemoteErrorKind::Forbidden, "Forbidden"},
                                                {RemoteErrorKind::Conflict, "Conflict"},
                                                {RemoteErrorKind::RuntimeUnavailable, "RuntimeUnavailable"},
                                                {RemoteErrorKind::Timeout, "Timeout"},
                                                {RemoteErrorKind::Internal, "Internal"}}};

void read_error(const Field& root, RemoteError& out) {
    const auto error = root.required("error");
    if (!error.object()) return;
    error.required("kind").enumeration(out.kind, kKinds);
    error.required("message").text(out.message, 0, kMaxErrorMessageBytes);
}

ErrorKind local_kind(RemoteErrorKind kind) {
    switch (kind) {
        case RemoteErrorKind::BadRequest:
            return ErrorKind::InvalidInput;
        case RemoteErrorKind::NotFound:
            return ErrorKind::NotFound;
        case RemoteErrorKind::Forbidden:
            return ErrorKind::PermissionDenied;
        case RemoteErrorKind::Conflict:
            return ErrorKind::Conflict;
        case RemoteErrorKind::RuntimeUnavailable:
            return ErrorKind::Unavailable;
        case RemoteErrorKind::Timeout:
            return ErrorKind::Timeout;
        case RemoteErrorKind::Internal:
            return ErrorKind::Internal;
    }
    return ErrorKind::Internal;
}

RemoteErrorKind remote_kind(ErrorKind kind) {
    switch (kind) {
        case ErrorKind::InvalidInput:
            return RemoteErrorKind::BadRequest;
        case ErrorKind::NotFound:
            return RemoteErrorKind::NotFound;
        case ErrorKind::AlreadyExists:
        case ErrorKind::Conflict:
            return RemoteErrorKind::Conflict;
        case ErrorKind::PermissionDenied:
            return RemoteErrorKind::Forbidden;
        case ErrorKind::Unavailable:
        case ErrorKind::Cancelled:
        case ErrorKind::Io:
            return RemoteErrorKind::RuntimeUnavailable;
        case ErrorKind::Timeout:
            return RemoteErrorKind::Timeout;
        case ErrorKind::Corrupt:
        case ErrorKind::Internal:
            return RemoteErrorKind::Internal;
    }
    return RemoteErrorKind::Internal;
}

}  // namespace

std::string_view to_string(RemoteErrorKind kind) {
    return name_of(kKinds, kind);
}

Result<RemoteError> RemoteError::decode(std::string_view json) {
    return decode_document<RemoteError>(json, kMaxDocumentBytes, read_error);
}

std::string RemoteError::encode() const {
    return dump_canonical(
        Json{{"error", {{"kind", to_string(kind)}, {"message", shortened(message, kMaxErrorMessageBytes)}}}});
}

Error RemoteError::to_error() const {
    return {local_kind(kind), message};
}

RemoteError RemoteError::from_error(const Error& error) {
    return {remote_kind(error.kind()), error.text()};
}

Result<std::optional<RemoteError>> find_remote_error_in(const Json& reply) {
    if (!reply.is_object() || !reply.contains("error")) return std::nullopt;
    DecodeState state;
    RemoteError error;
    read_error(Field(reply, state), error);
    if (state.error) return fail(*std::move(state.error));
    return error;
}

Result<std::optional<RemoteError>> find_remote_error(std::string_view reply) {
    const auto parsed = parse_document(reply, kMaxDocumentBytes);
    if (!parsed) return fail(parsed.error());
    return find_remote_error_in(*parsed);
}

}  // namespace harmony::contracts
