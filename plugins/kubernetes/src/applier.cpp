#include "applier.hpp"

#include "diagnostics.hpp"
#include "inventory.hpp"
#include "json_bridge.hpp"
#include "object_diff.hpp"
#include "object_fields.hpp"
#include "removal.hpp"
#include "rollout.hpp"

namespace harmony::cluster {
namespace {

using plugin::KubernetesAction;
using plugin::Result;

// A definition is established within a second; an object that goes away takes its pods' grace period.
constexpr std::chrono::seconds kDefinitionDeadline{15};
constexpr std::chrono::seconds kLeavingDeadline{60};
constexpr std::chrono::milliseconds kPollInterval{100};

bool leaving(const json& object) {
    return at(object, {"metadata", "deletionTimestamp"}).is_string();
}

std::vector<plugin::Difference> differences_of(const std::vector<FieldDifference>& differences) {
    std::vector<plugin::Difference> result;
    for (const auto& each : differences) {
        plugin::Difference difference{.path = each.path, .sensitive = each.sensitive};
        if (each.before) difference.before = to_sdk(*each.before);
        if (each.after) difference.after = to_sdk(*each.after);
        result.push_back(std::move(difference));
    }
    return result;
}

// Until instances of it can be made.
Result<void> await_definition(ClusterSession& session, const Desired& desired) {
    const auto end = std::chrono::steady_clock::now() + kDefinitionDeadline;
    while (true) {
        auto object = session.read(*desired.target);
        if (!object) return plugin::failure(std::move(object.error()));
        const RolloutState state = *object ? rollout_state(**object) : RolloutState{};
        if (state.phase == RolloutPhase::Ready) return {};
        if (state.phase == RolloutPhase::Failed || std::chrono::steady_clock::now() >= end) {
            return plugin::failure("kubernetes.not-rolled-out",
                                   describe(desired.ref) + " can't be used: " + state.detail);
        }
        if (!session.call().wait(kPollInterval)) return plugin::cancelled_failure();
    }
}

}  // namespace

Result<std::optional<json>> Applier::live(const Desired& desired, const plugin::KubernetesOwner& owner) {
    auto object = session_.read(*desired.target);
    if (!object || !*object) return object;
    if (leaving(**object)) return std::optional<json>();
    if (const auto other = other_owner(**object, session_.context(), owner.score)) {
        return plugin::failure("kubernetes.not-ours", describe(desired.ref) + " belongs to " + *other,
                               "choose another name or namespace, or destroy it there first");
    }
    return object;
}

api::Answer<json> Applier::patch(const Desired& desired, bool dry_run, bool force) {
    const api::WriteOptions options{.field_manager = kFieldManager, .dry_run = dry_run, .force = force};
    auto connected = session_.connection();
    if (!connected) return api::refuse(api::Reason::Configuration, connected.error().summary);
    return (*connected)
        ->client->patch(*desired.target, api::PatchKind::Apply, desired.object, options, session_.limits());
}

plugin::Diagnostic Applier::refused(const Desired& desired, const api::Failure& failure) const {
    plugin::Diagnostic diagnostic = cluster::describe(failure);
    // Apply creates what is absent, so what was not found is the place for it.
    if (failure.reason == api::Reason::NotFound) {
        diagnostic.code = "kubernetes.namespace-missing";
        diagnostic.hint = "create the namespace " + desired.ref.name_space + " first";
    }
    // An answer of 500, though it is the object that is at fault: a list's element without its key.
    if (diagnostic.summary.find("failed to create typed patch object") != std::string::npos) {
        diagnostic.code = "kubernetes.invalid";
        diagnostic.hint = "correct the named fields; a port, for example, needs its protocol";
        diagnostic.retryable = false;
    }
    diagnostic.summary = describe(desired.ref) + ": " + diagnostic.summary;
    return diagnostic;
}

Result<plugin::KubernetesChange> Applier::change(const Desired& desired,
                                                 const plugin::KubernetesOwner& owner) {
    plugin::KubernetesChange change{.ref = desired.ref, .action = KubernetesAction::Create};
    if (!desired.target) {
        change.diff = differences_of(creation_diff(desired.object));
        return change;
    }
    auto before = live(desired, owner);
    if (!before) return plugin::failure(std::move(before.error()));
    auto merged = patch(desired, true, false);
    if (!merged && merged.error().reason == api::Reason::Conflict && !merged.error().conflicts.empty()) {
        for (const auto& conflict : merged.error().conflicts)
            change.conflicts.push_back({conflict.manager, conflict.field});
        merged = patch(desired, true, true);
    }
    if (*before) {
        if (!merged) return plugin::failure(refused(desired, merged.error()));
        change.diff = differences_of(object_diff(**before, *merged, desired.object));
        change.action = change.diff.empty() ? KubernetesAction::None : KubernetesAction::Update;
        return change;
    }
    // Its namespace comes later, or is on its way out.
    const bool no_place = !merged && (merged.error().reason == api::Reason::NotFound ||
                                      merged.error().reason == api::Reason::NamespaceTerminating);
    if (!merged && !no_place) return plugin::failure(refused(desired, merged.error()));
    change.diff = differences_of(creation_diff(desired.object));
    return change;
}

Result<std::vector<plugin::KubernetesChange>> Applier::diff(const plugin::KubernetesBatch& given) {
    auto batch = read_batch(session_, given);
    if (!batch) return plugin::failure(std::move(batch.error()));
    std::vector<plugin::KubernetesChange> changes;
    for (const Desired& desired : batch->objects) {
        auto found = change(desired, given.owner);
        if (!found) return plugin::failure(std::move(found.error()));
        changes.push_back(std::move(*found));
    }
    return changes;
}

Result<plugin::KubernetesApplied> Applier::apply_one(Desired& desired, const plugin::KubernetesBatch& given) {
    if (!desired.target) {
        auto target =
            session_.ref(desired.ref.api_version, desired.ref.kind, desired.ref.name_space, desired.ref.name);
        if (!target) return plugin::failure(std::move(target.error()));
        desired.ref.name_space = target->name_space;
        if (!target->name_space.empty()) desired.object["metadata"]["namespace"] = target->name_space;
        desired.target = std::move(*target);
    }
    auto before = live(desired, given.owner);
    if (!before) return plugin::failure(std::move(before.error()));
    if (!*before) {
        auto gone = await_gone(session_, *desired.target, {}, kLeavingDeadline);
        if (!gone) return plugin::failure(std::move(gone.error()));
    }
    auto after = patch(desired, false, given.force);
    if (!after) return plugin::failure(refused(desired, after.error()));
    plugin::KubernetesApplied applied{
        .ref = desired.ref, .action = KubernetesAction::Create, .uid = text_at(*after, {"metadata", "uid"})};
    if (*before) {
        const bool same = text_at(**before, {"metadata", "resourceVersion"}) ==
                          text_at(*after, {"metadata", "resourceVersion"});
        applied.action = same ? KubernetesAction::None : KubernetesAction::Update;
    }
    if (desired.ref.kind == "CustomResourceDefinition") {
        if (auto ready = await_definition(session_, desired); !ready)
            return plugin::failure(std::move(ready.error()));
    }
    return applied;
}

Result<std::vector<plugin::KubernetesApplied>> Applier::apply(const plugin::KubernetesBatch& given) {
    auto batch = read_batch(session_, given);
    if (!batch) return plugin::failure(std::move(batch.error()));
    std::vector<plugin::KubernetesApplied> applied;
    for (Desired& desired : batch->objects) {
        session_.call().progress("applying " + describe(desired.ref));
        auto result = apply_one(desired, given);
        if (!result) {
            auto diagnostic = std::move(result.error());
            for (const auto& done : applied) {
                if (done.action != KubernetesAction::None)
                    diagnostic.detail += "applied before: " + describe(done.ref) + "\n";
            }
            return plugin::failure(std::move(diagnostic));
        }
        applied.push_back(std::move(*result));
    }
    return applied;
}

}  // namespace harmony::cluster
