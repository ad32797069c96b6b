#include "harmony/kubernetes/failure.hpp"

#include <utility>

namespace harmony::runtime::kubernetes {

std::string_view to_string(Reason reason) {
    switch (reason) {
        case Reason::Configuration:
            return "configuration";
        case Reason::Unreachable:
            return "unreachable";
        case Reason::Unavailable:
            return "unavailable";
        case Reason::UntrustedServer:
            return "untrusted server";
        case Reason::Unauthorized:
            return "unauthorized";
        case Reason::Forbidden:
            return "forbidden";
        case Reason::QuotaExceeded:
            return "quota exceeded";
        case Reason::NamespaceTerminating:
            return "namespace terminating";
        case Reason::NotFound:
            return "not found";
        case Reason::AlreadyExists:
            return "already exists";
        case Reason::Conflict:
            return "conflict";
        case Reason::Invalid:
            return "invalid";
        case Reason::Gone:
            return "gone";
        case Reason::Rejected:
            return "rejected";
        case Reason::Timeout:
            return "timeout";
        case Reason::Cancelled:
            return "cancelled";
        case Reason::Malformed:
            return "malformed";
    }
    return "unknown";
}

ErrorKind kind_of(Reason reason) {
    switch (reason) {
        case Reason::Configuration:
        case Reason::Invalid:
        case Reason::Rejected:
            return ErrorKind::InvalidInput;
        case Reason::Unreachable:
        case Reason::Unavailable:
        case Reason::Gone:
            return ErrorKind::Unavailable;
        case Reason::UntrustedServer:
        case Reason::Unauthorized:
        case Reason::Forbidden:
        case Reason::QuotaExceeded:
            return ErrorKind::PermissionDenied;
        case Reason::NotFound:
            return ErrorKind::NotFound;
        case Reason::AlreadyExists:
            return ErrorKind::AlreadyExists;
        case Reason::Conflict:
        case Reason::NamespaceTerminating:
            return ErrorKind::Conflict;
        case Reason::Timeout:
            return ErrorKind::Timeout;
        case Reason::Cancelled:
            return ErrorKind::Cancelled;
        case Reason::Malformed:
            return ErrorKind::Corrupt;
    }
    return ErrorKind::Internal;
}

Failure make_failure(Reason reason, std::string message) {
    return {reason, Error(kind_of(reason), std::move(message))};
}

tl::unexpected<Failure> refuse(Reason reason, std::string message) {
    return tl::unexpected<Failure>(make_failure(reason, std::move(message)));
}

tl::unexpected<Failure> refuse(Failure failure) {
    return tl::unexpected<Failure>(std::move(failure));
}

}  // namespace harmony::runtime::kubernetes
