#include "watch_progress.hpp"

#include <algorithm>
#include <utility>

namespace harmony::runtime::kubernetes {
namespace {

// The list's continue token and the watch's version age alike. What the server can't do from this version, or
// what it sends and can't be read, would be the same again and again; a list is a way out.
bool needs_list(const Failure& failure) {
    switch (failure.reason) {
        case Reason::Gone:
        case Reason::Invalid:
        case Reason::Rejected:
        case Reason::Malformed:
            return true;
        default:
            return failure.status == 500;
    }
}

}  // namespace

std::vector<WatchAction> WatchProgress::begin() {
    return {TellReplay{}, StartList{}};
}

std::vector<WatchAction> WatchProgress::on_page(ListPage page) {
    failures_ = 0;
    std::vector<WatchAction> actions;
    actions.reserve(page.items.size() + 2);
    for (Json& item : page.items)
        actions.emplace_back(TellChange{Change::Added, std::move(item)});
    if (!page.continue_token.empty()) {
        actions.emplace_back(StartList{std::move(page.continue_token)});
        return actions;
    }
    resource_version_ = std::move(page.resource_version);
    actions.emplace_back(TellCaughtUp{});
    actions.emplace_back(StartWatch{resource_version_});
    return actions;
}

std::vector<WatchAction> WatchProgress::on_line(WatchLine line) {
    failures_ = 0;
    resource_version_ = std::move(line.resource_version);
    std::vector<WatchAction> actions;
    switch (line.kind) {
        case WatchLineKind::Bookmark:
            break;
        case WatchLineKind::Added:
            actions.emplace_back(TellChange{Change::Added, std::move(line.object)});
            break;
        case WatchLineKind::Modified:
            actions.emplace_back(TellChange{Change::Modified, std::move(line.object)});
            break;
        case WatchLineKind::Deleted:
            actions.emplace_back(TellChange{Change::Deleted, std::move(line.object)});
            break;
    }
    return actions;
}

std::vector<WatchAction> WatchProgress::on_end(bool lasted, double random) {
    // A server that ends every watch at once must not be asked in a tight loop. A watch that ended after its
    // lifetime waits the first delay too, which nobody notices, however quiet it was.
    if (lasted) failures_ = 0;
    std::vector<WatchAction> actions;
    actions.push_back(wait(std::nullopt, random));
    return actions;
}

std::vector<WatchAction> WatchProgress::on_failure(Failure failure, double random) {
    if (needs_list(failure)) resource_version_.clear();
    const auto at_least = failure.retry_after;
    std::vector<WatchAction> actions;
    actions.emplace_back(TellTrouble{std::move(failure)});
    actions.push_back(wait(at_least, random));
    return actions;
}

std::vector<WatchAction> WatchProgress::on_waited() {
    if (resource_version_.empty()) return begin();
    return {StartWatch{resource_version_}};
}

WatchAction WatchProgress::wait(const std::optional<std::chrono::seconds>& at_least, double random) {
    auto delay = backoff_delay(backoff_, ++failures_, random);
    if (at_least) delay = std::max<std::chrono::milliseconds>(delay, *at_least);
    return WaitFor{delay};
}

}  // namespace harmony::runtime::kubernetes
