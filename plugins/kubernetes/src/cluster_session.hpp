// The connection of one Topology instance to its cluster, made at the first use.
#pragma once

#include <chrono>
#include <functional>
#include <harmony/plugin/call.hpp>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "harmony/kubernetes/client.hpp"
#include "harmony/kubernetes/objects.hpp"

namespace harmony::cluster {

namespace api = runtime::kubernetes;
using nlohmann::json;

// What a session speaks to. Holds no secret outside the client.
struct Connection {
    std::unique_ptr<api::KubernetesClient> client;
    std::string origin;  // context edge in /home/ada/.kube/config
    std::string server;  // https://host:port
    std::string host;
    std::string name_space;
    bool inside = false;  // we are a pod of it, so that the cluster's own addresses lead to it
};

struct SessionSettings {
    std::string context;                        // Harmony's, for labels
    std::chrono::milliseconds timeout{30'000};  // of one request
};

// Called by one thread at a time, as the Topology that owns it. The connector is asked until it succeeds
// once.
class ClusterSession {
 public:
    using Connector = std::function<plugin::Result<Connection>()>;

    ClusterSession(SessionSettings settings, Connector connector, std::function<plugin::Call&()> call);

    [[nodiscard]] plugin::Result<Connection*> connection();
    [[nodiscard]] const std::string& context() const { return settings_.context; }
    [[nodiscard]] plugin::Call& call() const { return call_(); }
    // The request timeout, less when the running call ends earlier.
    [[nodiscard]] api::CallLimits limits() const;
    // kubernetes.kind-missing where the server has no such kind.
    [[nodiscard]] plugin::Result<api::ResourceType> type(const std::string& api_version,
                                                         const std::string& kind);
    // An empty namespace becomes the default one where the type has namespaces.
    [[nodiscard]] plugin::Result<api::ObjectRef> ref(const std::string& api_version, const std::string& kind,
                                                     const std::string& name_space, const std::string& name);
    // Nothing when it does not exist.
    [[nodiscard]] plugin::Result<std::optional<json>> read(const api::ObjectRef& ref);

 private:
    SessionSettings settings_;
    Connector connector_;
    std::function<plugin::Call&()> call_;
    std::optional<Connection> connection_;
    std::optional<api::TypeCatalog> catalog_;
};

[[nodiscard]] api::ResourceType namespace_type();

}  // namespace harmony::cluster
