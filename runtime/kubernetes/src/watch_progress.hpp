// Where a watch is: listing page by page, watching, or waiting to do one of them again. A function of its
// events; the shell (watch.cpp) performs the actions. Pure.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "harmony/kubernetes/client.hpp"
#include "retry.hpp"
#include "watch_decoder.hpp"

namespace harmony::runtime::kubernetes {

struct StartList {
    std::string continue_token;
};
struct StartWatch {
    std::string resource_version;
};
struct WaitFor {
    std::chrono::milliseconds delay;
};
struct TellReplay {};
struct TellChange {
    Change change;
    Json object;
};
struct TellCaughtUp {};
struct TellTrouble {
    Failure failure;
};
using WatchAction =
    std::variant<StartList, StartWatch, WaitFor, TellReplay, TellChange, TellCaughtUp, TellTrouble>;

// Each step ends with exactly one of StartList, StartWatch and WaitFor, or, after on_line, with none of them.
class WatchProgress {
 public:
    explicit WatchProgress(Backoff backoff) : backoff_(backoff) {}

    [[nodiscard]] std::vector<WatchAction> begin();
    [[nodiscard]] std::vector<WatchAction> on_page(ListPage page);
    [[nodiscard]] std::vector<WatchAction> on_line(WatchLine line);
    // The server ended the request in order, as it does after its lifetime; or long before: not `lasted`.
    [[nodiscard]] std::vector<WatchAction> on_end(bool lasted, double random);
    [[nodiscard]] std::vector<WatchAction> on_failure(Failure failure, double random);
    [[nodiscard]] std::vector<WatchAction> on_waited();

 private:
    [[nodiscard]] WatchAction wait(const std::optional<std::chrono::seconds>& at_least, double random);

    Backoff backoff_;
    std::string resource_version_;  // empty: a list is needed
    int failures_ = 0;              // since the last sign of life
};

}  // namespace harmony::runtime::kubernetes
