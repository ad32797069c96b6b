#include "store.hpp"

#include <algorithm>

namespace harmony::simulation {

using op::Holding;
using op::RolloutRecord;
using op::StoredDeployment;
using op::StoredDevice;

class MemoryResourceStore final : public op::ResourceStore {
 public:
    MemoryResourceStore(StoreFile& file, Process* process, Random* random, History* history,
                        const std::set<Plant>* plants)
        : file_(file),
          process_(process),
          random_(random),
          history_(history),
          plants_(plants),
          others_seen_(file.commits_) {}

    ~MemoryResourceStore() override {
        const bool died = process_ && !process_->alive();
        if (died && plants_ && plants_->contains(Plant::ForgetfulStore) && before_last_commit_)
            file_.content_ = std::move(*before_last_commit_);
    }

    Result<void> transaction(const std::function<Result<void>()>& work) override {
        StoredContent before = file_.content_;
        try {
            if (process_) process_->crash_point();
            auto worked = work();
            if (worked && (commit_refused() || fails())) worked = disk_error();
            if (!worked) {
                file_.content_ = std::move(before);
                return worked;
            }
            if (process_) process_->crash_point();
        } catch (const Killed&) {
            file_.content_ = std::move(before);
            throw;
        }
        ++file_.commits_;
        ++own_commits_;
        if (file_.on_commit_) file_.on_commit_(file_.content_);
        if (plants_ && plants_->contains(Plant::ForgetfulStore)) before_last_commit_ = std::move(before);
        // The commit is on the disk, and nobody knows.
        if (process_) process_->crash_point();
        return {};
    }

    Result<std::int64_t> next_revision() override { return ++file_.content_.revision; }
    Result<std::int64_t> revision() override { return file_.content_.revision; }
    Result<std::int64_t> device_removals() override { return file_.content_.device_removals; }

    Result<std::optional<StoredDeployment>> deployment(const contracts::DeploymentName& name) override {
        if (read_fails()) return disk_error();
        const auto found = file_.content_.deployments.find(name.str());
        if (found == file_.content_.deployments.end()) return std::nullopt;
        return std::optional(found->second);
    }

    Result<std::vector<StoredDeployment>> deployments(std::string_view after, std::int64_t limit) override {
        if (read_fails()) return disk_error();
        std::vector<StoredDeployment> page;
        for (auto next = file_.content_.deployments.upper_bound(after);
             next != file_.content_.deployments.end() && static_cast<std::int64_t>(page.size()) < limit;
             ++next)
            page.push_back(next->second);
        return page;
    }

    Result<std::vector<op::DeploymentVersion>> deployment_versions() override {
        if (read_fails()) return disk_error();
        std::vector<op::DeploymentVersion> versions;
        for (const auto& [name, stored] : file_.content_.deployments) {
            versions.push_back({*contracts::DeploymentName::parse(name),
                                stored.deployment.metadata.resource_version.value_or(""),
                                stored.rollout.version});
        }
        return versions;
    }

    Result<void> put_deployment(const StoredDeployment& stored) override {
        const auto [place, fresh] = file_.content_.deployments.try_emplace(stored.deployment.metadata.name);
        auto conditions = std::move(place->second.conditions);
        const RolloutRecord before = fresh ? RolloutRecord{} : place->second.rollout;
        place->second = stored;
        place->second.deployment.status.reset();
        place->second.conditions = std::move(conditions);
        place->second.rollout = before;
        return replace_rollout(place->first, place->second, stored.rollout);
    }

    Result<void> remove_deployment(const contracts::DeploymentName& name) override {
        file_.content_.deployments.erase(name.str());
        file_.content_.holdings.erase(name.str());
        return {};
    }

    Result<void> put_conditions(const contracts::DeploymentName& name,
                                const std::vector<contracts::Condition>& conditions) override {
        const auto found = file_.content_.deployments.find(name.str());
        if (found == file_.content_.deployments.end()) return {};
        std::vector<contracts::Condition>& kept = found->second.conditions;
        for (const contracts::Condition& condition : conditions) {
            const auto same = std::find_if(kept.begin(), kept.end(),
                                           [&](const auto& c) { return c.type == condition.type; });
            if (same == kept.end()) {
                kept.push_back(condition);
            } else {
                *same = condition;
            }
        }
        std::sort(kept.begin(), kept.end(), [](const auto& a, const auto& b) { return a.type < b.type; });
        return {};
    }

    Result<std::optional<RolloutRecord>> rollout(const contracts::DeploymentName& name) override {
        const auto found = file_.content_.deployments.find(name.str());
        if (found == file_.content_.deployments.end()) return std::nullopt;
        return std::optional(found->second.rollout);
    }

    Result<void> put_rollout(const contracts::DeploymentName& name, const RolloutRecord& record) override {
        const auto found = file_.content_.deployments.find(name.str());
        if (found == file_.content_.deployments.end())
            return fail(ErrorKind::NotFound, "Deployment " + name.str() + ": there is none");
        return replace_rollout(found->first, found->second, record);
    }

    Result<void> put_holdings(const contracts::DeploymentName& name, std::int64_t version,
                              std::span<const contracts::DeviceId> devices, op::ScoreHash score) override {
        if (devices.empty()) return {};
        auto& held = file_.content_.holdings[name.str()];
        for (const contracts::DeviceId& device : devices)
            held[device] = {version, score};
        return {};
    }

    Result<void> each_holding_since(const contracts::DeploymentName& name, std::int64_t version,
                                    const std::function<void(const Holding&)>& visit) override {
        if (read_fails()) return disk_error();
        const auto found = file_.content_.holdings.find(name.str());
        if (found == file_.content_.holdings.end()) return {};
        for (const auto& [device, held] : found->second) {
            if (held.version > version) visit({device, held.score});
        }
        return {};
    }

    Result<std::vector<op::ScoreHash>> held_scores(const contracts::DeploymentName& name) override {
        std::set<op::ScoreHash> scores;
        const auto found = file_.content_.holdings.find(name.str());
        if (found != file_.content_.holdings.end()) {
            for (const auto& [device, held] : found->second)
                scores.insert(held.score);
        }
        return std::vector<op::ScoreHash>(scores.begin(), scores.end());
    }

    Result<std::optional<StoredDevice>> device(const contracts::DeviceId& id) override {
        if (read_fails()) return disk_error();
        const auto found = file_.content_.devices.find(id.str());
        if (found == file_.content_.devices.end()) return std::nullopt;
        return std::optional(found->second);
    }

    Result<std::vector<StoredDevice>> devices(std::string_view after, std::int64_t limit) override {
        std::vector<StoredDevice> page;
        for (auto next = file_.content_.devices.upper_bound(after);
             next != file_.content_.devices.end() && static_cast<std::int64_t>(page.size()) < limit; ++next)
            page.push_back(next->second);
        return page;
    }

    Result<void> each_device_since(std::int64_t revision,
                                   const std::function<void(const StoredDevice&)>& visit) override {
        if (read_fails()) return disk_error();
        std::vector<const StoredDevice*> changed;
        for (const auto& [id, device] : file_.content_.devices) {
            if (device.resource_version > revision) changed.push_back(&device);
        }
        std::sort(changed.begin(), changed.end(),
                  [](const auto* a, const auto* b) { return a->resource_version < b->resource_version; });
        for (const StoredDevice* device : changed)
            visit(*device);
        return {};
    }

    Result<void> put_device(const contracts::DeviceInfo& info, contracts::Timestamp now) override {
        const auto [place, fresh] = file_.content_.devices.try_emplace(info.device_id.str());
        if (fresh) place->second.registered_at = now;
        if (!fresh && place->second.info.same_content(info)) return {};
        place->second.info = info;
        place->second.resource_version = ++file_.content_.revision;
        return {};
    }

    Result<void> remove_device(const contracts::DeviceId& id) override {
        if (file_.content_.devices.erase(id.str()) == 0)
            return fail(ErrorKind::NotFound, "device " + id.str() + ": there is none");
        ++file_.content_.device_removals;
        return {};
    }

    Result<bool> changed_by_others() override {
        const std::uint64_t others = file_.commits_ - own_commits_;
        return std::exchange(others_seen_, others) != others;
    }

 private:
    static tl::unexpected<Error> disk_error() { return fail(ErrorKind::Io, "store: disk I/O error"); }
    bool fails() {
        if (!random_ || file_.error_rate_ <= 0 || !random_->chance(file_.error_rate_)) return false;
        history_->add(Happened::StoreFailed, "store");
        return true;
    }
    bool read_fails() { return file_.reads_refused_ || fails(); }
    bool commit_refused() {
        file_.refused_commits_ += file_.commits_refused_ ? 1 : 0;
        return file_.commits_refused_;
    }

    Result<void> replace_rollout(const std::string& name, StoredDeployment& stored,
                                 const RolloutRecord& record) {
        if (stored.rollout.epoch != record.epoch) file_.content_.holdings.erase(name);
        stored.rollout = record;
        return {};
    }

    StoreFile& file_;
    Process* process_;
    Random* random_;
    History* history_;
    const std::set<Plant>* plants_;
    std::uint64_t own_commits_ = 0;
    std::uint64_t others_seen_;
    std::optional<StoredContent> before_last_commit_;
};

std::unique_ptr<op::ResourceStore> StoreFile::open(Process* process, Random* random, History* history,
                                                   const std::set<Plant>* plants) {
    return std::make_unique<MemoryResourceStore>(*this, process, random, history, plants);
}

}  // namespace harmony::simulation
