// How long one followed stream may go on, and how much it may send.
#pragma once

#include <string>

#include "harmony/agent/clock.hpp"
#include "harmony/contracts/commands.hpp"
#include "harmony/contracts/device_permissions.hpp"

namespace harmony::agent {

// The server lets a device send a limited number of messages to a reply subject, anew for each message that
// brings it. Some are left over for the last reply.
inline constexpr int kRepliesPerRenewal = contracts::kDeviceResponses.max_messages - 50;
static_assert(contracts::kFollowLease < contracts::kDeviceResponses.expires);

// Not thread-safe.
class StreamLease {
 public:
    StreamLease(std::string reply, SteadyTime now) { renew(std::move(reply), now); }

    void renew(std::string reply, SteadyTime now) {
        reply_ = std::move(reply);
        until_ = now + contracts::kFollowLease;
        replies_left_ = kRepliesPerRenewal;
    }
    // A new connection may send nothing to the reply subject until the next renewal brings it.
    void connection_changed() { replies_left_ = 0; }

    [[nodiscard]] bool expired(SteadyTime now) const { return now >= until_; }
    [[nodiscard]] bool may_send() const { return replies_left_ > 0; }
    // The next reply's subject; counts it.
    [[nodiscard]] const std::string& send() {
        --replies_left_;
        return reply_;
    }

 private:
    std::string reply_;
    SteadyTime until_{};
    int replies_left_ = 0;
};

}  // namespace harmony::agent
