#include "harmony/agent/follow_buffer.hpp"

#include <algorithm>

namespace harmony::agent {

std::size_t FollowBuffer::number_of(const LogSource& source) {
    const auto found = std::find(sources_.begin(), sources_.end(), source);
    const auto number = static_cast<std::size_t>(found - sources_.begin());
    if (found == sources_.end()) sources_.push_back(source);
    return number;
}

void FollowBuffer::push_line(const LogSource& source, std::string text, bool cut) {
    bytes_ += text.size() + kItemBytes;
    items_.push_back({number_of(source), std::move(text), cut, std::nullopt});
    while (bytes_ > max_bytes_)
        drop_oldest_line();
}

void FollowBuffer::push_event(const LogSource& source, contracts::LogsEvent event) {
    if (events_ == kMaxEvents) {
        items_.erase(std::find_if(items_.begin(), items_.end(),
                                  [](const Item& item) { return item.event.has_value(); }));
        --events_;
    }
    ++events_;
    items_.push_back({number_of(source), {}, false, event});
}

// There is one: bytes_ counts lines only.
void FollowBuffer::drop_oldest_line() {
    const auto oldest =
        std::find_if(items_.begin(), items_.end(), [](const Item& item) { return !item.event; });
    bytes_ -= oldest->text.size() + kItemBytes;
    ++lost_[oldest->source];
    items_.erase(oldest);
}

std::optional<contracts::LogsReply> FollowBuffer::take(std::size_t max_bytes) {
    if (empty()) return std::nullopt;
    const std::size_t source = items_.empty() ? lost_.begin()->first : items_.front().source;
    contracts::LogsReply reply;
    reply.source = sources_[source].container;
    reply.service = sources_[source].service;
    if (const auto lost = lost_.find(source); lost != lost_.end()) {
        reply.lost_lines = lost->second;
        reply.truncated = true;
        lost_.erase(lost);
    }
    std::size_t taken = 0;
    while (!items_.empty() && items_.front().source == source && taken < max_bytes &&
           reply.lines.size() < static_cast<std::size_t>(contracts::kLogsMaxLines)) {
        Item& item = items_.front();
        if (item.event) {
            // An event belongs to the moment after the lines before it.
            reply.event = item.event;
            --events_;
            items_.pop_front();
            break;
        }
        taken += item.text.size() + kItemBytes;
        bytes_ -= item.text.size() + kItemBytes;
        reply.truncated = reply.truncated || item.cut;
        reply.lines.push_back(std::move(item.text));
        items_.pop_front();
    }
    return reply;
}

}  // namespace harmony::agent
