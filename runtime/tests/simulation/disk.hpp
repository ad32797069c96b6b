// A model of a device's disk: it outlives the agent, refuses writes when it is full, and may lie about what
// is written.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>

#include "harmony/daemon/disk.hpp"
#include "history.hpp"
#include "process.hpp"
#include "random.hpp"

namespace harmony::simulation {

class Disk {
 public:
    Disk(std::string device, Random& random, History& history)
        : device_(std::move(device)), random_(random), history_(history) {}

    void set_full(bool full) { full_ = full; }
    // From now on, a death in the middle of a write may leave half of it; not of the states file, whose loss
    // the agent does not promise to survive.
    void set_tears(bool tears) { tears_ = tears; }
    // The power went: of files written lately the content before may be back, though the write was confirmed.
    void lose_power(bool lies);

    // As one process sees it.
    [[nodiscard]] std::unique_ptr<runtime::daemon::Disk> view_for(Process& process);

 private:
    friend class DiskView;
    struct File {
        std::string content;
        std::optional<std::string> before;
    };

    std::string device_;
    Random& random_;
    History& history_;
    bool full_ = false;
    bool tears_ = false;
    std::map<std::string, File> files_;
};

}  // namespace harmony::simulation
