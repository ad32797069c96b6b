#include "removal.hpp"

#include <algorithm>

#include "apply_order.hpp"
#include "batch.hpp"
#include "diagnostics.hpp"
#include "inventory.hpp"
#include "object_fields.hpp"

namespace harmony::cluster {
namespace {

using plugin::Result;

constexpr std::chrono::milliseconds kPollInterval{100};

std::string kept_by(const json& object) {
    std::string text;
    for (const json* list : {&at(object, {"metadata", "finalizers"}), &at(object, {"spec", "finalizers"})}) {
        if (!list->is_array()) continue;
        for (const json& name : *list) {
            if (name.is_string()) text += (text.empty() ? "" : ", ") + name.get<std::string>();
        }
    }
    return text.empty() ? "nothing that it says" : "its finalizers " + text;
}

api::Propagation to_client(plugin::KubernetesPropagation propagation) {
    switch (propagation) {
        case plugin::KubernetesPropagation::Background:
            return api::Propagation::Background;
        case plugin::KubernetesPropagation::Foreground:
            return api::Propagation::Foreground;
        case plugin::KubernetesPropagation::Orphan:
            return api::Propagation::Orphan;
    }
    return api::Propagation::Background;
}

// In all namespaces, or in that one for a user who may not look everywhere.
Result<std::vector<json>> list_owned(ClusterSession& session, const api::ResourceType& type,
                                     const Labels& labels, const std::string& name_space) {
    auto connected = session.connection();
    if (!connected) return plugin::failure(std::move(connected.error()));
    const api::ListOptions options{.label_selector = selector_of(labels)};
    auto& client = *(*connected)->client;
    auto found = api::list_all(client, type, {}, options, session.limits());
    if (!found && found.error().reason == api::Reason::Forbidden && type.namespaced && !name_space.empty())
        found = api::list_all(client, type, name_space, options, session.limits());
    if (!found) return diagnose(found.error());
    // What is listed here may be deleted, so the labels are looked at once more.
    std::erase_if(*found, [&](const json& object) { return !carries(object, labels); });
    return std::move(*found);
}

}  // namespace

Result<void> await_gone(ClusterSession& session, const api::ObjectRef& ref, const std::string& uid,
                        std::chrono::milliseconds deadline) {
    const auto end = std::chrono::steady_clock::now() + deadline;
    while (true) {
        auto object = session.read(ref);
        if (!object) return plugin::failure(std::move(object.error()));
        if (!*object || (!uid.empty() && text_at(**object, {"metadata", "uid"}) != uid)) return {};
        if (std::chrono::steady_clock::now() >= end) {
            return plugin::failure(plugin::Diagnostic{
                .code = "kubernetes.timeout",
                .summary = ref.type.kind + " " + ref.name + " is still there after " +
                           std::to_string(deadline.count() / 1000) + " s, kept by " + kept_by(**object),
                .hint = "look at it with: kubectl describe " + ref.type.qualified() + " " + ref.name +
                        (ref.name_space.empty() ? "" : " -n " + ref.name_space),
                .retryable = true});
        }
        if (!session.call().wait(kPollInterval)) return plugin::cancelled_failure();
    }
}

Result<bool> remove_object(ClusterSession& session, const plugin::KubernetesRemoval& removal) {
    const auto& given = removal.ref;
    auto ref = session.ref(given.api_version, given.kind, given.name_space, given.name);
    if (!ref) {
        // Without the kind there is no object.
        if (ref.error().code == "kubernetes.kind-missing") return false;
        return plugin::failure(std::move(ref.error()));
    }
    auto object = session.read(*ref);
    if (!object) return plugin::failure(std::move(object.error()));
    if (!*object) return false;
    const bool ours = carries(**object, context_labels(session.context()));
    const bool nobodys = !labels_of(**object).contains(std::string(kContextLabel));
    if (!ours && !(removal.shared && nobodys)) {
        return plugin::failure("kubernetes.not-ours",
                               describe(given) + " was not applied from context " + session.context(),
                               "delete it with kubectl if it has to go");
    }
    const std::string uid = text_at(**object, {"metadata", "uid"});
    session.call().progress("removing " + describe(given));
    auto connected = session.connection();
    if (!connected) return plugin::failure(std::move(connected.error()));
    auto removed = (*connected)
                       ->client->remove(*ref, {.propagation = to_client(removal.propagation), .uid = uid},
                                        session.limits());
    if (!removed && removed.error().reason != api::Reason::NotFound) return diagnose(removed.error());
    if (removal.timeout_s == 0) return true;
    auto gone = await_gone(session, *ref, uid, std::chrono::seconds(removal.timeout_s));
    if (!gone) return plugin::failure(std::move(gone.error()));
    return true;
}

Result<std::vector<plugin::KubernetesRef>> owned_objects(ClusterSession& session,
                                                         const plugin::KubernetesInventory& inventory) {
    if (auto checked = check_owner(inventory.owner); !checked) return plugin::failure(checked.error());
    const Labels labels = owner_labels(session.context(), inventory.owner);
    std::vector<plugin::KubernetesRef> owned;
    for (const auto& kind : inventory.kinds) {
        auto type = session.type(kind.api_version, kind.kind);
        if (!type && type.error().code == "kubernetes.kind-missing") continue;
        if (!type) return plugin::failure(std::move(type.error()));
        auto objects = list_owned(session, *type, labels, inventory.name_space);
        if (!objects) return plugin::failure(std::move(objects.error()));
        for (const json& object : *objects) {
            owned.push_back({kind.api_version, kind.kind, text_at(object, {"metadata", "namespace"}),
                             text_at(object, {"metadata", "name"})});
        }
    }
    std::stable_sort(owned.begin(), owned.end(), [](const auto& left, const auto& right) {
        return apply_rank(left.kind) > apply_rank(right.kind);
    });
    return owned;
}

Result<bool> ensure_namespace(ClusterSession& session, const std::string& name,
                              std::chrono::milliseconds deadline) {
    const api::ObjectRef ref{namespace_type(), {}, name};
    auto object = session.read(ref);
    if (!object) return plugin::failure(std::move(object.error()));
    if (*object && !at(**object, {"metadata", "deletionTimestamp"}).is_string()) return false;
    if (*object) {
        session.call().progress("waiting until the old namespace " + name + " is gone");
        auto gone = await_gone(session, ref, text_at(**object, {"metadata", "uid"}), deadline);
        if (!gone) {
            if (gone.error().code == "kubernetes.timeout")
                gone.error().code = "kubernetes.namespace-terminating";
            return plugin::failure(std::move(gone.error()));
        }
    }
    auto connected = session.connection();
    if (!connected) return plugin::failure(std::move(connected.error()));
    const json wanted{{"apiVersion", "v1"},
                      {"kind", "Namespace"},
                      {"metadata", {{"name", name}, {"labels", context_labels(session.context())}}}};
    auto made = (*connected)->client->create(ref, wanted, {.field_manager = kFieldManager}, session.limits());
    if (made) return true;
    if (made.error().reason == api::Reason::AlreadyExists) return false;
    return diagnose(made.error());
}

}  // namespace harmony::cluster
