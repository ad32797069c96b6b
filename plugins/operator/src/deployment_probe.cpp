#include "deployment_probe.hpp"

#include "fleet_operator_score.hpp"
#include "harmony/contracts/resources.hpp"
#include "harmony/fleet_access/kubernetes_objects.hpp"

namespace harmony::fleet_operator {

using plugin::Check;
using plugin::failure;
using plugin::Json;
using plugin::Kubernetes;
using plugin::KubernetesRef;
using plugin::Result;

namespace {

constexpr const char* kProbe = "harmony-probe";
constexpr const char* kProbeLabel = "io.nationtech.harmony/probe";
constexpr std::chrono::milliseconds kPollInterval{50};

// No device publishes this label.
Json probe(const std::string& name_space) {
    const Json service = Json::object({{"name", "probe"}, {"image", "localhost/harmony/probe"}});
    const Json score =
        Json::object({{"type", "PodmanV0"}, {"data", Json::object({{"services", Json::array({service})}})}});
    const Json selector = Json::object({{"matchLabels", Json::object({{kProbeLabel, "nobody"}})}});
    return Json::object({{"apiVersion", contracts::kApiVersion},
                         {"kind", contracts::kDeploymentKind},
                         {"metadata", Json::object({{"name", kProbe}, {"namespace", name_space}})},
                         {"spec", Json::object({{"targetSelector", selector}, {"score", score}})}});
}

bool taken_up(const Json& object) {
    const Json& metadata = object["metadata"];
    bool held = false;
    for (const Json& finalizer : metadata["finalizers"].items())
        held = held || finalizer == Json(contracts::kFinalizer);
    const Json& observed = object["status"]["observedGeneration"];
    return held && observed.is_integer() && observed == metadata["generation"];
}

Result<bool> await_taken_up(plugin::Call& call, Kubernetes& cluster, const KubernetesRef& ref,
                            std::chrono::seconds timeout) {
    const auto end = std::chrono::steady_clock::now() + timeout;
    while (true) {
        const auto found = cluster.get(ref);
        if (!found) return failure(found.error());
        if (*found && taken_up(**found)) return true;
        if (std::chrono::steady_clock::now() >= end) return false;
        if (!call.wait(kPollInterval)) return plugin::cancelled_failure();
    }
}

}  // namespace

Result<Check> probe_deployment(plugin::Call& call, Kubernetes& cluster, const std::string& name_space,
                               int timeout_s) {
    Check check{.name = "a Deployment is taken up and released"};
    const Json object = probe(name_space);
    const KubernetesRef ref = fleet_access::ref_of(object);
    // In the background: the cluster's garbage collector learns of a new kind only after half a minute.
    const plugin::KubernetesRemoval removal{
        .ref = ref, .propagation = plugin::KubernetesPropagation::Background, .timeout_s = timeout_s};
    // One that an interrupted test has left.
    if (auto cleared = cluster.remove(removal); !cleared) return failure(std::move(cleared.error()));
    auto applied = cluster.apply(
        {.objects = {object},
         .owner = {.score = FleetOperatorScore::info.name, .part_of = fleet_access::kFleetPart}});
    if (!applied) return failure(std::move(applied.error()));
    const auto taken = await_taken_up(call, cluster, ref, std::chrono::seconds(timeout_s));
    const auto removed = cluster.remove(removal);
    if (!taken) return failure(taken.error());
    if (!*taken) {
        check.detail = "the operator did not take up Deployment " + std::string(kProbe) + " in namespace " +
                       name_space + " within " + std::to_string(timeout_s) + " s";
    } else if (!removed) {
        check.detail = removed.error().summary;
    } else {
        check.ok = true;
    }
    return check;
}

}  // namespace harmony::fleet_operator
