// What the stream below a bucket says of itself: enough to see that the bucket is not the one of before.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "harmony/nats/connection.hpp"
#include "harmony/result.hpp"

namespace harmony::runtime::nats {

struct BucketState {
    std::string created;         // as the server writes it; another one: deleted and made anew
    std::uint64_t messages = 0;  // values and deletion markers
    std::uint64_t last_revision = 0;
};

// NotFound: there is no such bucket. Needs the right to publish on $JS.API.STREAM.INFO.KV_<bucket>.
[[nodiscard]] Result<BucketState> bucket_state(NatsConnection& connection, std::string_view bucket,
                                               Milliseconds timeout);

// Whether a bucket with history 1 and no time to live has lost anything between two looks at it: it was made
// anew, entries were purged, or the server went back behind what it had acknowledged.
[[nodiscard]] bool has_lost_entries(const BucketState& before, const BucketState& now);

}  // namespace harmony::runtime::nats
