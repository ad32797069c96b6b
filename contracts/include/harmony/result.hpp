// How every library of the runtime reports what can fail in normal life.
//
// A function that can fail returns Result<T>. An Error says which decision the caller has to make (its kind),
// what happened (its message: what was found, what was expected) and, through its chain, why. Exceptions are
// for bugs and for libraries that insist on them; they are caught in main, at a thread's root, in C callbacks
// and at the plugin boundary, nowhere else.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>

namespace harmony {

// One value per decision a caller makes.
enum class ErrorKind {
    InvalidInput,      // the input is wrong; the same call will fail again
    NotFound,          // the named thing does not exist
    AlreadyExists,     // it exists and was expected not to
    Conflict,          // somebody else changed or owns it
    PermissionDenied,  // refused by whoever guards it
    Unavailable,       // the other side is not there now; try again later
    Timeout,           // no answer within the deadline
    Cancelled,         // the caller asked to stop
    Corrupt,           // stored or received bytes break their own format
    Io,                // the operating system refused
    Internal,          // a bug in this program
};

std::string_view to_string(ErrorKind kind);

class Error {
 public:
    Error(ErrorKind kind, std::string message) : kind_(kind), message_(std::move(message)) {}

    [[nodiscard]] ErrorKind kind() const { return kind_; }
    [[nodiscard]] const std::string& message() const { return message_; }
    [[nodiscard]] const Error* cause() const { return cause_.get(); }

    // The same failure seen one level up: `context: message: cause...`. Keeps the kind.
    [[nodiscard]] Error wrap(std::string context) const {
        Error outer(kind_, std::move(context));
        outer.cause_ = std::make_shared<const Error>(*this);
        return outer;
    }

    // The whole chain, outermost first, joined with ": ". Never contains a secret: whoever builds a
    // message leaves secrets out.
    [[nodiscard]] std::string text() const { return cause_ ? message_ + ": " + cause_->text() : message_; }

 private:
    ErrorKind kind_;
    std::string message_;
    std::shared_ptr<const Error> cause_;
};

template <class T>
using Result = tl::expected<T, Error>;

[[nodiscard]] inline tl::unexpected<Error> fail(ErrorKind kind, std::string message) {
    return tl::unexpected<Error>(Error(kind, std::move(message)));
}
[[nodiscard]] inline tl::unexpected<Error> fail(Error error) {
    return tl::unexpected<Error>(std::move(error));
}

}  // namespace harmony
