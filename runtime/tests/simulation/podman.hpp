// A model of podman on one device: it outlives the agent, and the device's reboots.
//
// What an image does is in its name: "stable:..." runs, "crash:..." ends with 1 soon after each start,
// "gone:..." exists nowhere, "init-ok:...", "init-fail:..." and "init-hang:..." are what they say. Every
// image has to be pulled once.
#pragma once

#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "harmony/podman/container_runtime.hpp"
#include "history.hpp"
#include "plants.hpp"
#include "process.hpp"
#include "random.hpp"

namespace harmony::simulation {

class Podman {
 public:
    struct Observer {
        std::function<void(const runtime::podman::Container&)> on_create;
        std::function<void(const runtime::podman::Container&)> on_start;
    };

    Podman(std::string device, Scheduler& scheduler, Random& random, History& history,
           const std::set<Plant>& plants)
        : device_(std::move(device)),
          scheduler_(scheduler),
          random_(random),
          history_(history),
          plants_(plants) {}

    // As one process of the device sees it; calls take time and may fail.
    [[nodiscard]] std::shared_ptr<runtime::podman::ContainerRuntime> runtime_for(Process& process);

    void observe(Observer observer) { observer_ = std::move(observer); }
    // Called after something ended or was removed, as podman's event stream tells it; set by the agent.
    void on_change(std::function<void()> changed) { changed_ = std::move(changed); }
    // The device's wall clock, which stamps what happens.
    void set_clock(std::function<std::int64_t()> seconds) { seconds_ = std::move(seconds); }

    void set_up(bool up);
    // The share of calls that fail with an error of podman's own.
    void set_error_rate(double rate) { error_rate_ = rate; }
    void reboot();
    // One of the running containers ends by itself; the restart policy is honoured.
    void end_any();
    // The user removes a container behind the agent's back.
    void remove_any();

    [[nodiscard]] std::vector<runtime::podman::Container> containers() const;
    [[nodiscard]] bool up() const { return up_; }

 private:
    friend class SimulatedRuntime;
    struct Entry {
        runtime::podman::Container container;
        runtime::podman::ContainerSpec spec;
        std::vector<std::pair<std::weak_ptr<Process*>, Process::Ticket>> waiting;
        std::uint64_t run = 0;  // how often it was started
    };

    [[nodiscard]] Entry* find(const std::string& name_or_id);
    void run(Entry& entry);
    void end(Entry& entry, int exit_code, bool may_restart);
    void erase(const std::string& id);
    void tell_change();
    [[nodiscard]] std::int64_t seconds() const { return seconds_ ? seconds_() : 0; }

    std::string device_;
    Scheduler& scheduler_;
    Random& random_;
    History& history_;
    const std::set<Plant>& plants_;
    Observer observer_;
    std::function<void()> changed_;
    std::function<std::int64_t()> seconds_;
    bool up_ = true;
    double error_rate_ = 0;
    std::uint64_t last_id_ = 0;
    std::list<Entry> entries_;  // a list: entries keep their addresses
    std::set<std::string> images_;
};

// What a container's image does.
[[nodiscard]] bool runs_well(const std::string& image);

}  // namespace harmony::simulation
