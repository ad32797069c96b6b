// The data of a PodmanV0 score, as far as a structural schema can say it.
#include <string>
#include <vector>

#include "definition_parts.hpp"
#include "harmony/contracts/names.hpp"
#include "harmony/contracts/podman_v0.hpp"
#include "limits.hpp"
#include "podman_values.hpp"

namespace harmony::contracts {

namespace {

using structural::Json;
using structural::Member;
using structural::Presence;

constexpr std::string_view kPortPattern =
    "^((\\[[0-9a-fA-F:.]+\\]|[0-9.]+):)?[0-9]{1,5}:[0-9]{1,5}(/(tcp|udp))?$";
constexpr std::string_view kVolumePattern = "^/[^:,]*:/[^:,]*(:(ro|rw))?$";

// [<registry>[:<port>]/]<path>[:<tag>][@<digest>], where a registry has a dot or a port, or is localhost.
std::string image_pattern() {
    const std::string registry = "([A-Za-z0-9-]*\\.[A-Za-z0-9.-]*(:[0-9]+)?|[A-Za-z0-9.-]+:[0-9]+|localhost)";
    const std::string component = "[a-z0-9]([a-z0-9._-]*[a-z0-9])?";
    const std::string tag = "[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}";
    const std::string digest = "[a-z0-9]+:[0-9a-f]{32,}";
    return "^(" + registry + "/)?" + component + "(/" + component + ")*(:" + tag + ")?(@" + digest + ")?$";
}

std::vector<Member> container_members() {
    return {
        {"name",
         structural::text_like("Name of the container, once in a score: a DNS label.", kNamePattern,
                               kMaxServiceNameBytes),
         Presence::Required},
        {"image",
         structural::text_like("Image to run: [<registry>[:<port>]/]<path>[:<tag>][@<digest>].",
                               image_pattern(), kMaxImageBytes),
         Presence::Required},
        {"args", structural::list_of("Arguments, in place of those of the image.",
                                     structural::text("One argument.", kMaxArgBytes), kMaxContainerArgs)},
        {"env",
         structural::map_of("Environment variables by name.",
                            structural::text("Value of the variable.", kMaxEnvValueBytes), kMaxContainerEnv)},
        {"volumes",
         structural::list_of(
             "Folders and files of the device in the container: <host path>:<container path>[:ro|:rw]. Both "
             "paths are absolute and have no \"..\".",
             structural::text_like("One bind mount.", kVolumePattern, kMaxMappingBytes),
             kMaxContainerVolumes)},
    };
}

Json service_schema() {
    auto members = container_members();
    members.push_back(
        {"ports",
         structural::list_of(
             "Ports of the device that lead into the container: [<ip>:]<host port>:<container "
             "port>[/tcp|/udp], "
             "an IPv6 address in brackets. No two services of a score can have the same host port.",
             structural::text_like("One port.", kPortPattern, kMaxMappingBytes), kMaxContainerPorts)});
    members.push_back(
        {"restart_policy",
         structural::one_of("What to do when the container ends. Default: always.",
                            {to_string(RestartPolicy::Always), to_string(RestartPolicy::OnFailure),
                             to_string(RestartPolicy::No)})});
    return structural::object("A container that runs on each matching device.", members);
}

Json init_container_schema() {
    auto members = container_members();
    members.push_back(
        {"timeout", structural::whole_number("Seconds after which it has failed. Default: " +
                                                 std::to_string(kDefaultInitTimeout.count()) + ".",
                                             1, kMaxInitTimeout.count())});
    return structural::object("A container that runs to its end before any service.", members);
}

Json lifecycle_schema() {
    return structural::object(
        "How containers are stopped.",
        {{"stop_signal", structural::one_of("Signal that asks a container to end. Default: " +
                                                std::string(kDefaultStopSignal) + ".",
                                            {kStopSignals.begin(), kStopSignals.end()})},
         {"grace_period_secs", structural::whole_number("Seconds between that signal and SIGKILL. Default: " +
                                                            std::to_string(kDefaultGracePeriod.count()) + ".",
                                                        0, kMaxGracePeriod.count())}});
}

}  // namespace

Json podman_v0_schema(std::string_view description) {
    return structural::object(
        description,
        {{"services",
          structural::list_by("name", "Containers that run on each matching device, at least one.",
                              service_schema(), kMaxServices, 1),
          Presence::Required},
         {"init_containers",
          structural::list_of("Containers that run one after the other, each to its end, before any service. "
                              "They run again whenever a service's container is made anew.",
                              init_container_schema(), kMaxInitContainers)},
         {"lifecycle", lifecycle_schema()}});
}

}  // namespace harmony::contracts
