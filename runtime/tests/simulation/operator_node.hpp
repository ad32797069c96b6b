// One operator: the real logic, with its writer on a fiber and its sources on the model of the broker.
#pragma once

#include <functional>
#include <memory>
#include <set>
#include <string>

#include "broker.hpp"
#include "harmony/operator/operator_logic.hpp"
#include "node.hpp"
#include "plants.hpp"
#include "store.hpp"

namespace harmony::simulation {

class OperatorNode final : public Node {
 public:
    OperatorNode(std::string name, Broker& broker, StoreFile& store, std::chrono::seconds heartbeat,
                 const std::set<Plant>& plants);
    ~OperatorNode() override;

    void start() override;
    void step_clock(Micros by);
    // Called after each turn.
    void on_turn(std::function<void(const op::Reducer&)> observer) { observer_ = std::move(observer); }

    // Null while it is down.
    [[nodiscard]] const op::OperatorLogic* logic() const;

 private:
    struct Life;
    class Buckets;
    class Writer;

    [[nodiscard]] contracts::Timestamp wall() const;
    void post(Life& life, op::OperatorEvent event, bool quiet = false);
    void turn_soon(Life& life);
    void turn(Life& life);
    void tick_later(Life& life);
    void connect(Life& life);
    void watch(Life& life);
    void died();

    [[nodiscard]] Process* process() const override;

    StoreFile& store_;
    std::chrono::seconds heartbeat_;
    const std::set<Plant>& plants_;
    std::function<void(const op::Reducer&)> observer_;
    std::unique_ptr<Life> life_;
    Micros clock_offset_ = 0;
};

}  // namespace harmony::simulation
