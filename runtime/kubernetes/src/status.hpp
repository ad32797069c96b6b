// The API's Status objects. Pure.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "harmony/kubernetes/failure.hpp"

namespace harmony::runtime::kubernetes {

// What was asked, as roles name it: a refusal says which permission is missing.
struct CallName {
    std::string verb;      // get, list, watch, create, update, patch, delete
    std::string resource;  // deployments.apps, pods/log
    std::string name_space;
    std::string name;

    [[nodiscard]] std::string text() const;
};

[[nodiscard]] Failure decode_failure(const CallName& call, int status, std::string_view body,
                                     std::string_view retry_after = {});
// A Status that came as an object: the ERROR event of a watch.
[[nodiscard]] Failure decode_status(const CallName& call, int status, const nlohmann::json& object);

// Seconds; the other form of the header, a date, is not used by API servers and ignored. At most an hour.
[[nodiscard]] std::optional<std::chrono::seconds> parse_retry_after(std::string_view text);

// Where a signed token says that it ends, in seconds since the epoch. Its signature is the server's business.
[[nodiscard]] std::optional<std::int64_t> token_expiry(std::string_view token);

// Text of somebody else, fit for one line of an error: control characters become spaces, the rest is cut.
[[nodiscard]] std::string foreign_text(std::string_view text);

}  // namespace harmony::runtime::kubernetes
