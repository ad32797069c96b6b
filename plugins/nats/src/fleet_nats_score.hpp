// FleetNatsScore: one nats-server with JetStream, an administrator, the operator and one user per device.
#pragma once

#include <harmony/capability/process_host.hpp>
#include <harmony/capability/secret_store.hpp>
#include <harmony/plugin/score.hpp>
#include <string>
#include <vector>

namespace harmony::fleet_nats {

struct NatsParameters {
    int port = 4222;
    std::vector<std::string> devices{"device-01"};
    bool simulator = false;
    int jetstream_sync_interval_s = 2;
    int jetstream_memory_mib = 256;
    int jetstream_storage_mib = 4096;

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
                .range(64, 1 << 24));
    }
};

class FleetNatsScore final : public plugin::Score<NatsParameters, plugin::ProcessHost, plugin::SecretStore> {
 public:
    static inline const plugin::ScoreInfo info{
        .name = "FleetNatsScore",
        .summary =
            "The fleet's NATS server: JetStream, and credentials with exact permissions for each device"};

    plugin::Result<void> validate(Run& run) override;
    plugin::Result<std::vector<plugin::Object>> read(Run& run) override;
    plugin::Result<plugin::Plan> plan(Run& run, const plugin::PlanRequest& request) override;
    plugin::Result<std::vector<plugin::Object>> apply(Run& run, const plugin::Step& step) override;
    plugin::Result<std::vector<plugin::Check>> verify(Run& run) override;
    plugin::Result<std::vector<plugin::Object>> destroy(Run& run, const plugin::Step& step) override;
};

}  // namespace harmony::fleet_nats
