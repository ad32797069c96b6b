// What the devices say and how they take what they hear.
#include <algorithm>
#include <charconv>

#include "harmony/contracts/canonical_json.hpp"
#include "harmony/contracts/commands.hpp"
#include "harmony/contracts/desired_state.hpp"
#include "harmony/contracts/device_info.hpp"
#include "harmony/contracts/kv.hpp"
#include "harmony/contracts/podman_v0.hpp"
#include "harmony/simulator/fleet_model.hpp"

namespace harmony::simulator {

using contracts::Timestamp;

namespace {

constexpr std::uint64_t kInboxNumber = 1;
// A put reaches its subscribers before the stream that answers reads, as runtime/agent knows, too.
constexpr std::uint8_t kSettleAttempts = 6;
constexpr std::int64_t kSettleDelayUs = 4'000;
// A key that no index lists within this time was written by nobody who means it.
constexpr std::int64_t kUnlistedUs = 10'000'000;
constexpr std::size_t kMaxFacts = 100'000;
constexpr int kServerFailure = 500;
constexpr int kNotFound = 404;

// Kinds of answers, a token of their reply subject.
constexpr char kIndexAnswer = 'i';
constexpr char kValueAnswer = 'v';
constexpr char kInfoAnswer = 'n';
constexpr char kStateAnswer = 's';
constexpr char kWithdrawalAnswer = 'w';

// Takes the last token off.
std::string_view last_token(std::string_view& subject) {
    const auto dot = subject.rfind('.');
    const std::string_view token = dot == std::string_view::npos ? subject : subject.substr(dot + 1);
    subject = dot == std::string_view::npos ? std::string_view{} : subject.substr(0, dot);
    return token;
}

template <class Number>
bool read_number(std::string_view text, Number& out) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
    return error == std::errc() && end == text.data() + text.size();
}

bool deletes(const WireMessage& message) {
    const auto operation = message.header(contracts::kKvOperationHeader);
    return operation == contracts::kKvOperationDelete || operation == contracts::kKvOperationPurge;
}

}  // namespace

std::string FleetModel::reply_subject(char kind, std::uint32_t device, std::uint32_t deployment,
                                      const Now& now) const {
    std::string subject = inbox_;
    subject.append(1, '.').append(std::to_string(link_of(device))).append(1, '.').append(1, kind);
    subject.append(1, '.').append(std::to_string(device)).append(1, '.');
    return subject.append(std::to_string(deployment)).append(1, '.').append(std::to_string(now.steady_us));
}

std::uint64_t FleetModel::name_hash(std::uint32_t deployment) const {
    return contracts::fnv1a64(names_[deployment].str());
}

void FleetModel::publish_info(std::uint32_t number, const Now& now) {
    contracts::DeviceInfo info;
    info.device_id = id_of(number);
    info.labels = decisions_.labels(number);
    info.agent_version = version_;
    info.updated_at = now.wall;
    contracts::Inventory inventory;
    inventory.hostname = info.device_id.str();
    inventory.architecture = "x86_64";
    inventory.operating_system = "simulated";
    inventory.cpu_cores = 4;
    inventory.memory_bytes = std::int64_t{4} << 30;
    inventory.disk_bytes = std::int64_t{64} << 30;
    inventory.runtime = "simulated";
    inventory.addresses = {"192.0.2.1"};
    info.inventory = std::move(inventory);
    devices_[number].info_wanted = true;
    ++figures_.infos;
    outbox_.publish(
        link_of(number),
        contracts::kv_subject(contracts::kDeviceInfoBucket, contracts::device_info_key(info.device_id)),
        reply_subject(kInfoAnswer, number, 0, now), info.encode());
    expect_answer(number, now);
}

void FleetModel::read_index(std::uint32_t number, const Now& now) {
    devices_[number].index_wanted = true;
    ++figures_.gets;
    outbox_.publish(link_of(number),
                    contracts::kv_direct_get_subject(contracts::kDesiredStateBucket,
                                                     contracts::desired_index_key(id_of(number))),
                    reply_subject(kIndexAnswer, number, 0, now), "");
    expect_answer(number, now);
}

void FleetModel::read_key(std::uint32_t number, Held& held, const Now& now) {
    ++figures_.gets;
    outbox_.publish(link_of(number),
                    contracts::kv_direct_get_subject(
                        contracts::kDesiredStateBucket,
                        contracts::desired_state_key(id_of(number), names_[held.deployment])),
                    reply_subject(kValueAnswer, number, held.deployment, now), "");
    expect_answer(number, now);
}

contracts::DeploymentState FleetModel::state_of(std::uint32_t number, const Held& held) const {
    contracts::DeploymentState state;
    state.deployment = names_[held.deployment];
    state.phase = held.stage == Stage::Running  ? contracts::Phase::Running
                  : held.stage == Stage::Failed ? contracts::Phase::Failed
                                                : contracts::Phase::Pending;
    state.score_hash = contracts::hex16(held.value);
    const auto facts = facts_.find(held.value);
    if (held.stage == Stage::Failed) {
        const bool known = facts != facts_.end() && !facts->second.problem.empty();
        state.last_error = known ? facts->second.problem : "simulated: the container ended with code 1";
    }
    if (held.stage == Stage::Running && facts != facts_.end()) {
        const std::string prefix = id_of(number).str() + "." + state.deployment.str() + ".";
        for (const auto& [name, image] : facts->second.services) {
            const std::string full = prefix + name;
            state.containers.push_back({full, contracts::value_hash(full), image});
        }
    }
    return state;
}

void FleetModel::publish_state(std::uint32_t number, Held& held, const Now& now) {
    Device& device = devices_[number];
    contracts::DeploymentState state = state_of(number, held);
    state.last_event_at = Timestamp::after(Timestamp::from_microseconds(device.last_event_us), now.wall);
    device.last_event_us = state.last_event_at.microseconds();
    held.sent_at = now.steady_us;
    ++figures_.states;
    if (held.stage == Stage::Running) ++figures_.running;
    if (held.stage == Stage::Failed) ++figures_.failed;
    outbox_.publish(link_of(number),
                    contracts::kv_subject(contracts::kDeviceStateBucket,
                                          contracts::device_state_key(id_of(number), state.deployment)),
                    reply_subject(kStateAnswer, number, held.deployment, now), state.encode());
    expect_answer(number, now);
}

void FleetModel::withdraw(std::uint32_t number, Held& held, const Now& now) {
    held.stage = Stage::Withdrawn;
    held.listed = false;
    held.sent_at = now.steady_us;
    ++figures_.withdrawals;
    outbox_.delete_key(
        link_of(number),
        contracts::kv_subject(contracts::kDeviceStateBucket,
                              contracts::device_state_key(id_of(number), names_[held.deployment])),
        reply_subject(kWithdrawalAnswer, number, held.deployment, now));
    expect_answer(number, now);
}

void FleetModel::receive(std::uint32_t link, const WireMessage& message, const Now& now) {
    if (message.subscription == kInboxNumber) {
        take_answer(message, now);
        return;
    }
    std::string_view subject = message.subject;
    const std::string_view token = last_token(subject);
    const std::string_view id = last_token(subject);
    std::uint32_t device = 0;
    // Another fleet's device, heard through a shared subscription.
    if (!device_number(id, device) || devices_[device].status != Status::Online) return;
    if (subject == contracts::kCommandSubjectPrefix) {
        take_command(link, device, message, now);
    } else {
        take_hint(device, token, message, now);
    }
}

void FleetModel::take_hint(std::uint32_t number, std::string_view token, const WireMessage& message,
                           const Now& now) {
    ++figures_.hints;
    Device& device = devices_[number];
    const std::uint64_t hash = contracts::fnv1a64(message.payload);
    if (token == contracts::kIndexToken) {
        if (deletes(message)) return;
        device.index_hinted = hash;
        device.index_attempts = 0;
        if (options_.react.always_zero()) {
            read_index(number, now);
        } else {
            schedule(Timer::ReadIndex, now.steady_us + decisions_.react(number, 0, hash).count(), number);
        }
        return;
    }
    const auto known = name_ids_.find(token);
    if (known == name_ids_.end() && deletes(message)) return;
    std::uint32_t deployment = known == name_ids_.end() ? 0 : known->second;
    if (known == name_ids_.end()) {
        const auto name = contracts::DeploymentName::parse(token);
        if (!name) {
            ++figures_.malformed;
            return;
        }
        deployment = intern(*name);
    }
    // A deletion follows an index that no longer lists the key: nothing is left to do.
    if (deletes(message)) return;
    Held& held = find_or_add(device, deployment);
    held.hinted = hash;
    held.attempts = 0;
    held.hint_at = now.steady_us;
    if (!held.listed || held.read_scheduled) return;  // the index comes, or the read will show it
    if (options_.react.always_zero()) {
        read_key(number, held, now);
        return;
    }
    held.read_scheduled = true;
    schedule(Timer::ReadKey, now.steady_us + decisions_.react(number, name_hash(deployment), hash).count(),
             number, deployment);
}

void FleetModel::take_command(std::uint32_t link, std::uint32_t number, const WireMessage& message,
                              const Now& now) {
    if (message.reply.empty()) return;
    const auto headers = contracts::CommandHeaders::parse(message.header(contracts::kRequestIdHeader),
                                                          message.header(contracts::kDeadlineHeader),
                                                          message.header(contracts::kOperatorSubHeader));
    if (headers && headers->deadline && *headers->deadline < now.wall) return;
    ++figures_.commands;
    const auto subject = contracts::parse_command_subject(message.subject);
    std::string reply;
    if (!headers || !subject) {
        reply = contracts::RemoteError::from_error(headers ? subject.error() : headers.error()).encode();
    } else if (subject->verb == contracts::CommandVerb::Ping) {
        contracts::PingReply pong;
        pong.device_id = subject->device;
        pong.agent_version = version_;
        pong.uptime_s = (now.steady_us - devices_[number].online_since) / 1'000'000;
        reply = pong.encode();
    } else {
        reply = contracts::RemoteError{contracts::RemoteErrorKind::RuntimeUnavailable,
                                       "a simulated device has no containers"}
                    .encode();
    }
    // Only who received a request may answer it.
    outbox_.publish(link, std::string(message.reply), "", reply);
}

void FleetModel::take_answer(const WireMessage& message, const Now& now) {
    std::string_view subject = message.subject;
    std::int64_t sent_at = 0;
    std::uint32_t deployment = 0, number = 0;
    const bool good = read_number(last_token(subject), sent_at) &&
                      read_number(last_token(subject), deployment) &&
                      read_number(last_token(subject), number) && number < options_.devices;
    const std::string_view kind = last_token(subject);
    if (!good || kind.size() != 1) return;
    // A device that has left does not hear it.
    if (devices_[number].status != Status::Online || sent_at < devices_[number].online_since) return;
    const bool read = kind[0] == kIndexAnswer || kind[0] == kValueAnswer;
    if (read && message.status() < kServerFailure) {
        figures_.get_round_trip.record(Microseconds(now.steady_us - sent_at));
    }
    if (message.status() >= kServerFailure) {
        // Nobody answers for the stream: the next check asks again.
        figures_.error(std::to_string(message.status()) + " no stream answers");
        return;
    }
    if (kind[0] == kIndexAnswer) {
        take_index(number, message, now);
    } else if (kind[0] == kValueAnswer) {
        if (Held* const held = find(devices_[number], deployment)) take_value(number, *held, message, now);
    } else {
        take_confirmation(number, kind[0], deployment, sent_at, message, now);
    }
}

void FleetModel::take_confirmation(std::uint32_t number, char kind, std::uint32_t deployment,
                                   std::int64_t sent_at, const WireMessage& message, const Now& now) {
    if (message.payload.find("\"error\"") != std::string_view::npos) {
        figures_.error("a stream refused a write: " + std::string(message.payload.substr(0, 200)));
        return;
    }
    ++figures_.confirmations;
    figures_.write_confirmed.record(Microseconds(now.steady_us - sent_at));
    Device& device = devices_[number];
    if (kind == kInfoAnswer) {
        device.info_wanted = false;
        return;
    }
    Held* const held = find(device, deployment);
    if (held == nullptr || held->sent_at != sent_at) return;
    held->sent_at = 0;
    if (held->stage != Stage::Withdrawn) return;
    // Somebody may have asked for it again in the meantime.
    if (held->hinted != 0) {
        held->stage = Stage::Unread;
        held->value = 0;
        return;
    }
    *held = device.held.back();
    device.held.pop_back();
}

void FleetModel::take_index(std::uint32_t number, const WireMessage& message, const Now& now) {
    Device& device = devices_[number];
    const bool absent = message.status() == kNotFound || deletes(message);
    const bool told =
        absent || device.index_hinted == 0 || contracts::fnv1a64(message.payload) == device.index_hinted;
    if (!told && device.index_attempts < kSettleAttempts) {
        schedule(Timer::ReadIndex, now.steady_us + (kSettleDelayUs << device.index_attempts++), number);
        return;
    }
    device.index_wanted = false;
    device.index_hinted = 0;
    if (absent) return;  // the operator has not spoken: nothing follows from that
    const auto index = contracts::DesiredIndex::decode(message.payload);
    if (!index) {
        ++figures_.malformed;
        return;
    }
    adopt_index(number, index->deployments, now);
}

void FleetModel::adopt_index(std::uint32_t number, const std::vector<contracts::DeploymentName>& listed,
                             const Now& now) {
    Device& device = devices_[number];
    for (Held& held : device.held)
        held.listed = false;
    for (const auto& name : listed) {
        Held& held = find_or_add(device, intern(name));
        held.listed = true;
        if (held.stage == Stage::Withdrawn) {
            held.stage = Stage::Unread;
            held.value = 0;
            held.sent_at = 0;
        }
        const bool changed = held.stage == Stage::Unread || held.hinted != 0;
        if (changed || device.read_all) read_key(number, held, now);
    }
    device.read_all = false;
    std::erase_if(device.held, [&](const Held& held) {
        return !held.listed && held.stage == Stage::Unread && now.steady_us - held.hint_at > kUnlistedUs;
    });
    for (Held& held : device.held) {
        const bool has = held.stage != Stage::Unread && held.stage != Stage::Withdrawn;
        if (!held.listed && has) withdraw(number, held, now);
    }
    refresh_digest(device);
}

void FleetModel::take_value(std::uint32_t number, Held& held, const WireMessage& message, const Now& now) {
    // The index says what goes; a key that is not there yet is asked for again.
    if (message.status() == kNotFound || deletes(message) || !held.listed) return;
    const std::uint64_t hash = contracts::fnv1a64(message.payload);
    if (held.hinted != 0 && hash != held.hinted && held.attempts < kSettleAttempts) {
        held.read_scheduled = true;
        schedule(Timer::ReadKey, now.steady_us + (kSettleDelayUs << held.attempts++), number,
                 held.deployment);
        return;
    }
    held.hinted = 0;
    if (held.stage != Stage::Unread && held.value == hash) {
        held.hint_at = 0;
        return;
    }
    start_work(number, held, hash, facts_of(hash, message.payload), now);
}

void FleetModel::start_work(std::uint32_t number, Held& held, std::uint64_t value, const ScoreFacts& facts,
                            const Now& now) {
    held.value = value;
    held.stage = facts.problem.empty() ? Stage::Working : Stage::Failed;
    refresh_digest(devices_[number]);
    publish_state(number, held, now);
    if (held.hint_at != 0) figures_.hint_to_start.record(Microseconds(now.steady_us - held.hint_at));
    if (held.stage == Stage::Failed) return;
    schedule(Timer::Finish, now.steady_us + decisions_.run(number, name_hash(held.deployment), value).count(),
             number, held.deployment, static_cast<std::uint32_t>(value));
}

void FleetModel::finish_work(std::uint32_t number, Held& held, const Now& now) {
    const auto facts = facts_.find(held.value);
    const bool may_fail = options_.failures_of.empty() || (facts != facts_.end() && facts->second.may_fail);
    const bool fails = may_fail && decisions_.fails(number, name_hash(held.deployment), held.value);
    held.stage = fails ? Stage::Failed : Stage::Running;
    publish_state(number, held, now);
    if (held.hint_at == 0) return;
    figures_.hint_to_settled.record(Microseconds(now.steady_us - held.hint_at));
    held.hint_at = 0;
}

void FleetModel::refresh_digest(Device& device) const {
    contracts::DesiredHashes holds;
    for (const Held& held : device.held) {
        if (held.stage == Stage::Unread || held.stage == Stage::Withdrawn) continue;
        holds.emplace(names_[held.deployment], contracts::hex16(held.value));
    }
    const std::string digest = contracts::desired_digest(holds);
    std::copy_n(digest.begin(), device.digest.size(), device.digest.begin());
}

const FleetModel::ScoreFacts& FleetModel::facts_of(std::uint64_t hash, std::string_view value) {
    if (const auto known = facts_.find(hash); known != facts_.end()) return known->second;
    if (facts_.size() >= kMaxFacts) facts_.clear();
    ScoreFacts facts;
    const auto score = contracts::Score::decode(value);
    if (!score) {
        facts.problem = score.error().text();
    } else if (auto podman = contracts::PodmanV0::from_score(*score); !podman) {
        facts.problem = podman.error().text();
    } else {
        for (const auto& service : podman->services)
            facts.services.emplace_back(service.name, service.image);
    }
    facts.may_fail = options_.failures_of.empty() || value.find(options_.failures_of) != std::string::npos;
    return facts_.emplace(hash, std::move(facts)).first->second;
}

}  // namespace harmony::simulator
