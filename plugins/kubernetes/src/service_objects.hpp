// service-directory/1 on the Services that a context's Scores applied.
#pragma once

#include <harmony/capability/service_directory.hpp>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cluster_session.hpp"

namespace harmony::cluster {

class ServiceObjects final : public plugin::ServiceDirectory {
 public:
    explicit ServiceObjects(ClusterSession& session) : session_(session) {}

    // An address that accepts connections from here, or the most likely one while none does.
    plugin::Result<plugin::Endpoint> resolve(const std::string& service, const std::string& port) override;
    plugin::Result<std::vector<plugin::ServicePort>> list() override;

 private:
    // A user who may not look everywhere sees those of the default namespace; if there is none, the refusal.
    [[nodiscard]] plugin::Result<std::vector<json>> services(const std::string& name = {});

    ClusterSession& session_;
};

}  // namespace harmony::cluster
