// One device: its disk, podman, clock and link, and the agent that lives and dies on it.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "broker.hpp"
#include "disk.hpp"
#include "harmony/agent/control_logic.hpp"
#include "harmony/agent/reconcile_logic.hpp"
#include "node.hpp"
#include "plants.hpp"
#include "podman.hpp"

namespace harmony::simulation {

struct AgentTiming {
    std::chrono::seconds heartbeat{30};
    std::chrono::seconds reconcile{30};
    std::chrono::seconds resync{300};
};

class AgentNode final : public Node {
 public:
    AgentNode(Broker& broker, contracts::DeviceId id, contracts::Labels labels, AgentTiming timing,
              const std::set<Plant>& plants);
    ~AgentNode() override;

    void start() override;
    // With everything on it.
    void reboot(bool disk_lies);
    void set_labels(contracts::Labels labels);
    void step_clock(Micros by);

    [[nodiscard]] const contracts::DeviceId& id() const { return id_; }
    [[nodiscard]] const contracts::Labels& labels() const { return labels_; }
    [[nodiscard]] bool joined() const { return joined_; }
    // Null while the agent is down.
    [[nodiscard]] const agent::ReconcileLogic* logic() const;
    [[nodiscard]] std::size_t queued() const;
    Podman podman;
    Disk disk;

 private:
    class DeviceClock;
    struct Life;

    void reconcile(Life& life);
    bool push(Life& life, agent::ReconcileEvent event);
    void containers_changed(Life& life);
    void beat_later(Life& life);
    void died();
    [[nodiscard]] runtime::nats::ConnectionEvents events_of(Life& life);

    [[nodiscard]] Process* process() const override;

    contracts::DeviceId id_;
    contracts::Labels labels_;
    AgentTiming timing_;
    const std::set<Plant>& plants_;
    std::unique_ptr<DeviceClock> clock_;
    std::unique_ptr<Life> life_;
    bool joined_ = false;
};

}  // namespace harmony::simulation
