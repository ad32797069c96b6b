// What a watch told, for a test that waits for it.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "harmony/kubernetes/watch.hpp"

namespace harmony::runtime::kubernetes::testing {

class Observer {
 public:
    [[nodiscard]] WatchHandlers handlers() {
        WatchHandlers handlers;
        handlers.on_replay = [this] { note([this] { replaying_.clear(); }); };
        handlers.on_change = [this](Change change, const nlohmann::json& object) {
            note([&] { take(change, object); });
        };
        handlers.on_caught_up = [this] {
            note([this] {
                known = replaying_;
                ++caught_up;
            });
        };
        handlers.on_trouble = [this](const Failure& failure) { note([&] { troubles.push_back(failure); }); };
        return handlers;
    }

    // True once the condition holds, evaluated under the lock whenever something was told.
    [[nodiscard]] bool wait(const std::function<bool(const Observer&)>& condition,
                            std::chrono::seconds deadline) {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, deadline, [&] { return condition(*this); });
    }

    // Only inside the condition of wait().
    std::map<std::string, std::string> known;  // name → resource version
    std::vector<Failure> troubles;
    int caught_up = 0;
    int deletions = 0;

 private:
    void note(const std::function<void()>& change) {
        const std::unique_lock lock(mutex_);
        change();
        changed_.notify_all();
    }

    void take(Change change, const nlohmann::json& object) {
        const std::string name = object.at("metadata").at("name");
        if (change == Change::Deleted) {
            known.erase(name);
            ++deletions;
            return;
        }
        replaying_[name] = object.at("metadata").at("resourceVersion");
        known[name] = replaying_[name];
    }

    std::mutex mutex_;
    std::condition_variable changed_;
    std::map<std::string, std::string> replaying_;
};

}  // namespace harmony::runtime::kubernetes::testing
