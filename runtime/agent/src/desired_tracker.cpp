#include "harmony/agent/desired_tracker.hpp"

#include "harmony/contracts/canonical_json.hpp"
#include "harmony/contracts/kv.hpp"
#include "harmony/daemon/logging.hpp"
#include "harmony/nats/direct_get.hpp"

namespace harmony::agent {

namespace nats = runtime::nats;
using namespace std::chrono_literals;
using contracts::DeploymentName;

namespace {

constexpr runtime::daemon::Logger kLog("desired");
constexpr auto kRequestTimeout = 3s;
// A put reaches its subscribers before the stream that answers direct gets: a read that does not show what
// the hint told is repeated after 4, 8, ... 128 ms.
constexpr int kSettleAttempts = 6;
constexpr auto kSettleDelay = 4ms;

std::string token_of(const DesiredHint& hint) {
    return hint.deployment ? hint.deployment->str() : std::string(contracts::kIndexToken);
}

bool agrees(const DesiredHint& hint, const std::optional<nats::Entry>& entry) {
    if (!entry) return hint.deleted;
    return !hint.deleted && contracts::fnv1a64(entry->value) == hint.value_hash;
}

}  // namespace

std::optional<DesiredHint> DesiredHint::from(const contracts::DeviceId& device,
                                             const nats::Message& message) {
    const auto key = contracts::kv_key_of_subject(contracts::kDesiredStateBucket, message.subject);
    if (!key) return std::nullopt;
    const auto parsed = contracts::parse_desired_state_key(*key);
    if (!parsed || parsed->device != device) return std::nullopt;
    DesiredHint hint;
    hint.deployment = parsed->deployment;
    const auto operation = message.header(contracts::kKvOperationHeader);
    hint.deleted = operation == contracts::kKvOperationDelete || operation == contracts::kKvOperationPurge;
    hint.value_hash = contracts::fnv1a64(message.payload);
    return hint;
}

DesiredTracker::DesiredTracker(nats::NatsConnection& connection, contracts::DeviceId device,
                               std::optional<HeldDesired> held)
    : connection_(connection), device_(std::move(device)), known_(held.has_value()) {
    if (held) held_ = *std::move(held);
    for (const auto& [deployment, value] : held_)
        index_.insert(deployment);
}

bool DesiredTracker::hint(const DesiredHint& hint, SteadyTime now) {
    pending_.insert_or_assign(token_of(hint), Pending{hint, 0, now});
    if (hint.deployment) return false;
    if (hint.deleted) {
        last_index_.reset();
        return true;
    }
    return std::exchange(last_index_, hint.value_hash) == hint.value_hash;
}

void DesiredTracker::request_full(SteadyTime now) {
    backoff_.reset();
    full_due_ = now;
}

std::optional<SteadyTime> DesiredTracker::next_due() const {
    std::optional<SteadyTime> due = full_due_;
    for (const auto& [token, pending] : pending_) {
        if (!due || pending.due < *due) due = pending.due;
    }
    return due;
}

bool DesiredTracker::advance(SteadyTime now) {
    now_ = now;
    if (connection_.status() != nats::ConnectionStatus::Connected) {
        // Being connected again asks for everything anyway.
        pending_.clear();
        full_due_.reset();
        return false;
    }
    if (full_due_ && *full_due_ <= now) {
        full_due_.reset();
        if (const auto read = read_all(); !read) {
            retry_later(read.error(), now);
        } else {
            backoff_.reset();
        }
    }
    // The keys before the index: that is the order they were written in.
    std::vector<std::string> due;
    for (const auto& [token, pending] : pending_) {
        if (pending.due <= now) due.insert(pending.hint.deployment ? due.begin() : due.end(), token);
    }
    for (const std::string& token : due) {
        Pending& pending = pending_.at(token);
        const auto read = pending.hint.deployment ? read_deployment(*pending.hint.deployment, &pending)
                                                  : read_index(pending);
        if (!read) {
            pending_.erase(token);
            retry_later(read.error(), now);
            break;
        }
        if (pending.due <= now) pending_.erase(token);
    }
    return std::exchange(changed_, false);
}

void DesiredTracker::retry_later(const Error& error, SteadyTime now) {
    kLog.warning("cannot read the desired state; trying again", {{"error", error.text()}});
    full_due_ = now + backoff_.next();
}

void DesiredTracker::settle(Pending& pending, bool agreed) {
    if (agreed || pending.attempts >= kSettleAttempts) return;
    pending.due = now_ + kSettleDelay * (1 << pending.attempts++);
}

Result<std::optional<std::set<DeploymentName>>> DesiredTracker::get_index(Pending* pending) {
    const auto entry = nats::direct_get(connection_, contracts::kDesiredStateBucket,
                                        contracts::desired_index_key(device_), kRequestTimeout);
    if (!entry) return fail(entry.error().wrap("index"));
    if (pending) settle(*pending, agrees(pending->hint, *entry));
    std::optional<std::set<DeploymentName>> names;
    if (!*entry) return names;
    if (!last_index_) last_index_ = contracts::fnv1a64((*entry)->value);
    const auto index = contracts::DesiredIndex::decode((*entry)->value);
    if (!index) return fail(index.error().wrap("index"));
    names.emplace(index->deployments.begin(), index->deployments.end());
    return names;
}

void DesiredTracker::apply_index(const std::set<DeploymentName>& index) {
    if (!std::exchange(known_, true)) changed_ = true;
    index_ = index;
    if (std::erase_if(held_, [&](const auto& entry) { return !index.contains(entry.first); }) > 0)
        changed_ = true;
}

Result<void> DesiredTracker::read_all() {
    const auto index = get_index(nullptr);
    if (!index) return fail(index.error());
    if (!*index) {
        kLog.debug("the broker has no index for this device; keeping what is held");
        return {};
    }
    apply_index(**index);
    for (const DeploymentName& deployment : index_) {
        if (auto read = read_deployment(deployment, nullptr); !read) return read;
    }
    return {};
}

Result<void> DesiredTracker::read_index(Pending& pending) {
    const auto index = get_index(&pending);
    if (!index) return fail(index.error());
    if (!*index) return {};
    apply_index(**index);
    for (const DeploymentName& deployment : index_) {
        if (held_.contains(deployment)) continue;
        if (auto read = read_deployment(deployment, nullptr); !read) return read;
    }
    return {};
}

Result<void> DesiredTracker::read_deployment(const DeploymentName& deployment, Pending* pending) {
    // A key that the index does not list yet is read when the index comes.
    if (!index_.contains(deployment)) return {};
    auto entry = nats::direct_get(connection_, contracts::kDesiredStateBucket,
                                  contracts::desired_state_key(device_, deployment), kRequestTimeout);
    if (!entry) return fail(entry.error().wrap(deployment.str()));
    if (pending) settle(*pending, agrees(pending->hint, *entry));
    if (!*entry) {
        const bool told = pending && pending->hint.deleted;
        if (!told) {
            kLog.warning("a listed deployment has no value; keeping what is held",
                         {{"deployment", deployment.str()}});
        } else if (held_.erase(deployment) > 0) {
            changed_ = true;
        }
        return {};
    }
    std::string& held = held_[deployment];
    if (held == (*entry)->value) return {};
    held = std::move((*entry)->value);
    changed_ = true;
    return {};
}

}  // namespace harmony::agent
