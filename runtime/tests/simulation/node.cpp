#include "node.hpp"

#include <utility>

namespace harmony::simulation {

Node::Node(Broker& broker, std::string name, Habits habits) : broker_(broker), habits_(habits) {
    link.name = std::move(name);
}

void Node::kill(Micros back_after) {
    Process* const alive = process();
    if (!alive) return;
    back_after_ = back_after;
    alive->kill();
}

void Node::retire() {
    retired_ = true;
    ++deaths_;  // it does not come back from the last one
    kill(0);
}

void Node::crash_soon() {
    Process* const alive = process();
    if (!alive) return;
    const auto points = broker_.random().between(1, habits_.crash_points);
    broker_.history().add(Happened::CrashPlanned, name(), std::to_string(points));
    alive->crash_after(static_cast<int>(points));
}

void Node::come_back_later() {
    if (retired_) return;
    const Micros delay =
        std::exchange(back_after_, broker_.random().between(kSecond, habits_.slowest_return));
    broker_.scheduler().after(delay, [this, death = ++deaths_] {
        if (death == deaths_) start();
    });
}

}  // namespace harmony::simulation
