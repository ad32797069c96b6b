#include "cluster_apply.hpp"

#include "harmony/operator/cluster_objects.hpp"

namespace harmony::op {

namespace kubernetes = runtime::kubernetes;
using contracts::ApplyChange;
using kubernetes::ObjectRef;
using kubernetes::PatchKind;
using kubernetes::Reason;
using Json = nlohmann::json;

namespace {

kubernetes::WriteOptions write_options(bool dry_run) {
    kubernetes::WriteOptions options;
    options.field_manager = kApiFieldManager;
    options.force = true;
    options.dry_run = dry_run;
    return options;
}

Json body_of(const contracts::Deployment& wanted) {
    contracts::Deployment document;
    document.metadata.name = wanted.metadata.name;
    document.metadata.labels = wanted.metadata.labels;
    document.metadata.annotations = wanted.metadata.annotations;
    document.metadata.resource_version = wanted.metadata.resource_version;
    document.spec = wanted.spec;
    return Json::parse(document.encode());
}

contracts::Deployment document_of(const Json& object) {
    const auto seen = read_deployment(object);
    return seen ? seen->document({}) : contracts::Deployment{};
}

bool same(const Json& before, const Json& after) {
    const auto one = document_of(before);
    const auto other = document_of(after);
    return one.spec == other.spec && one.metadata.labels == other.metadata.labels &&
           one.metadata.annotations == other.metadata.annotations;
}

// The spec and nothing but it, whoever wrote what is there.
kubernetes::Answer<Json> replace_spec(kubernetes::KubernetesClient& client, const ObjectRef& ref,
                                      const std::string& uid, const contracts::Deployment& wanted) {
    const Json change =
        Json::array({{{"op", "test"}, {"path", "/metadata/uid"}, {"value", uid}},
                     {{"op", "replace"}, {"path", "/spec"}, {"value", body_of(wanted).at("spec")}}});
    auto options = write_options(false);
    options.force = false;  // is of an apply only
    return client.patch(ref, PatchKind::JsonPatch, change, options, request_limits());
}

tl::unexpected<Error> refused(const kubernetes::Failure& failure) {
    return fail(refusal_of(failure));
}

}  // namespace

kubernetes::CallLimits request_limits() {
    kubernetes::CallLimits limits;
    limits.deadline = std::chrono::milliseconds(3'000);
    return limits;
}

Error refusal_of(const kubernetes::Failure& failure) {
    return failure.error;
}

Result<AppliedDeployment> apply_deployment(kubernetes::KubernetesClient& client,
                                           const std::string& name_space,
                                           const contracts::ApplyRequest& request) {
    const contracts::Deployment& wanted = request.deployment;
    const ObjectRef ref{deployment_type(), name_space, wanted.metadata.name};
    const auto before = client.get(ref, request_limits());
    if (!before && before.error().reason != Reason::NotFound) return refused(before.error());
    if (before && document_of(*before).metadata.deletion_timestamp) {
        return fail(ErrorKind::Conflict,
                    "Deployment " + wanted.metadata.name + " is being deleted; apply it when it is gone");
    }
    if (!before && wanted.metadata.resource_version) {
        return fail(ErrorKind::Conflict, "metadata.resourceVersion: found " +
                                             *wanted.metadata.resource_version +
                                             ", the stored Deployment has none; read it again and repeat the "
                                             "change");
    }
    auto applied = client.patch(ref, PatchKind::Apply, body_of(wanted), write_options(request.dry_run),
                                request_limits());
    if (!applied) return refused(applied.error());
    // Fields that others had added are still there: an apply removes only its manager's own.
    const auto seen = read_deployment(*applied);
    if (!request.dry_run && (!seen || !seen->spec || *seen->spec != wanted.spec)) {
        applied = replace_spec(client, ref, seen ? seen->metadata.uid.value_or("") : "", wanted);
        if (!applied) return refused(applied.error());
    }
    AppliedDeployment result;
    result.reply.change = !before                   ? ApplyChange::Created
                          : same(*before, *applied) ? ApplyChange::Unchanged
                                                    : ApplyChange::Configured;
    result.reply.deployment = document_of(*applied);
    result.reply.deployment.spec = wanted.spec;
    if (!request.dry_run) result.object = std::move(*applied);
    return result;
}

}  // namespace harmony::op
