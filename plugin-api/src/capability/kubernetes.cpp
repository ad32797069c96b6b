#include <harmony/capability/kubernetes.hpp>

#include "wire.hpp"

namespace harmony::plugin {

namespace {

struct RefParams {
    KubernetesRef ref;

    static auto fields() { return harmony::plugin::fields(field("ref", &RefParams::ref).required()); }
};

struct NamespaceParams {
    std::string name;
    int timeout_s = 90;

    static auto fields() {
        return harmony::plugin::fields(field("name", &NamespaceParams::name).required(),
                                       field("timeout_s", &NamespaceParams::timeout_s).range(0, 3600));
    }
};

class Client final : public Kubernetes {
 public:
    explicit Client(CapabilityCaller& caller) : caller_(caller) {}

    Result<KubernetesCluster> info() override {
        return wire::ask<KubernetesCluster>(caller_, kId, "info", Json::object());
    }
    Result<std::vector<KubernetesChange>> diff(const KubernetesBatch& batch) override {
        return wire::ask_member<std::vector<KubernetesChange>>(caller_, kId, "diff", to_json(batch),
                                                               "changes");
    }
    Result<std::vector<KubernetesApplied>> apply(const KubernetesBatch& batch) override {
        return wire::ask_member<std::vector<KubernetesApplied>>(caller_, kId, "apply", to_json(batch),
                                                                "objects");
    }
    Result<std::optional<Json>> get(const KubernetesRef& ref) override {
        return wire::ask_member<std::optional<Json>>(caller_, kId, "get", to_json(RefParams{ref}), "object");
    }
    Result<std::vector<Json>> list(const KubernetesQuery& query) override {
        return wire::ask_member<std::vector<Json>>(caller_, kId, "list", to_json(query), "objects");
    }
    Result<std::vector<KubernetesRef>> owned(const KubernetesInventory& inventory) override {
        return wire::ask_member<std::vector<KubernetesRef>>(caller_, kId, "owned", to_json(inventory),
                                                            "objects");
    }
    Result<bool> remove(const KubernetesRemoval& removal) override {
        return wire::ask_member<bool>(caller_, kId, "remove", to_json(removal), "removed");
    }
    Result<std::vector<KubernetesReady>> wait(const KubernetesRollout& rollout) override {
        return wire::ask_member<std::vector<KubernetesReady>>(caller_, kId, "wait", to_json(rollout),
                                                              "objects");
    }
    Result<bool> ensure_namespace(const std::string& name, int timeout_s) override {
        return wire::ask_member<bool>(caller_, kId, "ensure_namespace",
                                      to_json(NamespaceParams{name, timeout_s}), "created");
    }
    Result<KubernetesAddress> reach(const KubernetesServicePort& service) override {
        return wire::ask<KubernetesAddress>(caller_, kId, "reach", to_json(service));
    }

 private:
    CapabilityCaller& caller_;
};

}  // namespace

std::optional<Action> step_action(KubernetesAction action) {
    switch (action) {
        case KubernetesAction::None:
            return std::nullopt;
        case KubernetesAction::Create:
            return Action::Create;
        case KubernetesAction::Update:
            return Action::Update;
    }
    return std::nullopt;
}

std::unique_ptr<Kubernetes> Kubernetes::client(CapabilityCaller& caller) {
    return std::make_unique<Client>(caller);
}

Result<Json> Kubernetes::dispatch(Kubernetes& server, std::string_view method, const Json& params) {
    using wire::reply;
    using wire::serve;
    if (method == "info") return reply(server.info());
    if (method == "diff") {
        return serve<KubernetesBatch>(
            params, [&](const KubernetesBatch& p) { return reply("changes", server.diff(p)); });
    }
    if (method == "apply") {
        return serve<KubernetesBatch>(
            params, [&](const KubernetesBatch& p) { return reply("objects", server.apply(p)); });
    }
    if (method == "get") {
        return serve<RefParams>(params,
                                [&](const RefParams& p) { return reply("object", server.get(p.ref)); });
    }
    if (method == "list") {
        return serve<KubernetesQuery>(
            params, [&](const KubernetesQuery& p) { return reply("objects", server.list(p)); });
    }
    if (method == "owned") {
        return serve<KubernetesInventory>(
            params, [&](const KubernetesInventory& p) { return reply("objects", server.owned(p)); });
    }
    if (method == "remove") {
        return serve<KubernetesRemoval>(
            params, [&](const KubernetesRemoval& p) { return reply("removed", server.remove(p)); });
    }
    if (method == "wait") {
        return serve<KubernetesRollout>(
            params, [&](const KubernetesRollout& p) { return reply("objects", server.wait(p)); });
    }
    if (method == "ensure_namespace") {
        return serve<NamespaceParams>(params, [&](const NamespaceParams& p) {
            return reply("created", server.ensure_namespace(p.name, p.timeout_s));
        });
    }
    if (method == "reach") {
        return serve<KubernetesServicePort>(
            params, [&](const KubernetesServicePort& p) { return reply(server.reach(p)); });
    }
    return unknown_capability_method(kId, method);
}

}  // namespace harmony::plugin
