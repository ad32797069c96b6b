#include <utility>

#include "definition_parts.hpp"
#include "harmony/contracts/device_info.hpp"
#include "harmony/contracts/resource_definitions.hpp"
#include "harmony/contracts/resources.hpp"

namespace harmony::contracts {

namespace {

using structural::Json;
using structural::Presence;

Json inventory_schema() {
    const auto text = [](std::string_view description) {
        return structural::text(description, kMaxInventoryTextBytes);
    };
    return structural::nullable(structural::object(
        "What the device is made of, as its agent found it: hostname, architecture, operatingSystem, kernel, "
        "cpuCores, memoryBytes, diskBytes, runtime, runtimeVersion and addresses. Null where the agent did "
        "not say.",
        {{"hostname", text("Host name.")},
         {"architecture", text("Architecture of the processor, as `uname -m` names it.")},
         {"operatingSystem", text("Operating system, such as \"Debian GNU/Linux 12 (bookworm)\".")},
         {"kernel", text("Release of the kernel.")},
         {"cpuCores", structural::whole_number("Number of processor cores.", 0)},
         {"memoryBytes", structural::whole_number("Size of the memory.", 0)},
         {"diskBytes", structural::whole_number("Size of the file system that holds containers.", 0)},
         {"runtime",
          text("Container runtime, such as \"podman\"; empty where the device runs no containers.")},
         {"runtimeVersion", text("Version of the container runtime; empty where it is unknown.")},
         {"addresses", structural::list_of("Network addresses.", text("One address."), kMaxAddresses)}}));
}

Json spec_schema() {
    return structural::object("What the device says about itself.", {{"inventory", inventory_schema()}});
}

Json status_schema() {
    return structural::object(
        "What the operator has seen of the device.",
        {{"online", structural::boolean("Whether its heartbeat is fresh.")},
         {"lastHeartbeat",
          structural::nullable(structural::time(
              "When a heartbeat was last seen, by the operator's clock. Written when the device goes online "
              "or "
              "offline and from time to time between; the larger the fleet, the less often."))},
         {"agentVersion", structural::text("Version of its agent.", kMaxAgentVersionBytes)},
         {"conditions",
          conditions_schema(
              "Online: as above. InfoAccepted: whether the latest information of its agent keeps "
              "to the contract. LabelsAccepted: whether every label could be taken over. "
              "ResourceCurrent: whether labels and inventory here are those of the device. "
              "Registered: whether the fleet has this device.")}});
}

std::vector<PrinterColumn> columns() {
    return {
        {"Online", "boolean", ".status.online", "Whether its heartbeat is fresh."},
        {"Last Heartbeat", "date", ".status.lastHeartbeat",
         "Time since the last heartbeat that was written down here."},
        {"Agent", "string", ".status.agentVersion", "Version of its agent."},
        {"Runtime", "string", ".spec.inventory.runtime", "Container runtime."},
        {"Age", "date", ".metadata.creationTimestamp", "Time since the device was registered here."},
        {"Runtime Version", "string", ".spec.inventory.runtimeVersion", "Version of the runtime.", true},
        {"Architecture", "string", ".spec.inventory.architecture", "Architecture of the processor.", true},
        {"Operating System", "string", ".spec.inventory.operatingSystem", "Operating system.", true},
        {"Addresses", "string", ".spec.inventory.addresses", "Network addresses.", true},
    };
}

}  // namespace

Json device_definition() {
    return make_definition(
        {kDeviceKind, kDevicePlural, "device", kDeviceShortName, false},
        "Device is one device of a fleet. The operator writes it from what the device's agent publishes; its "
        "labels are what a Deployment's targetSelector matches.",
        {{"spec", spec_schema(), Presence::Required}, {"status", status_schema()}}, columns());
}

}  // namespace harmony::contracts
