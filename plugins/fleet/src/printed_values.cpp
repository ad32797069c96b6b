#include "printed_values.hpp"

#include <algorithm>

namespace harmony::fleet {

namespace {

constexpr std::int64_t kMinute = 60;
constexpr std::int64_t kHour = 60 * kMinute;
constexpr std::int64_t kDay = 24 * kHour;

}  // namespace

std::string age_text(contracts::Timestamp since, contracts::Timestamp now) {
    const std::int64_t seconds = std::max<std::int64_t>(0, now.seconds() - since.seconds());
    if (seconds < 2 * kMinute) return std::to_string(seconds) + "s";
    if (seconds < 2 * kHour) return std::to_string(seconds / kMinute) + "m";
    if (seconds < 2 * kDay) return std::to_string(seconds / kHour) + "h";
    return std::to_string(seconds / kDay) + "d";
}

std::string age_text(const std::optional<contracts::Timestamp>& since, contracts::Timestamp now) {
    return since ? age_text(*since, now) : "-";
}

std::string labels_text(const contracts::Labels& labels) {
    std::string text;
    for (const auto& [key, value] : labels)
        text += (text.empty() ? "" : ",") + key + "=" + value;
    return text.empty() ? "-" : text;
}

const contracts::Condition* find_condition(const std::optional<contracts::DeploymentStatus>& status,
                                           std::string_view type) {
    if (!status) return nullptr;
    const auto found = std::find_if(status->conditions.begin(), status->conditions.end(),
                                    [&](const contracts::Condition& other) { return other.type == type; });
    return found != status->conditions.end() ? &*found : nullptr;
}

std::string rollout_text(const contracts::Deployment& deployment) {
    const auto* progressing = find_condition(deployment.status, contracts::kConditionProgressing);
    if (progressing == nullptr || !deployment.status->rollout) return "";
    const auto& rollout = *deployment.status->rollout;
    const bool complete = rollout.updated == deployment.status->aggregate.matched_device_count;
    return complete ? "" : progressing->message;
}

std::string one_line(const std::string& text, std::size_t max_bytes) {
    std::string line = text;
    std::replace_if(
        line.begin(), line.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20; }, ' ');
    if (line.size() <= max_bytes) return line;
    std::size_t end = max_bytes;
    while (end > 0 && (static_cast<unsigned char>(line[end]) & 0xC0) == 0x80)
        --end;
    return line.substr(0, end) + "...";
}

}  // namespace harmony::fleet
