// The entries of the buckets that cannot be used, because key or value breaks the contract: so that whoever
// looks after the fleet sees them.
//
// Not thread-safe: part of the operator's state.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "harmony/contracts/fleet_api.hpp"
#include "harmony/contracts/names.hpp"
#include "harmony/contracts/timestamps.hpp"

namespace harmony::op {

struct IgnoredChange {
    std::string bucket;
    std::string key;
    std::string problem;  // empty: the entry is right now, or gone
};

class IgnoredEntries {
 public:
    // More than so many are counted by the metrics only.
    static constexpr std::size_t kMost = 1000;

    // False where nothing is new.
    bool take(const IgnoredChange& change, contracts::Timestamp now);
    // Forgets those of the bucket and takes these, which all have that problem.
    void replace(const std::string& bucket, const std::vector<std::string>& keys, const std::string& problem,
                 contracts::Timestamp now);

    [[nodiscard]] std::size_t size() const { return entries_.size(); }
    // In the order of bucket and key.
    [[nodiscard]] std::vector<contracts::IgnoredEntry> first(std::size_t limit) const;
    // What a user sees at the device: InfoAccepted False where its latest device-info is among them.
    [[nodiscard]] std::vector<contracts::Condition> conditions(const contracts::DeviceId& device) const;

 private:
    struct Problem {
        std::string text;
        contracts::Timestamp since;
    };
    std::map<std::pair<std::string, std::string>, Problem> entries_;  // by bucket and key
};

}  // namespace harmony::op
