#include "harmony/contracts/device_info.hpp"

#include "codecs.hpp"

namespace harmony::contracts {

namespace {

void read_inventory(const Field& field, Inventory& out) {
    const auto text = [&](std::string_view key, std::string& target) {
        field.required(key).text(target, 0, kMaxInventoryTextBytes);
    };
    text("hostname", out.hostname);
    text("architecture", out.architecture);
    text("operating_system", out.operating_system);
    text("kernel", out.kernel);
    field.required("cpu_cores").integer(out.cpu_cores, 0, INT64_MAX);
    field.required("memory_bytes").integer(out.memory_bytes, 0, INT64_MAX);
    field.required("disk_bytes").integer(out.disk_bytes, 0, INT64_MAX);
    text("runtime", out.runtime);
    text("runtime_version", out.runtime_version);
    field.required("addresses").texts(out.addresses, kMaxAddresses, kMaxInventoryTextBytes);
}

void read_info(const Field& root, DeviceInfo& out) {
    root.required("device_id").name(out.device_id);
    root.required("labels").labels(out.labels);
    if (const auto inventory = root.optional("inventory"); inventory.object()) {
        read_inventory(inventory, out.inventory.emplace());
    }
    root.required("agent_version").text(out.agent_version, 1, kMaxAgentVersionBytes);
    root.required("updated_at").timestamp(out.updated_at);
}

}  // namespace

Result<DeviceInfo> DeviceInfo::decode(std::string_view json) {
    return decode_document<DeviceInfo>(json, kMaxDeviceInfoBytes, read_info);
}

std::string DeviceInfo::encode() const {
    Json result{{"device_id", device_id.str()},
                {"labels", labels},
                {"inventory", nullptr},
                {"agent_version", agent_version},
                {"updated_at", updated_at.format()}};
    if (inventory) {
        result["inventory"] = Json{{"hostname", inventory->hostname},
                                   {"architecture", inventory->architecture},
                                   {"operating_system", inventory->operating_system},
                                   {"kernel", inventory->kernel},
                                   {"cpu_cores", inventory->cpu_cores},
                                   {"memory_bytes", inventory->memory_bytes},
                                   {"disk_bytes", inventory->disk_bytes},
                                   {"runtime", inventory->runtime},
                                   {"runtime_version", inventory->runtime_version},
                                   {"addresses", inventory->addresses}};
    }
    return dump_canonical(result);
}

bool DeviceInfo::same_content(const DeviceInfo& other) const {
    return device_id == other.device_id && labels == other.labels && inventory == other.inventory &&
           agent_version == other.agent_version;
}

}  // namespace harmony::contracts
