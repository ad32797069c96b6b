#include "topologies.hpp"

#include "cluster_objects.hpp"
#include "diagnostics.hpp"
#include "secret_objects.hpp"
#include "service_objects.hpp"

namespace harmony::cluster {

using plugin::Result;

struct ClusterTopology::Servers {
    explicit Servers(ClusterSession made) : session(std::move(made)) {}

    ClusterSession session;
    ClusterObjects objects{session};
    SecretObjects secrets{session};
    ServiceObjects services{session};
};

ClusterTopology::ClusterTopology() = default;
ClusterTopology::~ClusterTopology() = default;

Result<void> ClusterTopology::open() {
    const SessionSettings limits{.context = session().context,
                                 .timeout = std::chrono::seconds(settings().timeout_s)};
    const AccessSettings wanted{settings().kubeconfig, settings().context, settings().name_space};
    auto connector = [this, wanted]() -> Result<Connection> {
        auto found = access(wanted);
        if (!found) return plugin::failure(std::move(found.error()));
        return connect(std::move(*found), this_machine().environment);
    };
    servers_ = std::make_unique<Servers>(
        ClusterSession(limits, std::move(connector), [this]() -> plugin::Call& { return call(); }));
    offer<plugin::Kubernetes>(servers_->objects);
    offer<plugin::SecretStore>(servers_->secrets);
    offer<plugin::ServiceDirectory>(servers_->services);
    return {};
}

Result<void> ClusterTopology::prepare() {
    // What every cluster has, and any user with credentials may ask.
    auto answered = servers_->session.type("v1", "Namespace");
    if (!answered) return plugin::failure(std::move(answered.error()));
    return {};
}

Result<std::vector<plugin::Offer>> ClusterTopology::probe() {
    const auto answered = prepare();
    std::string reason;
    if (!answered) {
        reason = answered.error().summary;
        if (!answered.error().hint.empty()) reason += "; " + answered.error().hint;
    }
    std::vector<plugin::Offer> offers;
    for (auto& capability : offered_ids())
        offers.push_back({std::move(capability), answered.has_value(), reason});
    return offers;
}

Result<api::ClusterAccess> K8sBareTopology::access(const AccessSettings& settings) const {
    return kubeconfig_access(settings, this_machine());
}

Result<api::ClusterAccess> K8sAnywhereTopology::access(const AccessSettings& settings) const {
    return any_access(settings, this_machine());
}

}  // namespace harmony::cluster
