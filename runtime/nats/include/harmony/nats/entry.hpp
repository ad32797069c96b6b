// One key of a KV bucket at one revision.
#pragma once

#include <cstdint>
#include <string>

namespace harmony::runtime::nats {

struct Entry {
    std::string key;
    std::string value;
    std::uint64_t revision = 0;  // the stream's sequence number: grows with every write to the bucket
    bool deleted = false;        // a deletion marker; value is empty

    bool operator==(const Entry&) const = default;
};

}  // namespace harmony::runtime::nats
