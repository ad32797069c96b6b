#include "history.hpp"

#include <algorithm>
#include <cstdio>

#include "harmony/contracts/canonical_json.hpp"

namespace harmony::simulation {

namespace {

constexpr std::size_t kTailLines = 400;
constexpr std::array<std::string_view, static_cast<std::size_t>(Happened::kCount)> kNames{
    "started",      "died",         "crash-planned",  "connected",
    "disconnected", "desired-put",  "desired-delete", "state",
    "info",         "heartbeat",    "create",         "start",
    "end",          "remove",       "podman-failed",  "podman-down",
    "podman-up",    "reboot",       "disk-refused",   "disk-torn",
    "write-lost",   "link-cut",     "link-healed",    "link-poor",
    "broker-down",  "broker-up",    "bucket-lost",    "kv-writes-lost",
    "clock-step",   "labels",       "joined",         "retired",
    "apply",        "acknowledged", "refused",        "unanswered",
    "store-failed", "faults-began", "faults-ended",   "converged"};

}  // namespace

std::string_view to_string(Happened what) {
    return kNames.at(static_cast<std::size_t>(what));
}

void History::add(Happened what, std::string_view who, std::string_view detail) {
    const std::array<std::uint64_t, 2> head{static_cast<std::uint64_t>(scheduler_.now()),
                                            static_cast<std::uint64_t>(what)};
    hash_ = contracts::fnv1a64({reinterpret_cast<const char*>(head.data()), sizeof head}, hash_);
    hash_ = contracts::fnv1a64(who, hash_);
    hash_ = contracts::fnv1a64(detail, hash_);
    ++counts_.at(static_cast<std::size_t>(what));
    if (what == Happened::Heartbeat) return;
    if (tail_.size() < kTailLines) tail_.emplace_back();
    Line& line = tail_[next_];
    next_ = (next_ + 1) % kTailLines;
    line.when = scheduler_.now();
    line.what = what;
    line.who.assign(who);
    line.detail.assign(detail);
    if (verbose_) std::printf("%s\n", format(line).c_str());
}

std::string History::format(const Line& line) {
    char head[64];
    std::snprintf(head, sizeof head, "%14.6f s  %-14s ", static_cast<double>(line.when) / 1e6,
                  std::string(to_string(line.what)).c_str());
    return head + line.who + (line.detail.empty() ? "" : "  " + line.detail);
}

std::string History::text() const {
    std::string text;
    const std::size_t first = tail_.size() < kTailLines ? 0 : next_;
    for (std::size_t i = 0; i < tail_.size(); ++i)
        text += format(tail_[(first + i) % tail_.size()]) + "\n";
    text += "events:";
    for (std::size_t i = 0; i < counts_.size(); ++i) {
        if (counts_.at(i) > 0) text += " " + std::string(kNames.at(i)) + "=" + std::to_string(counts_.at(i));
    }
    return text + "\n";
}

}  // namespace harmony::simulation
