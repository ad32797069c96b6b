// What must hold at every moment of a simulation, whatever breaks; told by the models, checked as it is told.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "broker.hpp"
#include "harmony/contracts/resources.hpp"
#include "harmony/operator/reducer.hpp"
#include "harmony/podman/container_runtime.hpp"
#include "store.hpp"

namespace harmony::simulation {

// Once nothing is broken any more, every device gets to what is asked of it within a bound.
inline constexpr std::string_view kConverges = "converges";
// No container is made that no desired state of its device explains.
inline constexpr std::string_view kOwned = "containers-have-owners";
inline constexpr std::string_view kOneGeneration = "one-generation-at-a-time";
// A rolling update takes no more devices that run away at once than maxUnavailable says, until they are
// reported to run again.
inline constexpr std::string_view kBudget = "rolling-budget";
// The status counts no device as succeeded that has not reported so.
inline constexpr std::string_view kHonestStatus = "status-claims-what-was-reported";
inline constexpr std::string_view kAppliesKept = "acknowledged-applies-are-kept";
// Work, loads and queues come to an end; nobody spins.
inline constexpr std::string_view kEnds = "what-is-in-progress-ends";

struct Violation {
    std::string invariant;
    std::string detail;
};

class Invariants {
 public:
    explicit Invariants(const Scheduler& scheduler) : scheduler_(scheduler) {}

    void on_put(std::string_view bucket, std::string_view key, const Broker::Stored& stored);
    // The key's latest value is gone; of every key where it is empty.
    void on_loss(std::string_view bucket, std::string_view key);
    void on_create(const std::string& device, const runtime::podman::Container& container);
    // After a start: the device's containers.
    void on_start(const std::string& device, const std::vector<runtime::podman::Container>& containers);

    // The user's side. One request about a Deployment at a time.
    void on_apply(const std::string& name, const contracts::DeploymentSpec& spec);
    void on_applied(const std::string& name, const contracts::Deployment& stored);
    void on_delete(const std::string& name);
    void on_deleted(const std::string& name);
    // It may be no part of any update from here on, until that is answered and done.
    void on_forget(const std::string& device);
    void on_forgotten(const std::string& device);

    void check_store(const StoredContent& content);
    // After every commit: who is no longer asked to hold a Deployment is no part of its updates.
    void on_commit(const StoredContent& content);
    // `commits`: how many there were; with the same number the content is the same.
    void check_status(const op::Reducer& reducer, const StoredContent& content, std::uint64_t commits);

    void violated(std::string_view invariant, std::string detail);
    [[nodiscard]] const std::optional<Violation>& violation() const { return violation_; }

 private:
    struct Asked {
        std::optional<contracts::DeploymentSpec> acknowledged;
        std::int64_t generation = 0;
        std::vector<contracts::DeploymentSpec> possible;  // asked for since, without an answer
        bool may_be_gone = false;
    };
    // One deployment on one device, by what was written and told.
    struct Held {
        std::string hash;  // of the value given last
        bool updating = false;
        std::optional<Micros> running_since;  // as reported, with this value
        std::set<std::string> reported_running;
    };
    struct Limit {
        Micros until = 0;          // no longer asked for; 0: still is
        std::int64_t devices = 0;  // -1: all at once
    };
    // What the status of one deployment may claim. Kept between two looks, because most find nothing new.
    struct Claimable {
        std::optional<contracts::DeploymentName> name;
        std::optional<std::uint64_t> commits;  // of the content that `newest` is from
        contracts::Score score;
        std::string newest;                     // hash of the score; empty where no device is asked for any
        Micros seen = 0;                        // when it was the newest last
        std::map<std::string, Micros> earlier;  // hash, when it was the newest last
        std::optional<std::int64_t> reported;   // devices that said so; none: to be counted
    };
    struct Explained {
        std::set<std::string, std::less<>> hashes;
        std::set<std::string, std::less<>> init_names;
    };

    void on_desired(const std::string& device, const std::string& deployment, const Broker::Stored& stored);
    void on_state(const std::string& device, const std::string& deployment, const Broker::Stored& stored);
    void check_budget(const std::string& device, const std::string& deployment);
    void look_for_newest(Claimable& claimable, const op::StoredDeployment& stored);
    [[nodiscard]] std::int64_t reported(const std::string& deployment, const Claimable& claimable) const;

    const Scheduler& scheduler_;
    std::optional<Violation> violation_;
    std::map<std::string, Asked> asked_;
    std::map<std::string, std::map<std::string, Held>> held_;             // deployment, device
    std::map<std::string, std::vector<Limit>> limits_;                    // by deployment
    std::map<std::pair<std::string, std::string>, Explained> explained_;  // device, deployment
    std::map<std::string, Claimable> claimable_;                          // by deployment
    std::set<std::string> devices_;
    std::map<std::string, std::optional<Micros>> forgotten_;  // device, when that was answered
};

}  // namespace harmony::simulation
