#include "harmony/operator/fleet_api.hpp"

#include <algorithm>
#include <utility>

#include "harmony/contracts/canonical_json.hpp"

namespace harmony::op {

using contracts::ApplyChange;
using contracts::FleetApiMethod;
using contracts::Timestamp;

namespace {

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

contracts::Deployment with_status(const StoredDeployment& stored, const Reducer& reducer) {
    contracts::Deployment document = stored.deployment;
    if (const auto name = document.name()) document.status = reducer.status(*name);
    return document;
}

FleetApi::FleetApi(ResourceKeeper& keeper, const Reducer& reducer, const IgnoredEntries& ignored,
                   FleetApiOptions options, std::function<Readiness()> readiness)
    : keeper_(keeper),
      reducer_(reducer),
      ignored_(ignored),
      options_(std::move(options)),
      readiness_(std::move(readiness)) {}

ApiAnswer FleetApi::answer(std::string_view subject, std::string_view payload,
                           const std::string& reply_subject, Timestamp now) {
    auto answered = dispatch(subject, payload, reply_subject, now);
    if (answered) return std::move(*answered);
    return {contracts::RemoteError::from_error(answered.error()).encode(), std::nullopt, {}};
}

Result<ApiAnswer> FleetApi::dispatch(std::string_view subject, std::string_view payload,
                                     const std::string& reply_subject, Timestamp now) {
    const auto method = contracts::parse_fleet_api_subject(subject);
    if (!method) return fail(method.error());
    const auto plain = [](Result<std::string> reply) -> Result<ApiAnswer> {
        if (!reply) return fail(reply.error());
        return ApiAnswer{std::move(*reply), std::nullopt, {}};
    };
    const auto changed = [](ApiReply reply) -> Result<ApiAnswer> {
        if (!reply) return fail(reply.error());
        ApiAnswer answer;
        answer.later = !*reply;
        if (*reply) answer.reply = std::move(**reply);
        return answer;
    };
    switch (*method) {
        case FleetApiMethod::DeploymentsApply:
            return changed(apply(payload, reply_subject, now));
        case FleetApiMethod::DeploymentsGet:
            return plain(get_deployment(payload));
        case FleetApiMethod::DeploymentsList:
            return plain(list_deployments(payload));
        case FleetApiMethod::DeploymentsDelete:
            return changed(delete_deployment(payload, reply_subject, now));
        case FleetApiMethod::DevicesList:
            return plain(list_devices(payload, now));
        case FleetApiMethod::DevicesGet:
            return get_device(payload, now);
        case FleetApiMethod::DevicesDelete:
            return changed(delete_device(payload, reply_subject, now));
        case FleetApiMethod::Status:
            return plain(fleet_status(now));
    }
    return fail(ErrorKind::Internal, "a method of the fleet API has no code");
}

ApiReply FleetApi::apply(std::string_view payload, const std::string& reply_subject, Timestamp now) {
    const auto request = contracts::ApplyRequest::decode(payload);
    if (!request) return fail(request.error());
    return keeper_.apply(*request, reply_subject, now);
}

ApiReply FleetApi::delete_deployment(std::string_view payload, const std::string& reply_subject,
                                     Timestamp now) {
    const auto name = requested_name<contracts::DeploymentName>(payload);
    if (!name) return fail(name.error());
    return keeper_.delete_deployment(*name, reply_subject, now);
}

ApiReply FleetApi::delete_device(std::string_view payload, const std::string& reply_subject, Timestamp now) {
    const auto id = requested_name<contracts::DeviceId>(payload);
    if (!id) return fail(id.error());
    return keeper_.delete_device(*id, reply_subject, now);
}

Result<std::string> FleetApi::get_deployment(std::string_view payload) {
    const auto name = requested_name<contracts::DeploymentName>(payload);
    if (!name) return fail(name.error());
    const auto stored = keeper_.reader().deployment(*name);
    if (!stored) return fail(stored.error());
    if (!*stored) return fail(ErrorKind::NotFound, "Deployment " + name->str() + ": there is none");
    return contracts::DeploymentReply{with_status(**stored, reducer_)}.encode();
}

Result<std::string> FleetApi::list_deployments(std::string_view payload) {
    const auto request = contracts::ListRequest::decode(payload);
    if (!request) return fail(request.error());
    const auto start = page_start(*request);
    if (!start) return fail(start.error());
    const auto rows = keeper_.reader().deployments(*start, request->limit + 1);
    if (!rows) return fail(rows.error());
    return page_of(*rows, request->limit, [&](const StoredDeployment& stored) {
        return std::pair(stored.deployment.metadata.name, with_status(stored, reducer_).encode());
    });
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
    const auto rows = keeper_.reader().devices(*start, request->limit + 1);
    if (!rows) return fail(rows.error());
    return page_of(*rows, request->limit, [&](const StoredDevice& stored) {
        return std::pair(stored.info.device_id.str(), device_document(stored, now).encode());
    });
}

Result<ApiAnswer> FleetApi::get_device(std::string_view payload, Timestamp now) {
    const auto id = requested_name<contracts::DeviceId>(payload);
    if (!id) return fail(id.error());
    const auto stored = keeper_.reader().device(*id);
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
