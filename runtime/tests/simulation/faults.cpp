// What goes wrong.

#include "harmony/contracts/kv.hpp"
#include "world.hpp"

namespace harmony::simulation {

void World::random_fault() {
    const auto kind = random_.below(100);
    if (kind < 62) {
        device_fault(*random_.pick(devices_));
    } else if (kind < 78) {
        operator_fault();
    } else if (kind < 90) {
        broker_fault();
    } else if (kind < 95) {
        clock_fault();
    } else {
        user_link_.loss = random_.chance(0.5) ? 0.3 : 0;
    }
}

void World::cut_for_a_while(Link& link) {
    link.cut = true;
    history_.add(Happened::LinkCut, link.name);
    broker_.link_changed(link);
    scheduler_.after(random_.between(kSecond, 4 * kMinute), [this, &link] {
        if (!link.cut) return;
        link.cut = false;
        history_.add(Happened::LinkHealed, link.name);
        broker_.link_changed(link);
    });
}

void World::device_fault(AgentNode& node) {
    switch (random_.below(12)) {
        case 0:
        case 1:
            return node.crash_soon();
        case 2:
            return node.kill(random_.between(kSecond, kMinute));
        case 3:
            return node.reboot(random_.chance(0.3));
        case 4:
            return cut_for_a_while(node.link);
        case 5:
            node.link.loss = random_.chance(0.5) ? 0.2 : 0.02;
            node.link.duplicate = random_.chance(0.5) ? 0.3 : 0;
            node.link.jitter = random_.between(1, 3'000) * kMillisecond;
            return history_.add(Happened::LinkPoor, node.name());
        case 6: {
            node.podman.set_up(false);
            AgentNode* const away = &node;
            scheduler_.after(random_.between(kSecond, 2 * kMinute), [away] { away->podman.set_up(true); });
            return;
        }
        case 7:
            return node.podman.set_error_rate(random_.chance(0.5) ? 0.2 : 0.02);
        case 8:
            return node.podman.end_any();
        case 9:
            return node.podman.remove_any();
        case 10: {
            node.disk.set_full(true);
            AgentNode* const full = &node;
            scheduler_.after(random_.between(kSecond, 3 * kMinute), [full] { full->disk.set_full(false); });
            return;
        }
        default:
            return node.disk.set_tears(true);
    }
}

void World::operator_fault() {
    OperatorNode& node = *random_.pick(operators_);
    switch (random_.below(6)) {
        case 0:
        case 1:
            return node.crash_soon();
        case 2:
            return node.kill(random_.between(kSecond, kMinute));
        case 3:
            return cut_for_a_while(node.link);
        case 4:
            node.link.loss = random_.chance(0.5) ? 0.1 : 0;
            node.link.duplicate = random_.chance(0.5) ? 0.2 : 0;
            node.link.jitter = random_.between(1, 500) * kMillisecond;
            return history_.add(Happened::LinkPoor, node.name());
        default:
            return store_.set_error_rate(random_.chance(0.5) ? 0.2 : 0);
    }
}

void World::broker_fault() {
    broker_.stop(random_.chance(0.5));
    // A disk that was lost takes whole buckets with it.
    if (random_.chance(0.3)) {
        for (const std::string_view bucket : contracts::kBuckets) {
            if (random_.chance(0.5)) broker_.lose_bucket(bucket);
        }
    }
    scheduler_.after(random_.between(kSecond / 2, kMinute), [this] { broker_.start(); });
}

void World::clock_fault() {
    constexpr Micros kSteps[] = {kSecond, 30 * kSecond, 10 * kMinute, 5 * kHour, 400 * 24 * kHour};
    const Micros by = (random_.chance(0.5) ? 1 : -1) * kSteps[random_.below(5)];
    if (random_.chance(0.8)) {
        random_.pick(devices_)->step_clock(by);
    } else {
        random_.pick(operators_)->step_clock(by);
    }
}

}  // namespace harmony::simulation
