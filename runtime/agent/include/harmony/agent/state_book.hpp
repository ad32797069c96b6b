// Every deployment's state as this device tells it, and what of it the broker has not confirmed yet.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "harmony/agent/clock.hpp"
#include "harmony/contracts/deployment_state.hpp"
#include "harmony/daemon/disk.hpp"
#include "harmony/result.hpp"

namespace harmony::agent {

struct NewState {
    contracts::Phase phase = contracts::Phase::Pending;
    std::optional<std::string> last_error;
    std::string score_hash;
    std::vector<contracts::ContainerState> containers;
};

// Not thread-safe: it belongs to the reconcile thread. Kept on disk, so that last_event_at goes on increasing
// after a restart and after a step of the clock, and a deleted key is deleted also if that was not possible
// at the time.
class StateBook {
 public:
    // Clock and disk must outlive it.
    StateBook(std::string path, contracts::DeviceId device, const Clock& clock,
              runtime::daemon::Disk& disk = runtime::daemon::file_disk());

    // Once, first. Corrupt: the file is ignored and the book begins empty. Io. A state of the last life is
    // told only once set() has confirmed or replaced it: after a boot nothing runs yet.
    [[nodiscard]] Result<void> load();

    // The same state again changes nothing. True where it is new.
    bool set(const contracts::DeploymentName& deployment, NewState state);
    void remove(const contracts::DeploymentName& deployment);
    [[nodiscard]] const contracts::DeploymentState* find(const contracts::DeploymentName& deployment) const;
    [[nodiscard]] const std::map<contracts::DeploymentName, contracts::DeploymentState>& states() const {
        return states_;
    }

    // Writes the file if anything changed since it was last written.
    [[nodiscard]] Result<void> save();

    // What the broker must be told, and that it has been. A write that was confirmed while a newer state came
    // stays unconfirmed.
    struct Write {
        contracts::DeploymentName deployment;
        std::optional<contracts::DeploymentState> state;  // none: delete the key
    };
    [[nodiscard]] std::vector<Write> unconfirmed() const;
    void confirm(const Write& write);
    // After a reconnect: the broker may have lost what it confirmed, deletions too; the latest of these are
    // therefore kept in mind and told again. What is only known from the last life waits.
    void reassert();
    static constexpr std::size_t kRememberedRemovals = 32;

 private:
    [[nodiscard]] Result<void> read(const std::string& text);

    std::string path_;
    contracts::DeviceId device_;
    const Clock& clock_;
    runtime::daemon::Disk& disk_;
    std::map<contracts::DeploymentName, contracts::DeploymentState> states_;
    std::set<contracts::DeploymentName> removed_;      // keys whose deletion is unconfirmed
    std::deque<contracts::DeploymentName> deleted_;    // confirmed ones, the latest last
    std::set<contracts::DeploymentName> unconfirmed_;  // of states_
    std::set<contracts::DeploymentName> last_life_;    // of states_: loaded, and not set since
    contracts::Timestamp last_event_;                  // the latest that was ever given out
    bool changed_ = false;
};

}  // namespace harmony::agent
