// A model of the file that keeps the resources: shared by operators, durable, and able to refuse.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "harmony/operator/resource_store.hpp"
#include "history.hpp"
#include "plants.hpp"
#include "process.hpp"
#include "random.hpp"

namespace harmony::simulation {

struct StoredContent {
    struct HeldScore {
        std::int64_t version = 0;
        op::ScoreHash score = 0;
    };
    std::map<std::string, op::StoredDeployment, std::less<>> deployments;
    std::map<std::string, std::map<contracts::DeviceId, HeldScore>, std::less<>> holdings;
    std::map<std::string, op::StoredDevice, std::less<>> devices;
    std::int64_t revision = 0;
    std::int64_t device_removals = 0;
};

class StoreFile {
 public:
    // A commit, and a read of Deployments or devices, fails with this probability.
    void set_error_rate(double rate) { error_rate_ = rate; }
    void refuse_reads(bool refused) { reads_refused_ = refused; }
    // As a full disk does.
    void refuse_commits(bool refused) { commits_refused_ = refused; }
    [[nodiscard]] int refused_commits() const { return refused_commits_; }
    // Called after every commit, before whoever committed can die of it.
    void observe_commits(std::function<void(const StoredContent&)> on_commit) {
        on_commit_ = std::move(on_commit);
    }
    [[nodiscard]] const StoredContent& content() const { return content_; }
    [[nodiscard]] std::uint64_t commits() const { return commits_; }

    // As one operator sees it. Without a process nothing interrupts it; then `random` is not used either.
    [[nodiscard]] std::unique_ptr<op::ResourceStore> open(Process* process, Random* random, History* history,
                                                          const std::set<Plant>* plants);

 private:
    friend class MemoryResourceStore;
    StoredContent content_;
    std::function<void(const StoredContent&)> on_commit_;
    std::uint64_t commits_ = 0;
    double error_rate_ = 0;
    bool reads_refused_ = false;
    bool commits_refused_ = false;
    int refused_commits_ = 0;
};

}  // namespace harmony::simulation
