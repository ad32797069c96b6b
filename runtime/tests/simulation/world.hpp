// A whole fleet from one seed: devices, operators, broker, users, and what goes wrong.
//
// A run is a number of epochs: faults and changes at random, then everything is mended, the fleet has to
// converge within a bound, and is left alone for a while. Invariants hold at every moment.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "agent_node.hpp"
#include "broker.hpp"
#include "history.hpp"
#include "invariants.hpp"
#include "operator_node.hpp"
#include "plants.hpp"
#include "random.hpp"
#include "store.hpp"

namespace harmony::simulation {

struct WorldOptions {
    std::uint64_t seed = 1;
    double device_hours = 80;
    std::set<Plant> plants;
    bool verbose = false;
};

struct Outcome {
    std::uint64_t seed = 0;
    std::optional<Violation> violation;
    std::uint64_t history_hash = 0;
    std::string history;  // the tail and the counts; only with a violation
    double device_hours = 0;
    std::uint64_t events = 0;
};

class World {
 public:
    explicit World(WorldOptions options);
    ~World();

    [[nodiscard]] Outcome run();

    // What scenarios use as well:
    void join_device(const std::string& name, contracts::Labels labels);
    void add_operator();
    void run_for(Micros duration);
    void apply(const std::string& name, contracts::DeploymentSpec spec);
    void remove(const std::string& name);
    void forget_device(const std::string& name);
    void mend();
    // Until converged, or a violation.
    void converge();
    [[nodiscard]] AgentNode& device(std::size_t index) { return *devices_.at(index); }
    [[nodiscard]] OperatorNode& operator_node(std::size_t index) { return *operators_.at(index); }
    [[nodiscard]] Broker& broker() { return broker_; }
    [[nodiscard]] const std::optional<Violation>& violation() const { return invariants_.violation(); }
    [[nodiscard]] std::size_t running_containers(const std::string& device) const;
    [[nodiscard]] std::string history() const { return history_.text(); }

 private:
    // workload.cpp
    void random_change();
    void replace_device(std::size_t index);
    void forget_retired();
    [[nodiscard]] std::string next_device() const;
    [[nodiscard]] contracts::DeploymentSpec random_spec();
    [[nodiscard]] contracts::Score random_score();
    [[nodiscard]] contracts::Labels random_labels();

    // faults.cpp
    void random_fault();
    void device_fault(AgentNode& node);
    void clock_fault();
    void broker_fault();
    void operator_fault();
    void cut_for_a_while(Link& link);

    // convergence.cpp
    [[nodiscard]] std::string why_not_converged() const;
    [[nodiscard]] std::string why_not_settled() const;
    [[nodiscard]] std::string why_device_not_converged(const AgentNode& node) const;
    [[nodiscard]] std::string why_deployment_not_converged(const AgentNode& node,
                                                           const op::StoredDeployment& stored) const;
    [[nodiscard]] std::string why_status_not_converged() const;
    [[nodiscard]] std::string why_not_forgotten() const;

    void set_up();
    void faulty_phase(Micros duration);
    void watch_turns(OperatorNode& node);

    WorldOptions options_;
    runtime::daemon::SeededRandom seeded_;
    Random random_;
    Scheduler scheduler_;
    History history_;
    Invariants invariants_;
    StoreFile store_;
    Random broker_random_;
    Broker broker_;
    Link user_link_;
    AgentTiming timing_;
    std::vector<std::unique_ptr<OperatorNode>> operators_;
    std::vector<std::unique_ptr<AgentNode>> devices_;
    std::vector<std::unique_ptr<AgentNode>> retired_;
    std::set<std::string> in_request_;  // Deployments and devices with a request under way
    std::uint64_t last_version_ = 0;    // makes every score another
    std::uint64_t checked_commits_ = 0;
};

// Runs one seed.
[[nodiscard]] Outcome simulate(const WorldOptions& options);

}  // namespace harmony::simulation
