#include "cluster_desired.hpp"

#include "cluster_objects.hpp"
#include "harmony/contracts/canonical_json.hpp"
#include "harmony/fleet_access/image_parameters.hpp"
#include "harmony/fleet_access/nats_access.hpp"
#include "nats_users.hpp"
#include "server_config.hpp"

namespace harmony::fleet_nats {

using plugin::failure;
using plugin::Kubernetes;
using plugin::Result;
using plugin::SecretStore;
using Run = FleetNatsScore::Run;

namespace {

constexpr const char* kImageName = "harmony-nats-server";
// An object of the cluster's store has at most one MiB, and base64 takes a third more.
constexpr std::size_t kLargestConfig = 700 * 1024;

// The revision of the users with which the pod of the live workload was started.
Result<std::string> users_at_start(Run& run, const std::string& revision) {
    const auto live = run.use<Kubernetes>().get(workload_ref(run.params()));
    if (!live) return failure(live.error());
    if (!*live) return revision;
    return (**live)["spec"]["template"]["metadata"]["annotations"][kUsersAtStart].string_or(revision);
}

Result<ClusterInputs> inputs_of(Run& run) {
    const auto& parameters = run.params();
    const auto users = users_of(run.use<SecretStore>(), parameters);
    if (!users) return failure(users.error());
    const auto system = password_of(run.use<SecretStore>(), kSystemSecret);
    if (!system) return failure(system.error());
    ClusterInputs inputs{
        .context = run.session().context,
        .image =
            fleet_access::image_reference({parameters.image_registry, parameters.image_tag, parameters.image},
                                          kImageName, "v" HARMONY_VERSION),
        .server_config = server_config({parameters.jetstream_sync_interval_s, parameters.jetstream_memory_mib,
                                        parameters.jetstream_storage_mib},
                                       {"0.0.0.0:4222", "0.0.0.0:8222", "/var/lib/nats", true}),
        .users_config = users_config(*users)};
    if (inputs.users_config.size() > kLargestConfig) {
        return plugin::invalid_parameter(
            "devices", "devices: found " + std::to_string(parameters.devices.size()) + ", whose users have " +
                           std::to_string(inputs.users_config.size() / 1024) + " KiB; expected at most " +
                           std::to_string(kLargestConfig / 1024) + " KiB, which a Secret of a cluster holds");
    }
    inputs.revision = "users:" + contracts::value_hash(inputs.users_config + *system);
    inputs.system_config = system_config(*system, inputs.revision);
    auto start = users_at_start(run, inputs.revision);
    if (!start) return failure(std::move(start.error()));
    inputs.users_at_start = std::move(*start);
    return inputs;
}

}  // namespace

fleet_access::ClusterOwner cluster_owner(const NatsParameters& parameters) {
    return {.score = std::string(fleet_access::kNatsScore),
            .name_space = parameters.name_space,
            .kinds = cluster_kinds()};
}

std::vector<std::string> cluster_secrets(const NatsParameters& parameters) {
    return wanted_secrets(parameters, {kSystemSecret});
}

Result<ClusterDesired> cluster_desired(Run& run, bool restart) {
    auto inputs = inputs_of(run);
    if (!inputs) return failure(std::move(inputs.error()));
    auto storage = find_storage(run.use<Kubernetes>(), run.params());
    if (!storage) return failure(std::move(storage.error()));
    inputs->persistent = storage->persistent;
    inputs->storage_class = storage->storage_class;
    if (restart) inputs->users_at_start = inputs->revision;
    return ClusterDesired{cluster_objects(run.params(), *inputs), inputs->revision, std::move(*storage)};
}

}  // namespace harmony::fleet_nats
