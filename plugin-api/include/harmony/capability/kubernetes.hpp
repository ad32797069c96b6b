// kubernetes/1: the objects of one Kubernetes cluster (spec/capabilities.md). Objects cross as JSON, as the
// cluster's API has them.
#pragma once

#include <harmony/plugin/capability.hpp>
#include <harmony/plugin/plan.hpp>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace harmony::plugin {

struct KubernetesCluster {
    std::string context;     // of the kubeconfig, or where else the access comes from
    std::string server;      // https://host:port
    std::string name_space;  // where objects go that name none

    static auto fields() {
        using Self = KubernetesCluster;
        return harmony::plugin::fields(field("context", &Self::context),
                                       field("server", &Self::server).required(),
                                       field("namespace", &Self::name_space).required());
    }
    friend bool operator==(const KubernetesCluster&, const KubernetesCluster&) = default;
};

struct KubernetesKind {
    std::string api_version;  // v1, apps/v1
    std::string kind;

    static auto fields() {
        return harmony::plugin::fields(field("api_version", &KubernetesKind::api_version).required(),
                                       field("kind", &KubernetesKind::kind).required());
    }
    friend bool operator==(const KubernetesKind&, const KubernetesKind&) = default;
};

struct KubernetesRef {
    std::string api_version;
    std::string kind;
    std::string name_space{};  // empty: the cluster's default, where the kind has namespaces
    std::string name;

    static auto fields() {
        using Self = KubernetesRef;
        return harmony::plugin::fields(
            field("api_version", &Self::api_version).required(), field("kind", &Self::kind).required(),
            field("namespace", &Self::name_space).omit_default(), field("name", &Self::name).required());
    }
    friend bool operator==(const KubernetesRef&, const KubernetesRef&) = default;
};

// Whose objects they are: kept in labels, beside the context.
struct KubernetesOwner {
    std::string score;
    std::string part_of{};  // what the Score is a part of; empty: no label

    static auto fields() {
        return harmony::plugin::fields(field("score", &KubernetesOwner::score).required(),
                                       field("part_of", &KubernetesOwner::part_of).omit_default());
    }
    friend bool operator==(const KubernetesOwner&, const KubernetesOwner&) = default;
};

struct KubernetesBatch {
    std::vector<Json> objects;
    KubernetesOwner owner;
    bool force = false;   // take fields over that other managers own
    bool shared = false;  // for every context of the cluster, such as definitions: labelled with none of them

    static auto fields() {
        using Self = KubernetesBatch;
        return harmony::plugin::fields(field("objects", &Self::objects).required().sensitive(),
                                       field("owner", &Self::owner).required(), field("force", &Self::force),
                                       field("shared", &Self::shared).omit_default());
    }
};

enum class KubernetesAction { None, Create, Update };
inline EnumNames<KubernetesAction> enum_names(KubernetesAction) {
    return {{KubernetesAction::None, "none"},
            {KubernetesAction::Create, "create"},
            {KubernetesAction::Update, "update"}};
}

// For a step of a plan. KubernetesAction::None has no step.
[[nodiscard]] std::optional<Action> step_action(KubernetesAction action);

// A field that somebody else has set, and that apply changes only with force.
struct KubernetesConflict {
    std::string manager;
    std::string path;  // .spec.replicas

    static auto fields() {
        return harmony::plugin::fields(field("manager", &KubernetesConflict::manager).required(),
                                       field("path", &KubernetesConflict::path).required());
    }
    friend bool operator==(const KubernetesConflict&, const KubernetesConflict&) = default;
};

struct KubernetesChange {
    KubernetesRef ref;
    KubernetesAction action = KubernetesAction::None;
    std::vector<Difference> diff{};
    std::vector<KubernetesConflict> conflicts{};

    static auto fields() {
        using Self = KubernetesChange;
        return harmony::plugin::fields(field("ref", &Self::ref).required(),
                                       field("action", &Self::action).required(), field("diff", &Self::diff),
                                       field("conflicts", &Self::conflicts).omit_default());
    }
    friend bool operator==(const KubernetesChange&, const KubernetesChange&) = default;
};

struct KubernetesApplied {
    KubernetesRef ref;
    KubernetesAction action = KubernetesAction::None;
    std::string uid{};

    static auto fields() {
        using Self = KubernetesApplied;
        return harmony::plugin::fields(field("ref", &Self::ref).required(),
                                       field("action", &Self::action).required(), field("uid", &Self::uid));
    }
    friend bool operator==(const KubernetesApplied&, const KubernetesApplied&) = default;
};

struct KubernetesQuery {
    KubernetesKind kind;
    std::string name_space{};  // empty: all of them
    std::map<std::string, std::string> labels{};

    static auto fields() {
        using Self = KubernetesQuery;
        return harmony::plugin::fields(field("kind", &Self::kind).required(),
                                       field("namespace", &Self::name_space).omit_default(),
                                       field("labels", &Self::labels));
    }
};

struct KubernetesInventory {
    KubernetesOwner owner;  // an empty part_of matches every one
    std::vector<KubernetesKind> kinds;
    std::string name_space{};  // where a user looks who may not look in every namespace

    static auto fields() {
        return harmony::plugin::fields(field("owner", &KubernetesInventory::owner).required(),
                                       field("kinds", &KubernetesInventory::kinds).required(),
                                       field("namespace", &KubernetesInventory::name_space).omit_default());
    }
};

enum class KubernetesPropagation { Background, Foreground, Orphan };
inline EnumNames<KubernetesPropagation> enum_names(KubernetesPropagation) {
    return {{KubernetesPropagation::Background, "background"},
            {KubernetesPropagation::Foreground, "foreground"},
            {KubernetesPropagation::Orphan, "orphan"}};
}

struct KubernetesRemoval {
    KubernetesRef ref;
    KubernetesPropagation propagation = KubernetesPropagation::Foreground;
    int timeout_s = 60;   // 0: does not wait until it is gone
    bool shared = false;  // also one that no context has applied

    static auto fields() {
        using Self = KubernetesRemoval;
        return harmony::plugin::fields(field("ref", &Self::ref).required(),
                                       field("propagation", &Self::propagation),
                                       field("timeout_s", &Self::timeout_s).range(0, 3600),
                                       field("shared", &Self::shared).omit_default());
    }
};

struct KubernetesRollout {
    std::vector<KubernetesRef> objects;
    int timeout_s = 120;

    static auto fields() {
        return harmony::plugin::fields(field("objects", &KubernetesRollout::objects).required(),
                                       field("timeout_s", &KubernetesRollout::timeout_s).range(1, 3600));
    }
};

struct KubernetesReady {
    KubernetesRef ref;
    std::string detail{};  // "3 of 3 replicas are available"

    static auto fields() {
        return harmony::plugin::fields(field("ref", &KubernetesReady::ref).required(),
                                       field("detail", &KubernetesReady::detail));
    }
    friend bool operator==(const KubernetesReady&, const KubernetesReady&) = default;
};

struct KubernetesServicePort {
    std::string name_space{};  // empty: the cluster's default
    std::string service;
    std::string port;    // its name, or its number
    int timeout_s = 10;  // how long to go on trying

    static auto fields() {
        using Self = KubernetesServicePort;
        return harmony::plugin::fields(
            field("namespace", &Self::name_space).omit_default(), field("service", &Self::service).required(),
            field("port", &Self::port).required(), field("timeout_s", &Self::timeout_s).range(0, 600));
    }
};

enum class KubernetesRoute { LoadBalancer, NodePort, ClusterIp };
inline EnumNames<KubernetesRoute> enum_names(KubernetesRoute) {
    return {{KubernetesRoute::LoadBalancer, "load-balancer"},
            {KubernetesRoute::NodePort, "node-port"},
            {KubernetesRoute::ClusterIp, "cluster-ip"}};
}

struct KubernetesAddress {
    std::string host;
    int port = 0;
    KubernetesRoute route = KubernetesRoute::ClusterIp;

    static auto fields() {
        using Self = KubernetesAddress;
        return harmony::plugin::fields(field("host", &Self::host).required(),
                                       field("port", &Self::port).required().range(1, 65535),
                                       field("route", &Self::route).required());
    }
    friend bool operator==(const KubernetesAddress&, const KubernetesAddress&) = default;
};

class Kubernetes {
 public:
    static constexpr std::string_view kId = "kubernetes/1";
    static constexpr std::string_view kConflict = "kubernetes.conflict";
    static constexpr std::string_view kNotRolledOut = "kubernetes.not-rolled-out";

    virtual ~Kubernetes() = default;

    // Reads only.
    virtual Result<KubernetesCluster> info() = 0;
    // Reads only: what apply would do, asked from the server by a dry run; one entry for each object, in the
    // order in which apply takes them. Values of Secrets are left out. Conflicts are listed, not a failure.
    virtual Result<std::vector<KubernetesChange>> diff(const KubernetesBatch& batch) = 0;
    // Server-side apply, in the order in which objects need each other. kConflict names manager and field.
    // What was applied before a failure stays; the detail lists it.
    virtual Result<std::vector<KubernetesApplied>> apply(const KubernetesBatch& batch) = 0;
    // Reads only. Nothing when it does not exist.
    virtual Result<std::optional<Json>> get(const KubernetesRef& ref) = 0;
    // Reads only: those that carry all of the labels.
    virtual Result<std::vector<Json>> list(const KubernetesQuery& query) = 0;
    // Reads only: the objects of these kinds that the owner applied from this context, in the order in which
    // they can be removed. A kind that the server does not have has none. For a user who may not look in
    // every namespace those in the inventory's; where it names none that is refused, since a part looks like
    // all.
    virtual Result<std::vector<KubernetesRef>> owned(const KubernetesInventory& inventory) = 0;
    // False when there was none. Refuses what was not applied from this context, or, with shared, what
    // another one has applied.
    virtual Result<bool> remove(const KubernetesRemoval& removal) = 0;
    // Reads only: returns when all are there and rolled out. kNotRolledOut says why one is not, with the last
    // log lines of a container that ends again and again.
    virtual Result<std::vector<KubernetesReady>> wait(const KubernetesRollout& rollout) = 0;
    // Waits while an old one of that name is being deleted. True when it was created.
    virtual Result<bool> ensure_namespace(const std::string& name, int timeout_s) = 0;
    // Reads only: an address of a Service that accepts connections from this machine.
    virtual Result<KubernetesAddress> reach(const KubernetesServicePort& service) = 0;

    [[nodiscard]] static std::unique_ptr<Kubernetes> client(CapabilityCaller& caller);
    [[nodiscard]] static Result<Json> dispatch(Kubernetes& server, std::string_view method,
                                               const Json& params);
};

}  // namespace harmony::plugin
