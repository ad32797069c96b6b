// Resources in Kubernetes: Deployments are watched, and what has to be durable beside them is kept in
// ConfigMaps (kept_rollout.hpp).
//
// Of the operators that share a namespace one leads. It sets finalizers, stores rollouts and acts; the others
// hear the same and know as much, so that one of them can go on. Whoever begins to lead lists everything anew
// first: what its watches know may be older than what the leader before has stored.
//
// Nothing of a Deployment reaches the reducer before it is stored: its finalizer, and the record that has
// taken its spec in. Each Deployment has at most one write under way.
//
// Part of the operator's state: one thread. It performs nothing: what has to be done is submitted as a
// ClusterJob, and ends as JobDone.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "harmony/daemon/health.hpp"
#include "harmony/operator/cluster_events.hpp"
#include "harmony/operator/deployment_notes.hpp"
#include "harmony/operator/reducer.hpp"
#include "harmony/operator/resource_keeper.hpp"

namespace harmony::op {

// None blocks.
struct ClusterPorts {
    std::function<bool(ClusterJob)> submit;  // false: too many wait
    std::function<void(StatusWish)> publish;
    std::function<void()> list_anew;  // both lists are told from the start soon
    std::function<bool()> leading;    // at this moment
    std::function<void(const contracts::DeviceId&)> device_forgotten;
};

class ClusterResources final : public ResourceKeeper, public ResourceReader {
 public:
    // Reducer and registry must outlive it.
    ClusterResources(std::string name_space, Reducer& reducer, ClusterPorts ports,
                     runtime::daemon::HealthRegistry& health);

    ResourceReader& reader() override { return *this; }
    Result<void> restore(contracts::Timestamp) override { return {}; }
    bool complete() const override { return listed_[0] && listed_[1]; }
    bool acting() const override { return leading_ && complete() && ports_.leading(); }
    bool settled() const override;
    void hear(ClusterEvent event, contracts::Timestamp now) override;
    void adopt(contracts::Timestamp now) override;
    void take_device(contracts::DeviceInfo info, contracts::Timestamp now) override;
    void store_devices(contracts::Timestamp) override {}
    void advance_rollouts(contracts::Timestamp now) override;
    void release_deployments(contracts::Timestamp now) override;
    std::vector<LateReply> release_devices(contracts::Timestamp now) override;
    void keep_statuses(const std::vector<StatusAction>& statuses, contracts::Timestamp now) override;
    ApiReply apply(const contracts::ApplyRequest& request, const std::string& reply_subject,
                   contracts::Timestamp now) override;
    ApiReply delete_deployment(const contracts::DeploymentName& name, const std::string& reply_subject,
                               contracts::Timestamp now) override;
    ApiReply delete_device(const contracts::DeviceId& id, const std::string& reply_subject,
                           contracts::Timestamp now) override;

    Result<std::optional<StoredDeployment>> deployment(const contracts::DeploymentName& name) override;
    Result<std::vector<StoredDeployment>> deployments(std::string_view after, std::int64_t limit) override;
    Result<std::optional<StoredDevice>> device(const contracts::DeviceId& id) override;
    Result<std::vector<StoredDevice>> devices(std::string_view after, std::int64_t limit) override;

 private:
    // What the reducer was told last.
    struct Told {
        std::int64_t generation = 0;
        std::int64_t kept_generation = 0;
        std::int64_t rollout_version = 0;
        bool deleting = false;
        bool valid = false;

        bool operator==(const Told&) const = default;
    };
    struct Entry {
        std::shared_ptr<const SeenDeployment> seen;
        std::uint64_t list = 0;           // the last that told it
        std::uint64_t job = 0;            // the write under way; 0: none
        bool wanted = false;              // to be looked at when it ends
        std::string refusal;              // why the last write was refused
        int failures = 0;                 // in a row
        contracts::Timestamp not_before;  // after a failure
        std::optional<Told> told;
        std::optional<contracts::DeploymentStatus> status;  // the last that was derived
        std::uint64_t published = 0;                        // status_hash() of what was last wished
    };
    struct Record {
        std::string resource_version;  // empty: not stored
        std::uint64_t version = 0;
        std::uint64_t list = 0;
        std::string header;  // that is not decoded: a part is missing
        std::optional<KeptRollout> kept;
        std::map<std::string, std::pair<std::string, std::uint64_t>> parts;  // name: text, list
        bool store_again = false;  // somebody else removed or spoiled it
        bool lacks_parts = false;  // or a part that its header names
    };

    void on(const ListBegan& event, contracts::Timestamp now);
    void on(const ListEnded& event, contracts::Timestamp now);
    void on(const DeploymentSeen& event, contracts::Timestamp now);
    void on(const DeploymentRemoved& event, contracts::Timestamp now);
    void on(const RolloutSeen& event, contracts::Timestamp now);
    void on(const RolloutRemoved& event, contracts::Timestamp now);
    void on(const JobDone& event, contracts::Timestamp now);
    void on(const LeadershipChanged& event, contracts::Timestamp now);
    void on(const ClusterTrouble& event, contracts::Timestamp now);
    void on(const DeviceWithdrawn& event, contracts::Timestamp now);

    // cluster_resources_records.cpp
    void take_part(const RolloutSeen& event);
    void look_for_parts(const std::string& uid, Record& record);
    void read_record(const std::string& uid, Record& record);
    [[nodiscard]] const Record* record_of(const Entry& entry) const;
    [[nodiscard]] static bool taken_in(const Entry& entry, const Record* record);
    void store_record(const std::string& name, Entry& entry, const KeptRollout& next,
                      contracts::Timestamp now);
    void drop_parts(const std::string& name, Entry& entry, contracts::Timestamp now);
    // The ConfigMaps that are stored of it, the header first: parts alone are nobody's record.
    [[nodiscard]] std::vector<std::string> record_objects(const std::string& uid) const;

    void reconcile(const std::string& name, contracts::Timestamp now);
    // False: the reducer is told what is stored.
    bool prepare(const std::string& name, Entry& entry, contracts::Timestamp now);
    void tell(Entry& entry, const Record& record, contracts::Timestamp now);
    void tell_gone(const std::string& name, Entry& entry, contracts::Timestamp now);
    void forget(const std::string& name, contracts::Timestamp now);
    void let_go(const std::string& name, Entry& entry, contracts::Timestamp now);
    [[nodiscard]] static bool may_write(Entry& entry, contracts::Timestamp now);
    void submit(const std::string& name, Entry& entry, ClusterWork work, contracts::Timestamp now);
    void start(const std::string& name, Entry& entry, ClusterWork work, contracts::Timestamp now);
    void give_up_removals(contracts::Timestamp now);
    void publish(const std::string& name, Entry& entry, contracts::DeploymentStatus status,
                 contracts::Timestamp now);
    // As it was derived last, with what stands in the way now.
    void publish_again(const std::string& name, Entry& entry, contracts::Timestamp now);
    [[nodiscard]] Result<StoredDeployment> stored(const Entry& entry) const;
    [[nodiscard]] RolloutOwner owner(const Entry& entry) const;

    const std::string name_space_;
    Reducer& reducer_;
    const ClusterPorts ports_;
    std::map<std::string, Entry, std::less<>> entries_;      // by name
    std::map<std::string, Record, std::less<>> records_;     // by uid
    std::map<std::string, std::string, std::less<>> names_;  // by uid
    std::map<contracts::DeviceId, StoredDevice> devices_;
    std::int64_t device_revision_ = 0;
    std::map<contracts::DeviceId, std::vector<std::string>> removals_;  // who waits for the reply
    std::set<std::string> due_;                                         // to be looked at
    std::set<std::pair<contracts::Timestamp, std::string>> later_;      // and when
    NoteLimiter notes_;
    bool listed_[2] = {false, false};
    std::uint64_t lists_ = 0;            // begun
    std::uint64_t list_[2] = {0, 0};     // the number of the last of each
    std::uint64_t watched_[2] = {0, 0};  // the greatest version that a watch has told
    std::uint64_t needed_ = 0;           // lists up to this one are older than our leadership
    std::uint64_t jobs_ = 0;             // submitted
    bool leading_ = false;
    bool unsaid_ = true;  // statuses that were derived while another led
    std::shared_ptr<runtime::daemon::HealthRegistry::Flag> flag_;
};

}  // namespace harmony::op
