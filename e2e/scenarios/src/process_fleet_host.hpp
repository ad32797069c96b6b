// The fleet as daemons of this machine.
#pragma once

#include <harmony/capability/process_host.hpp>
#include <harmony/capability/secret_store.hpp>
#include <harmony/capability/service_directory.hpp>

#include "fleet_host.hpp"

namespace harmony::fleet_e2e {

class ProcessFleetHost final : public FleetHost {
 public:
    ProcessFleetHost(const plugin::Session& session, plugin::ProcessHost& processes,
                     plugin::ServiceDirectory& services, plugin::SecretStore& secrets)
        : session_(session), processes_(processes), services_(services), secrets_(secrets) {}

    Result<void> prepare() override { return {}; }
    Json settings_of(std::string_view score, Json settings) override;
    [[nodiscard]] std::chrono::milliseconds patience() const override { return std::chrono::seconds(20); }
    Result<Instance> instance(const std::string& program) override;
    Result<void> stop(const std::string& program) override;
    Result<void> start(const std::string& program) override;
    Result<void> kill(const std::string& program) override;
    // With a copy of the first one's resources, made while that one is stopped.
    Result<void> add_operator() override;
    Result<void> remove_second_operator() override;

 private:
    [[nodiscard]] Result<plugin::DaemonSpec> second_operator(const std::string& state_folder);
    [[nodiscard]] Result<void> copy_resources(const std::string& to);

    const plugin::Session& session_;
    plugin::ProcessHost& processes_;
    plugin::ServiceDirectory& services_;
    plugin::SecretStore& secrets_;
};

}  // namespace harmony::fleet_e2e
