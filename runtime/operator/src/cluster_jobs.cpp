#include <nlohmann/json.hpp>
#include <utility>

#include "cluster_apply.hpp"
#include "harmony/daemon/logging.hpp"
#include "harmony/operator/cluster_worker.hpp"

namespace harmony::op {

namespace kubernetes = runtime::kubernetes;
using kubernetes::Answer;
using kubernetes::Failure;
using kubernetes::ObjectRef;
using kubernetes::Reason;
using Json = nlohmann::json;

namespace {

constexpr runtime::daemon::Logger kLog("cluster");

kubernetes::WriteOptions as_operator() {
    kubernetes::WriteOptions options;
    options.field_manager = kFieldManager;
    return options;
}

bool is_outrun(const Failure& failure) {
    return failure.reason == Reason::Conflict || failure.reason == Reason::AlreadyExists;
}

// Repeating alone won't help.
bool needs_somebody(Reason reason) {
    return reason == Reason::Forbidden || reason == Reason::QuotaExceeded || reason == Reason::Invalid ||
           reason == Reason::Rejected || reason == Reason::NamespaceTerminating;
}

// What one job does; each step asks who leads.
class Performance {
 public:
    Performance(kubernetes::KubernetesClient& client, const std::string& name_space, const ClusterJob& job,
                const ClusterWorkerPorts& ports)
        : client_(client), name_space_(name_space), job_(job), ports_(ports) {}

    void operator()(const SetFinalizer& work) { finish(set_finalizer(work)); }
    void operator()(const StoreRollout& work) { finish(store_rollout(work)); }
    void operator()(const DropParts& work) { finish(drop_parts(work)); }
    void operator()(const ApplyDeployment& work) {
        auto applied = apply_deployment(client_, name_space_, work.request);
        if (!applied) return reply(work.reply_subject, applied.error());
        // Before the answer: whoever has it and reads finds what was applied.
        if (applied->object) tell_deployment(*applied->object);
        ports_.reply(work.reply_subject, applied->reply.encode());
    }
    void operator()(const DeleteDeployment& work) {
        const auto removed =
            client_.remove({deployment_type(), name_space_, job_.deployment}, {}, request_limits());
        if (!removed) return reply(work.reply_subject, refusal_of(removed.error()));
        ports_.reply(work.reply_subject, contracts::DeleteReply{job_.deployment, work.pending}.encode());
    }

 private:
    void reply(const std::string& subject, const Error& error) {
        ports_.reply(subject, contracts::RemoteError::from_error(error).encode());
    }

    void finish(JobOutcome outcome) {
        ports_.tell(JobDone{job_.deployment, job_.number, outcome, std::move(refusal_)});
    }

    JobOutcome failed(const char* what, const Failure& failure) {
        kLog.warning("a write to the cluster failed and will be tried again",
                     {{"what", what}, {"deployment", job_.deployment}, {"error", failure.text()}});
        if (needs_somebody(failure.reason)) refusal_ = failure.text();
        return JobOutcome::Failed;
    }

    void tell_deployment(const Json& object) {
        if (auto seen = read_deployment(object)) {
            ports_.tell(
                DeploymentSeen{std::make_shared<const SeenDeployment>(std::move(*seen)), false, job_.lists});
        }
    }
    void tell_rollout(const Json& object) {
        if (auto seen = read_rollout_object(object)) {
            ports_.tell(
                RolloutSeen{std::make_shared<const SeenRollout>(std::move(*seen)), false, job_.lists});
        }
    }

    JobOutcome set_finalizer(const SetFinalizer& work) {
        if (!remove_record(work.record) || !ports_.leading()) return JobOutcome::NotLeading;
        const ObjectRef ref{deployment_type(), name_space_, job_.deployment};
        // With the version, so that a finalizer that somebody else sets meanwhile is not lost.
        const Json body{
            {"metadata", {{"finalizers", work.finalizers}, {"resourceVersion", work.resource_version}}}};
        const auto patched =
            client_.patch(ref, kubernetes::PatchKind::MergePatch, body, as_operator(), leader_limits());
        if (patched) {
            tell_deployment(*patched);
            return JobOutcome::Done;
        }
        if (patched.error().reason == Reason::NotFound) return JobOutcome::Outrun;
        if (!is_outrun(patched.error())) return failed("finalizer", patched.error());
        if (const auto now = client_.get(ref, leader_limits())) tell_deployment(*now);
        return JobOutcome::Outrun;
    }

    JobOutcome store_rollout(const StoreRollout& work) {
        const RolloutOwner& owner = work.owner;
        for (const auto& [part, text] : work.rollout.parts) {
            if (!ports_.leading()) return JobOutcome::NotLeading;
            const ObjectRef ref{config_map_type(), name_space_, rollout_object_name(owner.uid, part)};
            const Json object = rollout_object(owner, part, text, "");
            const auto made = client_.create(ref, object, as_operator(), leader_limits());
            if (!made && made.error().reason != Reason::AlreadyExists)
                return failed("rollout record", made.error());
            tell_rollout(made ? *made : object);
        }
        if (!ports_.leading()) return JobOutcome::NotLeading;
        const ObjectRef ref{config_map_type(), name_space_, rollout_object_name(owner.uid, "")};
        const Json object = rollout_object(owner, "", work.rollout.header, work.resource_version);
        const auto written = work.resource_version.empty()
                                 ? client_.create(ref, object, as_operator(), leader_limits())
                                 : client_.replace(ref, object, as_operator(), leader_limits());
        if (written) {
            tell_rollout(*written);
            return JobOutcome::Done;
        }
        if (written.error().reason == Reason::NotFound) return JobOutcome::Outrun;
        if (!is_outrun(written.error())) return failed("rollout record", written.error());
        if (const auto now = client_.get(ref, leader_limits())) tell_rollout(*now);
        return JobOutcome::Outrun;
    }

    JobOutcome drop_parts(const DropParts& work) {
        std::vector<std::string> names;
        for (const std::string& part : work.parts)
            names.push_back(rollout_object_name(work.owner.uid, part));
        return remove_record(names) ? JobOutcome::Done : JobOutcome::NotLeading;
    }

    // False: this one does not lead any more.
    bool remove_record(const std::vector<std::string>& names) {
        for (const std::string& name : names) {
            if (!ports_.leading()) return false;
            const auto removed = client_.remove({config_map_type(), name_space_, name}, {}, leader_limits());
            // The cluster removes it at last, with the Deployment.
            if (!removed && removed.error().reason != Reason::NotFound)
                kLog.warning("a part of a rollout's record stays", {{"error", removed.error().text()}});
        }
        return true;
    }

    kubernetes::KubernetesClient& client_;
    const std::string& name_space_;
    const ClusterJob& job_;
    const ClusterWorkerPorts& ports_;
    std::string refusal_;
};

}  // namespace

void perform(kubernetes::KubernetesClient& client, const std::string& name_space, const ClusterJob& job,
             const ClusterWorkerPorts& ports) {
    std::visit(Performance(client, name_space, job, ports), job.work);
}

}  // namespace harmony::op
