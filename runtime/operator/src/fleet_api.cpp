#include "harmony/operator/fleet_api.hpp"

#include <algorithm>
#include <utility>

#include "harmony/contracts/canonical_json.hpp"
#include "harmony/daemon/random.hpp"

namespace harmony::op {

using contracts::ApplyChange;
using contracts::FleetApiMethod;
using contracts::Timestamp;

namespace {

std::string random_uid() {
    const std::uint64_t high = (runtime::daemon::random_bits() & 0xffffffffffff0fffU) | 0x4000U;  // version 4
    const std::uint64_t low =
        (runtime::daemon::random_bits() & 0x3fffffffffffffffU) | 0x8000000000000000U;  // RFC 4122
    const std::string hex = contracts::hex16(high) + contracts::hex16(low);
    return hex.substr(0, 8) + "-" + hex.substr(8, 4) + "-" + hex.substr(12, 4) + "-" + hex.substr(16, 4) +
           "-" + hex.substr(20);
}

template <class NameType>
Result<NameType> requested_name(std::string_view payload) {
    const auto request = contracts::NameRequest::decode(payload);
    if (!request) return fail(request.error());
    auto name = NameType::parse(request->name);
    if (!name) return fail(name.error().wrap("name"));
    return *name;
}

Result<std::string> page_start(const contracts::ListRequest& request) {
    if (!request.continue_token) return std::string();
    if (auto valid = contracts::check_name("continue", *request.continue_token); !valid)
        return fail(valid.error());
    return *request.continue_token;
}

// Asks for one row more than fits, to know whether another page follows.
template <class Stored, class Encode>
std::string page_of(const std::vector<Stored>& rows, std::int64_t limit, const Encode& encode) {
    contracts::ListReplyBuilder page(limit);
    std::optional<std::string> last;
    for (const Stored& row : rows) {
        auto [name, document] = encode(row);
        if (!page.add(document)) return page.finish(last);
        last = std::move(name);
    }
    return page.finish(std::nullopt);
}

}  // namespace

Result<ApplyOutcome> merge_apply(const contracts::Deployment& wanted,
                                 const std::optional<StoredDeployment>& current,
                                 const std::string& name_space, Timestamp now) {
    if (wanted.metadata.name_space && *wanted.metadata.name_space != name_space) {
        return fail(ErrorKind::InvalidInput, "metadata.namespace: found \"" + *wanted.metadata.name_space +
                                                 "\", this operator serves \"" + name_space + "\"");
    }
    const auto& version = wanted.metadata.resource_version;
    const auto found = current ? current->deployment.metadata.resource_version : std::nullopt;
    if (version && version != found) {
        return fail(ErrorKind::Conflict, "metadata.resourceVersion: found " + *version +
                                             ", the stored Deployment has " + found.value_or("none") +
                                             "; read it again and repeat the change");
    }
    if (current && current->deployment.metadata.deletion_timestamp) {
        return fail(ErrorKind::Conflict,
                    "Deployment " + wanted.metadata.name + " is being deleted; apply it when it is gone");
    }

    ApplyOutcome outcome;
    if (current) {
        outcome.stored = *current;
    } else {
        outcome.change = ApplyChange::Created;
        outcome.stored.deployment.metadata.name = wanted.metadata.name;
        outcome.stored.deployment.metadata.name_space = name_space;
        outcome.stored.deployment.metadata.creation_timestamp = now;
        outcome.stored.deployment.metadata.finalizers = {std::string(contracts::kFinalizer)};
    }
    contracts::Deployment& document = outcome.stored.deployment;
    const bool new_spec = !current || document.spec != wanted.spec;
    const bool new_meta = document.metadata.labels != wanted.metadata.labels ||
                          document.metadata.annotations != wanted.metadata.annotations;
    if (current && !new_spec && !new_meta) return outcome;
    if (current) outcome.change = ApplyChange::Configured;
    document.metadata.labels = wanted.metadata.labels;
    document.metadata.annotations = wanted.metadata.annotations;
    if (!new_spec) return outcome;
    document.spec = wanted.spec;
    ++document.metadata.generation;
    if (document.spec.paused) return outcome;
    outcome.stored.rollout = next_rollout(outcome.stored.rollout, outcome.stored.active, document.spec);
    outcome.stored.active = document.spec;
    return outcome;
}

FleetApi::FleetApi(ResourceStore& store, Reducer& reducer, const IgnoredEntries& ignored,
                   FleetApiOptions options, std::function<Readiness()> readiness)
    : store_(store),
      reducer_(reducer),
      ignored_(ignored),
      options_(std::move(options)),
      readiness_(std::move(readiness)) {}

ApiAnswer FleetApi::answer(std::string_view subject, std::string_view payload, Timestamp now) {
    auto answered = dispatch(subject, payload, now);
    if (answered) return std::move(*answered);
    return {contracts::RemoteError::from_error(answered.error()).encode(), std::nullopt, {}};
}

Result<ApiAnswer> FleetApi::dispatch(std::string_view subject, std::string_view payload, Timestamp now) {
    const auto method = contracts::parse_fleet_api_subject(subject);
    if (!method) return fail(method.error());
    const auto plain = [](Result<std::string> reply) -> Result<ApiAnswer> {
        if (!reply) return fail(reply.error());
        return ApiAnswer{std::move(*reply), std::nullopt, {}};
    };
    switch (*method) {
        case FleetApiMethod::DeploymentsApply:
            return plain(apply(payload, now));
        case FleetApiMethod::DeploymentsGet:
            return plain(get_deployment(payload));
        case FleetApiMethod::DeploymentsList:
            return plain(list_deployments(payload));
        case FleetApiMethod::DeploymentsDelete:
            return plain(delete_deployment(payload, now));
        case FleetApiMethod::DevicesList:
            return plain(list_devices(payload, now));
        case FleetApiMethod::DevicesGet:
            return get_device(payload, now);
        case FleetApiMethod::DevicesDelete:
            return plain(delete_device(payload, now));
        case FleetApiMethod::Status:
            return plain(fleet_status(now));
    }
    return fail(ErrorKind::Internal, "a method of the fleet API has no code");
}

Result<std::string> FleetApi::apply(std::string_view payload, Timestamp now) {
    const auto request = contracts::ApplyRequest::decode(payload);
    if (!request) return fail(request.error());
    const auto name = request->deployment.name();
    if (!name) return fail(name.error());
    ApplyOutcome outcome;
    std::vector<Holding> missed;
    const auto done = store_.transaction([&]() -> Result<void> {
        const auto current = store_.deployment(*name);
        if (!current) return fail(current.error());
        auto merged = merge_apply(request->deployment, *current, options_.name_space, now);
        if (!merged) return fail(merged.error());
        outcome = std::move(*merged);
        if (outcome.change == ApplyChange::Unchanged || request->dry_run) return {};
        if (auto read = read_missed(*name, *current, missed); !read) return read;
        if (auto pruned = forget_unheld(*name, outcome.stored.rollout); !pruned) return pruned;
        contracts::ObjectMeta& meta = outcome.stored.deployment.metadata;
        if (!meta.uid) meta.uid = random_uid();
        const auto revision = store_.next_revision();
        if (!revision) return fail(revision.error());
        meta.resource_version = std::to_string(*revision);
        return store_.put_deployment(outcome.stored);
    });
    if (!done) return fail(done.error());
    if (outcome.change != ApplyChange::Unchanged && !request->dry_run) {
        reducer_.apply(DeploymentKnown{outcome.stored.deployment, outcome.stored.active,
                                       outcome.stored.conditions, outcome.stored.rollout},
                       now);
        if (!missed.empty())
            reducer_.apply(RolloutKnown{*name, outcome.stored.rollout, std::move(missed)}, now);
    }
    return contracts::ApplyReply{outcome.change, with_status(outcome.stored)}.encode();
}

// What another operator has stored of the rollout, and the reducer was not told yet.
Result<void> FleetApi::read_missed(const contracts::DeploymentName& name,
                                   const std::optional<StoredDeployment>& current,
                                   std::vector<Holding>& missed) {
    const auto told = reducer_.rollout_version(name);
    if (!current || current->rollout.version == told) return {};
    return store_.each_holding_since(name, told.value_or(-1),
                                     [&](const Holding& holding) { missed.push_back(holding); });
}

// A score that is neither the base nor some device's is needed no more.
Result<void> FleetApi::forget_unheld(const contracts::DeploymentName& name, RolloutRecord& record) {
    if (record.older.size() < 2) return {};
    const auto held = store_.held_scores(name);
    if (!held) return fail(held.error());
    std::erase_if(record.older, [&](const contracts::Score& score) {
        const ScoreHash hash = hash_of(score);
        return hash != record.base && std::find(held->begin(), held->end(), hash) == held->end();
    });
    return {};
}

contracts::Deployment FleetApi::with_status(const StoredDeployment& stored) const {
    contracts::Deployment document = stored.deployment;
    if (const auto name = document.name()) document.status = reducer_.status(*name);
    return document;
}

Result<std::string> FleetApi::get_deployment(std::string_view payload) {
    const auto name = requested_name<contracts::DeploymentName>(payload);
    if (!name) return fail(name.error());
    const auto stored = store_.deployment(*name);
    if (!stored) return fail(stored.error());
    if (!*stored) return fail(ErrorKind::NotFound, "Deployment " + name->str() + ": there is none");
    return contracts::DeploymentReply{with_status(**stored)}.encode();
}

Result<std::string> FleetApi::list_deployments(std::string_view payload) {
    const auto request = contracts::ListRequest::decode(payload);
    if (!request) return fail(request.error());
    const auto start = page_start(*request);
    if (!start) return fail(start.error());
    const auto rows = store_.deployments(*start, request->limit + 1);
    if (!rows) return fail(rows.error());
    return page_of(*rows, request->limit, [&](const StoredDeployment& stored) {
        return std::pair(stored.deployment.metadata.name, with_status(stored).encode());
    });
}

Result<std::string> FleetApi::delete_deployment(std::string_view payload, Timestamp now) {
    const auto name = requested_name<contracts::DeploymentName>(payload);
    if (!name) return fail(name.error());
    StoredDeployment marked;
    const auto done = store_.transaction([&]() -> Result<void> {
        const auto current = store_.deployment(*name);
        if (!current) return fail(current.error());
        if (!*current) return fail(ErrorKind::NotFound, "Deployment " + name->str() + ": there is none");
        marked = **current;
        if (marked.deployment.metadata.deletion_timestamp) return {};
        const auto revision = store_.next_revision();
        if (!revision) return fail(revision.error());
        marked.deployment.metadata.deletion_timestamp = now;
        marked.deployment.metadata.resource_version = std::to_string(*revision);
        return store_.put_deployment(marked);
    });
    if (!done) return fail(done.error());
    reducer_.apply(DeploymentKnown{marked.deployment, marked.active, marked.conditions, marked.rollout}, now);
    return contracts::DeleteReply{name->str(), true}.encode();
}

contracts::Device FleetApi::device_document(const StoredDevice& stored, Timestamp now) const {
    const DeviceView view = reducer_.device(stored.info.device_id, now);
    contracts::Device document;
    document.metadata.name = stored.info.device_id.str();
    document.metadata.labels = stored.info.labels;
    document.metadata.generation = 1;
    document.metadata.resource_version = std::to_string(stored.resource_version);
    document.metadata.creation_timestamp = stored.registered_at;
    document.inventory = stored.info.inventory;
    contracts::DeviceStatus status;
    status.online = view.online;
    status.last_heartbeat = view.last_heartbeat;
    status.agent_version = stored.info.agent_version;
    status.conditions = ignored_.conditions(stored.info.device_id);
    document.status = std::move(status);
    return document;
}

Result<std::string> FleetApi::list_devices(std::string_view payload, Timestamp now) {
    const auto request = contracts::ListRequest::decode(payload);
    if (!request) return fail(request.error());
    const auto start = page_start(*request);
    if (!start) return fail(start.error());
    const auto rows = store_.devices(*start, request->limit + 1);
    if (!rows) return fail(rows.error());
    return page_of(*rows, request->limit, [&](const StoredDevice& stored) {
        return std::pair(stored.info.device_id.str(), device_document(stored, now).encode());
    });
}

Result<ApiAnswer> FleetApi::get_device(std::string_view payload, Timestamp now) {
    const auto id = requested_name<contracts::DeviceId>(payload);
    if (!id) return fail(id.error());
    const auto stored = store_.device(*id);
    if (!stored) return fail(stored.error());
    if (!*stored) return fail(ErrorKind::NotFound, "device " + id->str() + ": there is none");
    ApiAnswer answer;
    contracts::DeviceReply reply{device_document(**stored, now), {}};
    answer.wanted = reducer_.device(*id, now).reported;
    if (answer.wanted.empty()) {
        answer.reply = reply.encode();
    } else {
        answer.incomplete = std::move(reply);
    }
    return answer;
}

Result<std::string> FleetApi::delete_device(std::string_view payload, Timestamp now) {
    const auto id = requested_name<contracts::DeviceId>(payload);
    if (!id) return fail(id.error());
    const auto done = store_.transaction([&] { return store_.remove_device(*id); });
    if (!done) return fail(done.error());
    reducer_.apply(DeviceForgotten{*id}, now);
    return contracts::DeleteReply{id->str(), false}.encode();
}

std::string FleetApi::fleet_status(Timestamp now) const {
    const FleetCounts counts = reducer_.counts();
    const Readiness readiness = readiness_();
    contracts::FleetStatusReply reply;
    reply.operator_version = options_.version;
    reply.name_space = options_.name_space;
    reply.ready = readiness.ready;
    reply.message = readiness.message;
    reply.uptime_s =
        std::max<std::int64_t>(0, (now.microseconds() - options_.started_at.microseconds()) / 1'000'000);
    reply.devices = counts.devices;
    reply.devices_online = counts.online;
    reply.deployments = counts.deployments;
    reply.ignored_count = static_cast<std::int64_t>(ignored_.size());
    reply.ignored_entries = ignored_.first(contracts::kMaxIgnoredEntries);
    return reply.encode();
}

}  // namespace harmony::op
