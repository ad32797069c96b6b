// What the operator asks of a device: bucket desired-state, a Score per deployment and the index that lists
// them.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "harmony/contracts/names.hpp"
#include "harmony/result.hpp"

namespace harmony::contracts {

inline constexpr std::size_t kMaxScoreBytes = 256 * 1024;  // Score::data
// A score with its envelope, and an index of the most and longest names.
inline constexpr std::size_t kMaxDesiredStateBytes = kMaxScoreBytes + 4096;
inline constexpr std::size_t kMaxDeploymentsPerDevice = 1000;
inline constexpr std::size_t kMaxScoreTypeBytes = 63;

// A typed payload whose type is only a name here: a device that does not know it must still be able to say
// so. Scores are equal when their canonical bytes are.
struct Score {
    std::string type;  // a letter, then letters and digits
    std::string data;  // canonical JSON of an object

    [[nodiscard]] static Result<Score> decode(std::string_view json);
    // The exact bytes of the desired-state value.
    [[nodiscard]] std::string encode() const;
    // value_hash of encode(): DeploymentState::score_hash, and what the digest is made of.
    [[nodiscard]] std::string hash() const;

    bool operator==(const Score&) const = default;
};

// The key <device>._index. Written after the keys it lists exist, and before a listed key is deleted.
struct DesiredIndex {
    std::vector<DeploymentName> deployments;  // sorted, each once

    // Accepts any order, refuses a name twice; the result is sorted.
    [[nodiscard]] static Result<DesiredIndex> decode(std::string_view json);
    [[nodiscard]] std::string encode() const;

    bool operator==(const DesiredIndex&) const = default;
};

// Deployment to the value hash of its score.
using DesiredHashes = std::map<DeploymentName, std::string>;

// 16 hexadecimal digits over "<deployment>=<value hash>\n" of each pair, in the order of the names' bytes.
// Both sides compute it: a device in its heartbeat, the operator to see whether a hint was lost.
[[nodiscard]] std::string desired_digest(const DesiredHashes& held);

}  // namespace harmony::contracts
