#include "codecs.hpp"

namespace harmony::contracts {

namespace {

void read_spec(const Field& field, DeploymentSpec& out) {
    if (!field.object()) return;
    read_selector(field.required("targetSelector"), out.target_selector);
    const auto score = field.required("score");
    read_score(score, out.score);
    require_known_score(score, out.score);
    read_rollout(field.optional("rollout"), out.rollout);
    field.optional("paused").boolean(out.paused);
}

Json write_spec(const DeploymentSpec& spec) {
    return {{"targetSelector", write_selector(spec.target_selector)},
            {"score", write_score(spec.score)},
            {"rollout", write_rollout(spec.rollout)},
            {"paused", spec.paused}};
}

void read_error(const Field& field, AggregateError& out) {
    if (!field.object()) return;
    field.required("device").text(out.device, 1, kMaxNameBytes);
    field.required("message").text(out.message, 0, kMaxLastErrorBytes);
    field.required("at").timestamp(out.at);
}

void read_aggregate(const Field& field, DeploymentAggregate& out) {
    if (!field.object()) return;
    field.required("matchedDeviceCount").integer(out.matched_device_count, 0, kMaxDevices);
    field.required("succeeded").integer(out.succeeded, 0, kMaxDevices);
    field.required("failed").integer(out.failed, 0, kMaxDevices);
    field.required("pending").integer(out.pending, 0, kMaxDevices);
    if (!field.failed() && out.succeeded + out.failed + out.pending > out.matched_device_count) {
        field.reject_because("succeeded, failed and pending add up to more than matchedDeviceCount");
    }
    if (const auto error = field.optional("lastError"); error.object())
        read_error(error, out.last_error.emplace());
}

void read_rollout_status(const Field& field, RolloutStatus& out) {
    field.required("updatedDeviceCount").integer(out.updated, 0, kMaxDevices);
    field.required("unavailableDeviceCount").integer(out.unavailable, 0, kMaxDevices);
}

Json write_error(const AggregateError& error) {
    return {{"device", error.device},
            {"message", shortened(error.message, kMaxLastErrorBytes)},
            {"at", error.at.format()}};
}

Json write_aggregate(const DeploymentAggregate& aggregate) {
    Json result{{"matchedDeviceCount", aggregate.matched_device_count},
                {"succeeded", aggregate.succeeded},
                {"failed", aggregate.failed},
                {"pending", aggregate.pending}};
    if (aggregate.last_error) result["lastError"] = write_error(*aggregate.last_error);
    return result;
}

Json write_status(const DeploymentStatus& status) {
    Json result{{"observedGeneration", status.observed_generation},
                {"aggregate", write_aggregate(status.aggregate)},
                {"conditions", write_conditions(status.conditions)}};
    if (status.rollout) {
        result["rollout"] = Json{{"updatedDeviceCount", status.rollout->updated},
                                 {"unavailableDeviceCount", status.rollout->unavailable}};
    }
    for (const auto& failure : status.failures)
        result["failures"].push_back(write_error(failure));
    return result;
}

void read_status(const Field& field, DeploymentStatus& out) {
    field.optional("observedGeneration").integer(out.observed_generation, 0, INT64_MAX);
    read_aggregate(field.optional("aggregate"), out.aggregate);
    read_conditions(field.optional("conditions"), out.conditions);
    if (const auto rollout = field.optional("rollout"); rollout.object())
        read_rollout_status(rollout, out.rollout.emplace());
    field.optional("failures").items(kMaxStatusFailures, [&](const Field& entry) {
        read_error(entry, out.failures.emplace_back());
    });
}

}  // namespace

void read_deployment(const Field& field, Deployment& out) {
    if (!field.object()) return;
    require_type(field, kDeploymentKind);
    const auto metadata = field.required("metadata");
    read_metadata(metadata, out.metadata);
    DeploymentName checked;
    metadata.required("name").name(checked);
    read_spec(field.required("spec"), out.spec);
    if (const auto status = field.optional("status"); status.object())
        read_status(status, out.status.emplace());
}

Json write_deployment(const Deployment& deployment) {
    Json result{{"apiVersion", kApiVersion},
                {"kind", kDeploymentKind},
                {"metadata", write_metadata(deployment.metadata)},
                {"spec", write_spec(deployment.spec)}};
    if (deployment.status) result["status"] = write_status(*deployment.status);
    return result;
}

Result<Deployment> Deployment::decode(std::string_view json) {
    return decode_document<Deployment>(json, kMaxResourceBytes, read_deployment);
}

std::string Deployment::encode() const {
    return dump_canonical(write_deployment(*this));
}

}  // namespace harmony::contracts
