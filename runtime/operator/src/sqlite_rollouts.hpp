// The tables of the resource store that hold rollouts: which scores a Deployment's devices may hold, and
// which device holds which. See resource_store.hpp for what each call means.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "harmony/operator/rollout.hpp"
#include "harmony/result.hpp"
#include "sqlite.hpp"

namespace harmony::op {

// An old score is kept until no device can hold it: a device's key may be lost and has to be written again.
inline constexpr const char* kRolloutTables = R"sql(
CREATE TABLE rollouts (
    deployment TEXT PRIMARY KEY REFERENCES deployments (name) ON DELETE CASCADE,
    version INTEGER NOT NULL, epoch INTEGER NOT NULL, base INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE revisions (
    deployment TEXT NOT NULL REFERENCES deployments (name) ON DELETE CASCADE,
    place INTEGER NOT NULL, score TEXT NOT NULL, PRIMARY KEY (deployment, place)) WITHOUT ROWID;
CREATE TABLE holdings (
    deployment TEXT NOT NULL REFERENCES deployments (name) ON DELETE CASCADE,
    device TEXT NOT NULL, version INTEGER NOT NULL, score INTEGER NOT NULL,
    PRIMARY KEY (deployment, device)) WITHOUT ROWID;
CREATE INDEX holdings_by_version ON holdings (deployment, version);
)sql";

[[nodiscard]] Result<std::optional<RolloutRecord>> read_rollout(sqlite::Connection& database,
                                                                const std::string& deployment);
[[nodiscard]] Result<void> write_rollout(sqlite::Connection& database, const std::string& deployment,
                                         const RolloutRecord& record);
[[nodiscard]] Result<void> write_holdings(sqlite::Connection& database, const std::string& deployment,
                                          std::int64_t version, std::span<const contracts::DeviceId> devices,
                                          ScoreHash score);
[[nodiscard]] Result<void> read_holdings(sqlite::Connection& database, const std::string& deployment,
                                         std::int64_t since,
                                         const std::function<void(const Holding&)>& visit);
[[nodiscard]] Result<std::vector<ScoreHash>> read_held_scores(sqlite::Connection& database,
                                                              const std::string& deployment);

}  // namespace harmony::op
