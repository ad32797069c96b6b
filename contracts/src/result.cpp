#include "harmony/result.hpp"

namespace harmony {

std::string_view to_string(ErrorKind kind) {
    switch (kind) {
        case ErrorKind::InvalidInput:
            return "InvalidInput";
        case ErrorKind::NotFound:
            return "NotFound";
        case ErrorKind::AlreadyExists:
            return "AlreadyExists";
        case ErrorKind::Conflict:
            return "Conflict";
        case ErrorKind::PermissionDenied:
            return "PermissionDenied";
        case ErrorKind::Unavailable:
            return "Unavailable";
        case ErrorKind::Timeout:
            return "Timeout";
        case ErrorKind::Cancelled:
            return "Cancelled";
        case ErrorKind::Corrupt:
            return "Corrupt";
        case ErrorKind::Io:
            return "Io";
        case ErrorKind::Internal:
            return "Internal";
    }
    return "Internal";
}

}  // namespace harmony
