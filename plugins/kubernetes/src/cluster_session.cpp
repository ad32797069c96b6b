#include "cluster_session.hpp"

#include <algorithm>

#include "diagnostics.hpp"

namespace harmony::cluster {

using plugin::Result;

ClusterSession::ClusterSession(SessionSettings settings, Connector connector,
                               std::function<plugin::Call&()> call)
    : settings_(std::move(settings)), connector_(std::move(connector)), call_(std::move(call)) {}

Result<Connection*> ClusterSession::connection() {
    if (connection_) return &*connection_;
    auto made = connector_();
    if (!made) return plugin::failure(std::move(made.error()));
    connection_ = std::move(*made);
    catalog_.emplace(*connection_->client);
    return &*connection_;
}

api::CallLimits ClusterSession::limits() const {
    using std::chrono::milliseconds;
    api::CallLimits limits{.deadline = settings_.timeout};
    if (const auto end = call_().deadline()) {
        const auto left = std::chrono::duration_cast<milliseconds>(*end - plugin::Call::Clock::now());
        limits.deadline = std::clamp(left, milliseconds(1), settings_.timeout);
    }
    return limits;
}

Result<api::ResourceType> ClusterSession::type(const std::string& api_version, const std::string& kind) {
    auto connected = connection();
    if (!connected) return plugin::failure(std::move(connected.error()));
    auto found = catalog_->find(api_version, kind, limits());
    if (found) return *found;
    if (found.error().reason != api::Reason::NotFound) return diagnose(found.error());
    return plugin::failure("kubernetes.kind-missing", found.error().text(),
                           "install what defines it, or correct apiVersion and kind");
}

Result<api::ObjectRef> ClusterSession::ref(const std::string& api_version, const std::string& kind,
                                           const std::string& name_space, const std::string& name) {
    auto found = type(api_version, kind);
    if (!found) return plugin::failure(std::move(found.error()));
    api::ObjectRef ref{std::move(*found), {}, name};
    if (ref.type.namespaced) ref.name_space = name_space.empty() ? connection_->name_space : name_space;
    return ref;
}

Result<std::optional<json>> ClusterSession::read(const api::ObjectRef& ref) {
    auto connected = connection();
    if (!connected) return plugin::failure(std::move(connected.error()));
    auto object = (*connected)->client->get(ref, limits());
    if (object) return std::optional<json>(std::move(*object));
    if (object.error().reason == api::Reason::NotFound) return std::optional<json>();
    return diagnose(object.error());
}

api::ResourceType namespace_type() {
    return {"", "v1", "namespaces", "Namespace", false};
}

}  // namespace harmony::cluster
