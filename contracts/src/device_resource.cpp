#include "codecs.hpp"

namespace harmony::contracts {

namespace {

void read_inventory(const Field& field, Inventory& out) {
    const auto text = [&](std::string_view key, std::string& target) {
        field.optional(key).text(target, 0, kMaxInventoryTextBytes);
    };
    text("hostname", out.hostname);
    text("architecture", out.architecture);
    text("operatingSystem", out.operating_system);
    text("kernel", out.kernel);
    field.optional("cpuCores").integer(out.cpu_cores, 0, INT64_MAX);
    field.optional("memoryBytes").integer(out.memory_bytes, 0, INT64_MAX);
    field.optional("diskBytes").integer(out.disk_bytes, 0, INT64_MAX);
    text("runtime", out.runtime);
    text("runtimeVersion", out.runtime_version);
    field.optional("addresses").texts(out.addresses, kMaxAddresses, kMaxInventoryTextBytes);
}

Json write_inventory(const std::optional<Inventory>& inventory) {
    if (!inventory) return nullptr;
    return {{"hostname", inventory->hostname},
            {"architecture", inventory->architecture},
            {"operatingSystem", inventory->operating_system},
            {"kernel", inventory->kernel},
            {"cpuCores", inventory->cpu_cores},
            {"memoryBytes", inventory->memory_bytes},
            {"diskBytes", inventory->disk_bytes},
            {"runtime", inventory->runtime},
            {"runtimeVersion", inventory->runtime_version},
            {"addresses", inventory->addresses}};
}

void read_status(const Field& field, DeviceStatus& out) {
    field.optional("online").boolean(out.online);
    field.optional("lastHeartbeat").timestamp(out.last_heartbeat);
    field.optional("agentVersion").text(out.agent_version, 0, kMaxAgentVersionBytes);
    read_conditions(field.optional("conditions"), out.conditions);
}

Json write_status(const DeviceStatus& status) {
    Json result{{"online", status.online},
                {"lastHeartbeat", nullptr},
                {"agentVersion", status.agent_version},
                {"conditions", write_conditions(status.conditions)}};
    if (status.last_heartbeat) result["lastHeartbeat"] = status.last_heartbeat->format();
    return result;
}

}  // namespace

void read_device(const Field& field, Device& out) {
    if (!field.object()) return;
    require_type(field, kDeviceKind);
    const auto metadata = field.required("metadata");
    read_metadata(metadata, out.metadata);
    DeviceId checked;
    metadata.required("name").name(checked);
    if (const auto name_space = metadata.optional("namespace"); name_space.present()) {
        name_space.reject("none: a Device belongs to no namespace");
    }
    const auto spec = field.required("spec");
    if (spec.object()) {
        if (const auto inventory = spec.optional("inventory"); inventory.object()) {
            read_inventory(inventory, out.inventory.emplace());
        }
    }
    if (const auto status = field.optional("status"); status.object())
        read_status(status, out.status.emplace());
}

Json write_device(const Device& device) {
    Json result{{"apiVersion", kApiVersion},
                {"kind", kDeviceKind},
                {"metadata", write_metadata(device.metadata)},
                {"spec", {{"inventory", write_inventory(device.inventory)}}}};
    if (device.status) result["status"] = write_status(*device.status);
    return result;
}

Result<Device> Device::decode(std::string_view json) {
    return decode_document<Device>(json, kMaxResourceBytes, read_device);
}

std::string Device::encode() const {
    return dump_canonical(write_device(*this));
}

}  // namespace harmony::contracts
