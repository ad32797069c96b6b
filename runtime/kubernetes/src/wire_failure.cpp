#include "wire_failure.hpp"

namespace harmony::runtime::kubernetes {
namespace {

Reason reason_of(const WireError& error) {
    switch (error.fault) {
        case WireFault::Unreachable:
            return Reason::Unreachable;
        case WireFault::Untrusted:
            return Reason::UntrustedServer;
        case WireFault::Lost:
            return Reason::Unavailable;
        case WireFault::Timeout:
            return Reason::Timeout;
        case WireFault::Cancelled:
            return Reason::Cancelled;
        case WireFault::TooLarge:
        case WireFault::NotHttp:
            return Reason::Malformed;
    }
    return Reason::Malformed;
}

}  // namespace

Failure failure_of(const CallName& call, const WireError& error) {
    if (error.refusal) {
        return decode_failure(call, error.refusal->status, error.refusal->body, error.refusal->retry_after);
    }
    Failure failure = make_failure(reason_of(error), call.text() + ": " + error.text);
    failure.maybe_done = error.sent;
    return failure;
}

}  // namespace harmony::runtime::kubernetes
