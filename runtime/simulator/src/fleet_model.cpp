#include "harmony/simulator/fleet_model.hpp"

#include <algorithm>
#include <charconv>

#include "harmony/contracts/commands.hpp"
#include "harmony/contracts/heartbeat.hpp"
#include "harmony/contracts/kv.hpp"

namespace harmony::simulator {

using contracts::Timestamp;

namespace {

// Subscription numbers: what answers the model's own requests, then two for each device (or two for all).
constexpr std::uint64_t kInboxNumber = 1;
constexpr std::uint64_t kFirstDeviceNumber = 2;

constexpr std::int64_t kSecond = 1'000'000;
constexpr std::int64_t kCheckAfter = 5 * kSecond;
constexpr std::uint8_t kMaxCheckDoublings = 4;
constexpr std::size_t kCachedHeartbeats = 4'096;

}  // namespace

FleetModel::FleetModel(const SimulatorOptions& options, Outbox& outbox, std::string inbox,
                       std::string version)
    : options_(options),
      outbox_(outbox),
      inbox_(std::move(inbox)),
      version_(std::move(version)),
      decisions_(options),
      devices_(options.devices),
      links_up_(options.connections) {
    for (Device& device : devices_)
        refresh_digest(device);
}

void FleetModel::link_up(std::uint32_t link, const Now& now) {
    links_up_[link] = true;
    ++figures_.connects;
    outbox_.subscribe(link, inbox_ + "." + std::to_string(link) + ".>", kInboxNumber);
    const bool shared = options_.subscriptions == Subscriptions::Shared;
    if (shared && link == 0) {
        outbox_.subscribe(link, contracts::kv_subject(contracts::kDesiredStateBucket, "*.>"),
                          kFirstDeviceNumber);
        outbox_.subscribe(link, std::string(contracts::kCommandSubjectPrefix) + ".*.>",
                          kFirstDeviceNumber + 1);
    }
    // With shared subscriptions everybody hears through the first link.
    const bool everybody = shared && link == 0;
    for (std::uint32_t device = 0; device < options_.devices; ++device) {
        const bool concerned = everybody || link_of(device) == link;
        if (concerned && devices_[device].status == Status::Waiting) joining_.push_back(device);
    }
    last_credit_us_ = now.steady_us;
    if (next_departure_us_ < 0 && options_.churn_per_minute > 0) {
        next_departure_us_ =
            now.steady_us + static_cast<std::int64_t>(60 * kSecond / options_.churn_per_minute);
    }
}

void FleetModel::link_down(std::uint32_t link, const Now&) {
    links_up_[link] = false;
    ++figures_.disconnects;
    const bool everybody = options_.subscriptions == Subscriptions::Shared && link == 0;
    for (std::uint32_t device = 0; device < options_.devices; ++device) {
        if (!everybody && link_of(device) != link) continue;
        if (devices_[device].status == Status::Online) go_dark(device);
    }
}

contracts::DeviceId FleetModel::id_of(std::uint32_t device) const {
    // The options were refused where the prefix makes no id.
    return *contracts::DeviceId::parse(options_.prefix + "-" + std::to_string(device));
}

bool FleetModel::device_number(std::string_view id, std::uint32_t& device) const {
    const std::size_t head = options_.prefix.size() + 1;
    if (id.size() <= head || id.substr(0, options_.prefix.size()) != options_.prefix) return false;
    if (id[head - 1] != '-') return false;
    const auto [end, error] = std::from_chars(id.data() + head, id.data() + id.size(), device);
    return error == std::errc() && end == id.data() + id.size() && device < options_.devices;
}

std::uint32_t FleetModel::intern(const contracts::DeploymentName& name) {
    const auto found = name_ids_.find(name.str());
    if (found != name_ids_.end()) return found->second;
    const auto id = static_cast<std::uint32_t>(names_.size());
    names_.push_back(name);
    name_ids_.emplace(name.str(), id);
    return id;
}

void FleetModel::join(std::uint32_t number, const Now& now) {
    Device& device = devices_[number];
    device.status = Status::Online;
    device.online_since = now.steady_us;
    ++figures_.online;
    ++figures_.joins;
    const auto id = id_of(number);
    if (options_.subscriptions == Subscriptions::PerDevice) {
        const std::uint64_t subscription = kFirstDeviceNumber + 2 * std::uint64_t{number};
        outbox_.subscribe(
            link_of(number),
            contracts::kv_subject(contracts::kDesiredStateBucket, contracts::desired_state_filter(id)),
            subscription);
        outbox_.subscribe(link_of(number), contracts::command_subscription(id), subscription + 1);
    }
    publish_info(number, now);
    assert_everything(number, now);
    send_heartbeat(number, now);
    read_everything(number, now);
}

void FleetModel::read_everything(std::uint32_t number, const Now& now) {
    devices_[number].read_all = true;
    devices_[number].synced_at = now.steady_us;
    read_index(number, now);
}

void FleetModel::assert_everything(std::uint32_t number, const Now& now) {
    for (Held& held : devices_[number].held) {
        switch (held.stage) {
            case Stage::Unread:
                break;
            case Stage::Working:
                publish_state(number, held, now);
                schedule(
                    Timer::Finish,
                    now.steady_us + decisions_.run(number, name_hash(held.deployment), held.value).count(),
                    number, held.deployment, static_cast<std::uint32_t>(held.value));
                break;
            case Stage::Running:
            case Stage::Failed:
                publish_state(number, held, now);
                break;
            case Stage::Withdrawn:
                withdraw(number, held, now);
                break;
        }
    }
}

void FleetModel::leave(std::uint32_t number, const Now&) {
    if (options_.subscriptions == Subscriptions::PerDevice) {
        const std::uint64_t subscription = kFirstDeviceNumber + 2 * std::uint64_t{number};
        outbox_.unsubscribe(link_of(number), subscription);
        outbox_.unsubscribe(link_of(number), subscription + 1);
    }
    go_dark(number);
    devices_[number].status = Status::Away;
    ++figures_.leaves;
}

void FleetModel::go_dark(std::uint32_t number) {
    Device& device = devices_[number];
    device.status = Status::Waiting;
    ++device.life;
    device.checks = 0;
    device.check_scheduled = device.index_wanted = device.info_wanted = false;
    for (Held& held : device.held)
        held.read_scheduled = false;
    --figures_.online;
}

void FleetModel::schedule(Timer timer, std::int64_t at, std::uint32_t device, std::uint32_t deployment,
                          std::uint32_t guard) {
    timers_.push({at, device, timer, devices_[device].life, deployment, guard});
}

std::int64_t FleetModel::advance(const Now& now, std::size_t limit) {
    while (next_departure_us_ >= 0 && next_departure_us_ <= now.steady_us) {
        depart(now);
        next_departure_us_ +=
            std::max<std::int64_t>(static_cast<std::int64_t>(60 * kSecond / options_.churn_per_minute), 1);
    }
    limit -= std::min(limit, join_waiting(now, limit));
    figures_.lag_us = 0;
    for (; limit > 0 && !timers_.empty() && timers_.top().at <= now.steady_us; --limit) {
        const DueTimer due = timers_.top();
        timers_.pop();
        figures_.lag_us = std::max(figures_.lag_us, now.steady_us - due.at);
        if (devices_[due.device].life == due.life) fire(due, now);
    }
    std::int64_t next = timers_.empty() ? now.steady_us + kSecond : timers_.top().at;
    if (next_departure_us_ >= 0) next = std::min(next, next_departure_us_);
    return joining_.empty() ? next : std::min(next, now.steady_us + 1'000);
}

std::size_t FleetModel::join_waiting(const Now& now, std::size_t limit) {
    const auto elapsed = static_cast<double>(now.steady_us - last_credit_us_) / kSecond;
    last_credit_us_ = now.steady_us;
    // No more than a tenth of a second's worth is saved up, so that nothing comes in a burst.
    join_credit_ = std::min(join_credit_ + elapsed * options_.join_per_second,
                            std::max(1.0, options_.join_per_second / 10));
    std::size_t joined = 0;
    while (!joining_.empty() && join_credit_ >= 1 && joined < limit) {
        const std::uint32_t device = joining_.front();
        joining_.pop_front();
        const bool hears = options_.subscriptions == Subscriptions::PerDevice || links_up_[0];
        if (devices_[device].status != Status::Waiting || !links_up_[link_of(device)] || !hears) continue;
        join(device, now);
        join_credit_ -= 1;
        ++joined;
    }
    return joined;
}

void FleetModel::depart(const Now& now) {
    const std::uint64_t departure = departures_++;
    const std::uint32_t device = decisions_.leaver(departure);
    if (devices_[device].status != Status::Online) return;
    leave(device, now);
    schedule(Timer::Return, now.steady_us + decisions_.away(departure).count(), device);
}

void FleetModel::fire(const DueTimer& due, const Now& now) {
    Device& device = devices_[due.device];
    Held* const held = find(device, due.deployment);
    switch (due.timer) {
        case Timer::Heartbeat:
            send_heartbeat(due.device, now);
            if (now.steady_us - device.synced_at >= decisions_.resync_gap(due.device, device.beats).count()) {
                read_everything(due.device, now);
            }
            break;
        case Timer::Finish:
            if (held != nullptr && held->stage == Stage::Working &&
                static_cast<std::uint32_t>(held->value) == due.guard) {
                finish_work(due.device, *held, now);
            }
            break;
        case Timer::ReadKey:
            if (held == nullptr) break;
            held->read_scheduled = false;
            if (held->listed) read_key(due.device, *held, now);
            break;
        case Timer::ReadIndex:
            read_index(due.device, now);
            break;
        case Timer::Check:
            check(due.device, now);
            break;
        case Timer::Return:
            device.status = Status::Waiting;
            joining_.push_back(due.device);
            break;
    }
}

void FleetModel::expect_answer(std::uint32_t number, const Now& now) {
    Device& device = devices_[number];
    if (device.check_scheduled) return;
    device.check_scheduled = true;
    schedule(Timer::Check, now.steady_us + (kCheckAfter << device.checks), number);
}

void FleetModel::check(std::uint32_t number, const Now& now) {
    Device& device = devices_[number];
    device.check_scheduled = false;
    const std::uint64_t before = figures_.repeats;
    if (device.info_wanted) {
        ++figures_.repeats;
        publish_info(number, now);
    }
    if (device.index_wanted) {
        ++figures_.repeats;
        read_index(number, now);
    }
    for (Held& held : device.held) {
        const bool unread = held.listed && (held.stage == Stage::Unread || held.hinted != 0);
        const bool unconfirmed = held.sent_at != 0 && now.steady_us - held.sent_at > kCheckAfter / 2;
        if (unread && !held.read_scheduled) {
            ++figures_.repeats;
            read_key(number, held, now);
        } else if (unconfirmed) {
            ++figures_.repeats;
            held.stage == Stage::Withdrawn ? withdraw(number, held, now) : publish_state(number, held, now);
        } else if (held.sent_at != 0) {
            expect_answer(number, now);
        }
    }
    const bool repeated = figures_.repeats != before;
    device.checks = repeated ? std::min<std::uint8_t>(device.checks + 1, kMaxCheckDoublings) : 0;
}

void FleetModel::send_heartbeat(std::uint32_t number, const Now& now) {
    Device& device = devices_[number];
    schedule(Timer::Heartbeat, now.steady_us + decisions_.heartbeat_gap(number, device.beats++).count(),
             number);
    if (heartbeat_second_ != now.wall.seconds() || heartbeats_.size() >= kCachedHeartbeats) {
        heartbeat_second_ = now.wall.seconds();
        heartbeats_.clear();
    }
    std::string& value = heartbeats_[device.digest];
    if (value.empty()) {
        contracts::Heartbeat heartbeat;
        heartbeat.agent_version = version_;
        heartbeat.at = heartbeat_second_;
        heartbeat.desired_digest.assign(device.digest.data(), device.digest.size());
        value = heartbeat.encode();
    }
    outbox_.publish(
        link_of(number),
        contracts::kv_subject(contracts::kDeviceHeartbeatBucket, contracts::heartbeat_key(id_of(number))), "",
        value);
    ++figures_.heartbeats;
}

FleetModel::Held* FleetModel::find(Device& device, std::uint32_t deployment) {
    for (Held& held : device.held) {
        if (held.deployment == deployment) return &held;
    }
    return nullptr;
}

FleetModel::Held& FleetModel::find_or_add(Device& device, std::uint32_t deployment) {
    if (Held* const held = find(device, deployment)) return *held;
    Held held;
    held.deployment = deployment;
    device.held.push_back(held);
    return device.held.back();
}

}  // namespace harmony::simulator
