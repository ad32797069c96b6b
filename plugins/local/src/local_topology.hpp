// LocalTopology: this machine, as capabilities.
#pragma once

#include <harmony/plugin.hpp>

#include <harmony/capability/container_runtime.hpp>
#include <harmony/capability/process_host.hpp>
#include <harmony/capability/secret_store.hpp>
#include <harmony/capability/service_directory.hpp>
#include <memory>
#include <string>
#include <vector>

#include "container_podman.hpp"
#include "local_daemons.hpp"
#include "secret_files.hpp"

namespace harmony::local {

// Each server below translates between the SDK's types and the library's, and nothing else. They may use the
// topology's running call.
class LocalTopology final
    : public plugin::Topology<plugin::NoParameters, plugin::ProcessHost, plugin::ServiceDirectory,
                              plugin::SecretStore, plugin::ContainerRuntime> {
 public:
    static inline const plugin::TopologyInfo info{
        .name = "LocalTopology",
        .summary = "Daemons, secrets and containers on this machine, without a cluster"};

    LocalTopology();
    ~LocalTopology() override;

    plugin::Result<void> open() override;
    plugin::Result<std::vector<plugin::Offer>> probe() override;
    plugin::Result<void> prepare() override;
    plugin::Result<void> release() override;

    // For the servers. Set once open() has succeeded.
    [[nodiscard]] LocalDaemons& daemons() { return *daemons_; }
    [[nodiscard]] ContainerPodman& podman() { return *podman_; }
    [[nodiscard]] SecretFiles& secrets() { return *secrets_; }
    [[nodiscard]] LocalDaemons::Cancelled cancelled() const;

 private:
    struct Servers;
    std::unique_ptr<LocalDaemons> daemons_;
    std::unique_ptr<ContainerPodman> podman_;
    std::unique_ptr<SecretFiles> secrets_;
    std::unique_ptr<Servers> servers_;
};

}  // namespace harmony::local
