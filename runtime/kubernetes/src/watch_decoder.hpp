// The stream of a watch: one JSON document per line. Pure; bytes may be cut anywhere.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "harmony/kubernetes/failure.hpp"
#include "status.hpp"

namespace harmony::runtime::kubernetes {

enum class WatchLineKind { Added, Modified, Deleted, Bookmark };

struct WatchLine {
    WatchLineKind kind;
    std::string resource_version;
    nlohmann::json object;
};

class WatchDecoder {
 public:
    // An object of the API has at most 1.5 MiB in etcd; encoded as JSON it can be a few times larger.
    static constexpr std::size_t kMaxLineBytes = 16 * 1024 * 1024;

    explicit WatchDecoder(CallName call, std::size_t max_line_bytes = kMaxLineBytes)
        : call_(std::move(call)), max_line_bytes_(max_line_bytes) {}

    // The complete lines so far. A failure ends the stream: an ERROR event (Gone, for example), or bytes that
    // are no watch (Malformed). Lines before it in the same bytes are in `lines`.
    [[nodiscard]] Answer<void> feed(std::string_view bytes, std::vector<WatchLine>& lines);

 private:
    [[nodiscard]] Answer<void> take_line(std::string_view line, std::vector<WatchLine>& lines) const;

    CallName call_;
    std::size_t max_line_bytes_;
    std::string rest_;
};

// metadata.resourceVersion, or nothing.
[[nodiscard]] std::string resource_version_of(const nlohmann::json& object);

}  // namespace harmony::runtime::kubernetes
