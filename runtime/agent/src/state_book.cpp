#include "harmony/agent/state_book.hpp"

#include <nlohmann/json.hpp>

namespace harmony::agent {

using contracts::DeploymentName;
using contracts::DeploymentState;
using contracts::Timestamp;

namespace {

using Json = nlohmann::json;
constexpr std::size_t kMaxFileBytes = 64 * 1024 * 1024;

std::string in_quotes(const std::string& text) {
    return '"' + text + '"';
}

void append_item(std::string& list, const std::string& json) {
    if (!list.empty()) list += ',';
    list += json;
}

bool same(const DeploymentState& old_state, const NewState& state) {
    return old_state.phase == state.phase && old_state.last_error == state.last_error &&
           old_state.score_hash == state.score_hash && old_state.containers == state.containers;
}

}  // namespace

StateBook::StateBook(std::string path, contracts::DeviceId device, const Clock& clock,
                     runtime::daemon::Disk& disk)
    : path_(std::move(path)), device_(std::move(device)), clock_(clock), disk_(disk) {}

Result<void> StateBook::load() {
    const auto text = disk_.read(path_, kMaxFileBytes);
    if (!text && text.error().kind() == ErrorKind::NotFound) return {};
    if (!text && text.error().kind() == ErrorKind::InvalidInput)
        return fail(ErrorKind::Corrupt, text.error().text());
    if (!text) return fail(text.error());
    auto done = read(*text);
    if (!done) {
        states_.clear();
        removed_.clear();
        last_event_ = {};
    }
    for (const auto& [name, state] : states_)
        last_life_.insert(name);
    return done;
}

Result<void> StateBook::read(const std::string& text) {
    const Json document = Json::parse(text, nullptr, false);
    const auto corrupt = [&](const std::string& what) {
        return fail(ErrorKind::Corrupt, path_ + ": " + what);
    };
    const auto list_of = [&](const char* field) {
        return document.is_object() ? document.value(field, Json()) : Json();
    };
    const Json device = list_of("device_id");
    const Json last = list_of("last_event_at");
    const Json states = list_of("states");
    const Json removed = list_of("removed");
    if (device != device_.str()) return corrupt("device_id: expected " + device_.str());
    if (!last.is_string() || !states.is_array() || !removed.is_array()) return corrupt("a field is missing");
    const auto last_event = Timestamp::parse(last.get<std::string>());
    if (!last_event) return corrupt("last_event_at: " + last_event.error().message());
    last_event_ = *last_event;
    for (const Json& entry : states) {
        auto state = DeploymentState::decode(entry.dump());
        if (!state) return corrupt("states: " + state.error().text());
        last_event_ = std::max(last_event_, state->last_event_at);
        states_.emplace(state->deployment, *state);
    }
    for (const Json& entry : removed) {
        auto name = DeploymentName::parse(entry.is_string() ? entry.get<std::string>() : "");
        if (!name) return corrupt("removed: " + name.error().message());
        removed_.insert(*std::move(name));
    }
    return {};
}

bool StateBook::set(const DeploymentName& deployment, NewState state) {
    const auto found = states_.find(deployment);
    const bool was_last_life = last_life_.erase(deployment) > 0;
    if (found != states_.end() && same(found->second, state)) {
        if (was_last_life) unconfirmed_.insert(deployment);
        return false;
    }
    DeploymentState next;
    next.deployment = deployment;
    next.phase = state.phase;
    next.last_event_at = Timestamp::after(last_event_, clock_.wall());
    next.last_error = std::move(state.last_error);
    next.score_hash = std::move(state.score_hash);
    next.containers = std::move(state.containers);
    last_event_ = next.last_event_at;
    states_.insert_or_assign(deployment, std::move(next));
    removed_.erase(deployment);
    std::erase(deleted_, deployment);
    unconfirmed_.insert(deployment);
    changed_ = true;
    return true;
}

void StateBook::remove(const DeploymentName& deployment) {
    states_.erase(deployment);
    unconfirmed_.erase(deployment);
    last_life_.erase(deployment);
    std::erase(deleted_, deployment);
    removed_.insert(deployment);
    changed_ = true;
}

const DeploymentState* StateBook::find(const DeploymentName& deployment) const {
    const auto found = states_.find(deployment);
    return found == states_.end() ? nullptr : &found->second;
}

Result<void> StateBook::save() {
    if (!changed_) return {};
    // The states are JSON already, and no name needs an escape.
    std::string states;
    for (const auto& [name, state] : states_)
        append_item(states, state.encode());
    std::string removed;
    for (const DeploymentName& name : removed_)
        append_item(removed, in_quotes(name.str()));
    for (const DeploymentName& name : deleted_)
        append_item(removed, in_quotes(name.str()));
    const std::string document = R"({"device_id":)" + in_quotes(device_.str()) + R"(,"last_event_at":)" +
                                 in_quotes(last_event_.format()) + R"(,"removed":[)" + removed +
                                 R"(],"states":[)" + states + "]}";
    if (auto written = disk_.write_durably(path_, document); !written) return written;
    changed_ = false;
    return {};
}

std::vector<StateBook::Write> StateBook::unconfirmed() const {
    std::vector<Write> writes;
    for (const DeploymentName& name : removed_)
        writes.push_back({name, std::nullopt});
    for (const DeploymentName& name : unconfirmed_)
        writes.push_back({name, states_.at(name)});
    return writes;
}

void StateBook::confirm(const Write& write) {
    if (!write.state) {
        if (removed_.erase(write.deployment) == 0) return;
        deleted_.push_back(write.deployment);
        if (deleted_.size() <= kRememberedRemovals) return;
        deleted_.pop_front();
        changed_ = true;
        return;
    }
    const DeploymentState* current = find(write.deployment);
    if (current && current->last_event_at == write.state->last_event_at) unconfirmed_.erase(write.deployment);
}

void StateBook::reassert() {
    removed_.insert(deleted_.begin(), deleted_.end());
    deleted_.clear();
    for (const auto& [name, state] : states_) {
        if (!last_life_.contains(name)) unconfirmed_.insert(name);
    }
}

}  // namespace harmony::agent
