// FleetNatsScore: one nats-server with JetStream, an administrator, the operator and one user per device.
#pragma once

#include <harmony/capability/secret_store.hpp>
#include <string>
#include <vector>

#include "harmony/fleet_access/fleet_score.hpp"
#include "harmony/fleet_access/image_parameters.hpp"

namespace harmony::fleet_nats {

// How clients reach it on a cluster.
enum class ServiceType { ClusterIp, NodePort, LoadBalancer };
inline plugin::EnumNames<ServiceType> enum_names(ServiceType) {
    return {{ServiceType::NodePort, "node-port"},
            {ServiceType::ClusterIp, "cluster-ip"},
            {ServiceType::LoadBalancer, "load-balancer"}};
}

struct NatsParameters {
    int port = 4222;
    std::vector<std::string> devices{"device-01"};
    bool simulator = false;
    int jetstream_sync_interval_s = 2;
    int jetstream_memory_mib = 256;
    int jetstream_storage_mib = 4096;
    std::string name_space = "fleet-system";
    std::string image_registry{};
    std::string image_tag{};
    std::string image{};
    std::string image_pull_secret{};
    ServiceType service_type = ServiceType::NodePort;
    int node_port = 0;
    std::string storage_class{};
    int storage_mib = 0;
    int rollout_timeout_s = 120;

    static auto fields() {
        using plugin::field;
        using Self = NatsParameters;
        return plugin::fields(
            field("port", &Self::port, "Where clients connect, on this machine only; 0 chooses a free one")
                .range(0, 65535),
            field("devices", &Self::devices, "Ids of the devices that get credentials")
                .pattern("^[a-z0-9]([a-z0-9-]{0,251}[a-z0-9])?$")
                .max_items(10'000),
            field("simulator", &Self::simulator,
                  "Whether there is a user for harmony-fleet-simulator, which may speak for any device"),
            field("jetstream_sync_interval_s", &Self::jetstream_sync_interval_s,
                  "How long a write may stay in memory before it is on the disk, in seconds")
                .range(1, 3600),
            field("jetstream_memory_mib", &Self::jetstream_memory_mib,
                  "Limit of what JetStream keeps in memory, in MiB")
                .range(16, 1 << 20),
            field("jetstream_storage_mib", &Self::jetstream_storage_mib,
                  "Limit of what JetStream keeps on the disk, in MiB")
                .range(64, 1 << 24),
            field("namespace", &Self::name_space, "On a cluster: where its objects go")
                .flag("namespace")
                .pattern("^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"),
            field("image_registry", &Self::image_registry,
                  "On a cluster: where the image harmony-nats-server comes from; empty: localhost/harmony")
                .pattern(fleet_access::kImagePattern),
            field("image_tag", &Self::image_tag, "On a cluster: its tag; empty: v and this version")
                .pattern(fleet_access::kImageTagPattern),
            field(
                "image", &Self::image,
                "On a cluster: the whole reference of an image whose entry point is nats-server, instead of "
                "registry and tag")
                .pattern(fleet_access::kImagePattern),
            field("image_pull_secret", &Self::image_pull_secret,
                  "On a cluster: a Secret of the namespace with credentials for the registry; empty: none")
                .pattern("^$|^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$"),
            field("service_type", &Self::service_type,
                  "On a cluster: how clients reach it; cluster-ip only from inside the cluster"),
            field("node_port", &Self::node_port,
                  "On a cluster: its port on the nodes; 0 lets the cluster choose one")
                .range(0, 65535),
            field(
                "storage_class", &Self::storage_class,
                "On a cluster: the StorageClass of JetStream's volume; empty: the cluster's default one, and "
                "without one a folder that ends with the pod")
                .pattern("^$|^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$"),
            field(
                "storage_mib", &Self::storage_mib,
                "On a cluster: the size of that volume, in MiB; 0: a quarter more than jetstream_storage_mib")
                .range(0, 1 << 25),
            field("rollout_timeout_s", &Self::rollout_timeout_s,
                  "On a cluster: how long its pod may take to become ready, in seconds")
                .range(1, 3600));
    }
};

class FleetNatsScore final : public fleet_access::FleetScore<NatsParameters, plugin::SecretStore> {
 public:
    static inline const plugin::ScoreInfo info{
        .name = "FleetNatsScore",
        .summary =
            "The fleet's NATS server: JetStream, and credentials with exact permissions for each device"};

    plugin::Result<void> validate(Run& run) override;

 private:
    [[nodiscard]] fleet_access::Verbs<Run> process_verbs() const override;
    [[nodiscard]] fleet_access::Verbs<Run> cluster_verbs() const override;
};

}  // namespace harmony::fleet_nats
