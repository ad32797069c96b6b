// What a watch tells and how it stops.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>

#include "harmony/kubernetes/failure.hpp"
#include "harmony/kubernetes/resource.hpp"

namespace harmony::runtime::kubernetes {

struct WatchScope {
    ResourceType type;
    std::string name_space = {};  // empty: all of them
    std::string label_selector = {};
    std::string field_selector = {};
};

enum class Change { Added, Modified, Deleted };

// All handlers of all watches of a client run on its one thread: they copy, enqueue and return. They must not
// call the client, which would wait for itself (it answers with a Configuration failure instead), and must
// not destroy the watch.
struct WatchHandlers {
    // A list of everything begins. Sent first, and again whenever the server could not go on from where the
    // watch was (Gone). What was known and is not repeated before on_caught_up is gone: those deletions are
    // not told.
    std::function<void()> on_replay = {};
    // During a replay every object is Added.
    std::function<void(Change, const nlohmann::json& object)> on_change = {};
    std::function<void()> on_caught_up = {};
    // Why the watch is interrupted. It goes on trying, also after a refusal: permissions and credentials come
    // back.
    std::function<void(const Failure&)> on_trouble = {};
};

struct WatchOptions {
    int page_size = 500;
    // How long the server may keep one watch request; then it is made again from where it was. Also bounds
    // how long a silently dead connection is believed.
    std::chrono::seconds request_lifetime{240};
    std::chrono::milliseconds retry_first{200};  // doubled up to retry_max, jittered
    std::chrono::milliseconds retry_max{15'000};
};

// Stops when destroyed; no handler runs afterwards. The client must outlive it.
class Watch {
 public:
    virtual ~Watch() = default;
    // How many replays have begun: 1 in an undisturbed life.
    [[nodiscard]] virtual std::uint64_t replays() const = 0;
};

}  // namespace harmony::runtime::kubernetes
