// What can go wrong with a Kubernetes API, told apart as far as a caller decides differently.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "harmony/result.hpp"

namespace harmony::runtime::kubernetes {

enum class Reason {
    Configuration,         // kubeconfig, arguments or a credential plugin: the same call will fail again
    Unreachable,           // nothing answers at the address
    Unavailable,           // restarting, overloaded, or it went away in the middle: try again
    UntrustedServer,       // its certificate is not one that the configured authority vouches for
    Unauthorized,          // credentials not accepted: expired, revoked or wrong
    Forbidden,             // known, but without this permission
    QuotaExceeded,         // a ResourceQuota of the namespace
    NamespaceTerminating,  // nothing new can be made in it
    NotFound,
    AlreadyExists,
    Conflict,  // changed meanwhile, or fields that another manager owns (see conflicts)
    Invalid,   // refused by the schema or by admission (see problems)
    Gone,      // the resource version is too old for the server to go on from it
    Rejected,  // another refusal that repeating does not change
    Timeout,
    Cancelled,
    Malformed,  // the answer is not what the API promises, or larger than allowed
};
std::string_view to_string(Reason reason);

struct FieldConflict {
    std::string manager;
    std::string field;  // a path such as .spec.replicas
};

struct FieldProblem {
    std::string field;
    std::string message;
};

// Never holds a token, a key or the contents of a Secret.
struct Failure {
    Reason reason;
    Error error;
    int status = 0;                             // of HTTP; 0 where there was no answer
    std::vector<FieldConflict> conflicts = {};  // every one, for a Conflict of server-side apply
    std::vector<FieldProblem> problems = {};    // every one, for Invalid
    std::optional<std::chrono::seconds> retry_after = {};
    bool maybe_done = false;  // the request was sent and not answered: whether it took effect is unknown

    [[nodiscard]] std::string text() const { return error.text(); }
};

template <class T>
using Answer = tl::expected<T, Failure>;

// The ErrorKind that belongs to a reason, for callers that have no special case for Kubernetes.
[[nodiscard]] ErrorKind kind_of(Reason reason);
[[nodiscard]] Failure make_failure(Reason reason, std::string message);
[[nodiscard]] tl::unexpected<Failure> refuse(Reason reason, std::string message);
[[nodiscard]] tl::unexpected<Failure> refuse(Failure failure);

}  // namespace harmony::runtime::kubernetes
