// What agents and operators have in common here: they are started, die, and come back.
#pragma once

#include <string>

#include "broker.hpp"

namespace harmony::simulation {

class Node {
 public:
    virtual ~Node() = default;
    Node(const Node&) = delete;
    Node& operator=(const Node&) = delete;

    virtual void start() = 0;
    // Ends now and is started again in a while; nothing where it is down.
    void kill(Micros back_after);
    // Ends for good, running or not.
    void retire();
    // Dies at one of its next steps.
    void crash_soon();

    [[nodiscard]] const std::string& name() const { return link.name; }
    [[nodiscard]] bool running() const { return process() != nullptr; }
    Link link;

 protected:
    struct Habits {
        std::int64_t crash_points = 0;  // the latest that crash_soon() may mean
        Micros slowest_return = 0;      // after a death that nobody asked for
    };
    Node(Broker& broker, std::string name, Habits habits);

    // Null while it is down.
    [[nodiscard]] virtual Process* process() const = 0;
    // To be called once what lived is gone.
    void come_back_later();

    Broker& broker_;

 private:
    Habits habits_;
    Micros back_after_ = kSecond;
    std::uint64_t deaths_ = 0;
    bool retired_ = false;
};

}  // namespace harmony::simulation
