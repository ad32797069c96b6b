#include "harmony/operator/ignored_entries.hpp"

#include <utility>

#include "harmony/contracts/kv.hpp"

namespace harmony::op {

using contracts::Timestamp;

bool IgnoredEntries::take(const IgnoredChange& change, Timestamp now) {
    std::pair place(change.bucket, change.key);
    const auto known = entries_.find(place);
    if (change.problem.empty()) {
        if (known == entries_.end()) return false;
        entries_.erase(known);
        return true;
    }
    if (known != entries_.end()) {
        if (known->second.text == change.problem) return false;
        known->second.text = change.problem;
        return true;
    }
    if (entries_.size() >= kMost) return false;
    entries_.emplace(std::move(place), Problem{change.problem, now});
    return true;
}

void IgnoredEntries::replace(const std::string& bucket, const std::vector<std::string>& keys,
                             const std::string& problem, Timestamp now) {
    std::erase_if(entries_, [&](const auto& entry) { return entry.first.first == bucket; });
    for (const std::string& key : keys)
        take({bucket, key, problem}, now);
}

std::vector<contracts::IgnoredEntry> IgnoredEntries::first(std::size_t limit) const {
    std::vector<contracts::IgnoredEntry> result;
    for (const auto& [place, problem] : entries_) {
        if (result.size() == limit) break;
        result.push_back({place.first, place.second, problem.text});
    }
    return result;
}

std::vector<contracts::Condition> IgnoredEntries::conditions(const contracts::DeviceId& device) const {
    const auto found =
        entries_.find({std::string(contracts::kDeviceInfoBucket), contracts::device_info_key(device)});
    if (found == entries_.end()) return {};
    contracts::Condition condition;
    condition.type = contracts::kConditionInfoAccepted;
    condition.status = contracts::ConditionStatus::False;
    condition.reason = "Malformed";
    condition.message = found->second.text + "; what the device said before still holds";
    condition.last_transition_time = found->second.since;
    return {condition};
}

}  // namespace harmony::op
