// How values of the contract look in a table and in --output json.
#pragma once

#include <chrono>
#include <harmony/plugin/command.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "harmony/contracts/labels.hpp"
#include "harmony/contracts/resources.hpp"
#include "harmony/contracts/timestamps.hpp"

namespace harmony::fleet {

// "5s", "12m", "3h", "4d"; "0s" where it lies in the future.
[[nodiscard]] std::string age_text(contracts::Timestamp since, contracts::Timestamp now);
// "-" where there is none.
[[nodiscard]] std::string age_text(const std::optional<contracts::Timestamp>& since,
                                   contracts::Timestamp now);
// "arch=arm64,site=north"; "-" where there is none.
[[nodiscard]] std::string labels_text(const contracts::Labels& labels);
// A text of one line, cut at a character's boundary.
[[nodiscard]] std::string one_line(const std::string& text, std::size_t max_bytes);

// Null where the status has none of that type.
[[nodiscard]] const contracts::Condition* find_condition(
    const std::optional<contracts::DeploymentStatus>& status, std::string_view type);
// How a rollout goes, where one is under way, halted or paused: "12 of 40 updated, 3 unavailable"; empty
// otherwise.
[[nodiscard]] std::string rollout_text(const contracts::Deployment& deployment);

// A document of the contract, as it encodes itself.
template <class Document>
[[nodiscard]] plugin::Result<plugin::Json> json_of(const Document& document) {
    return plugin::Json::parse(document.encode());
}

}  // namespace harmony::fleet
