#include "devices_command.hpp"

#include "printed_values.hpp"

namespace harmony::fleet {

using plugin::CommandResult;
using plugin::failure;
using plugin::Json;
using plugin::Result;

namespace {

Json row_of(const contracts::Device& device, contracts::Timestamp now) {
    const auto status = device.status.value_or(contracts::DeviceStatus{});
    std::string runtime = "-";
    if (device.inventory && !device.inventory->runtime.empty()) {
        runtime = device.inventory->runtime + " " + device.inventory->runtime_version;
    }
    return Json::object(
        {{"id", device.metadata.name},
         {"online", status.online ? "yes" : "no"},
         {"labels", labels_text(device.metadata.labels)},
         {"agent", status.agent_version.empty() ? "-" : status.agent_version},
         {"runtime", runtime},
         {"heartbeat", status.last_heartbeat ? age_text(*status.last_heartbeat, now) + " ago" : "-"}});
}

}  // namespace

const plugin::CommandInfo DevicesCommand::info{
    .path = {"fleet", "devices"},
    .summary = "List the fleet's devices",
    .description =
        "Shows every device that the operator knows. With --output json, data is the list of Device "
        "documents (kind, metadata, spec, status).",
    .examples = {{"harmony fleet devices", "who is there, and since when it was last heard of"},
                 {"harmony fleet devices --output json", "the Device documents"}}};

Result<CommandResult> DevicesCommand::run(Run& run) {
    auto session = open_session(run);
    if (!session) return failure(std::move(session.error()));
    const auto devices = (*session)->api().all_devices();
    if (!devices) return fleet_failure(devices.error());
    CommandResult result{.data = Json::array()};
    plugin::Table table{.columns = {{"id", "ID"},
                                    {"online", "ONLINE"},
                                    {"labels", "LABELS"},
                                    {"agent", "AGENT"},
                                    {"runtime", "RUNTIME"},
                                    {"heartbeat", "LAST HEARTBEAT"}}};
    const auto now = contracts::Timestamp::now();
    for (const auto& device : *devices) {
        auto document = json_of(device);
        if (!document) return failure(std::move(document.error()));
        result.data->push_back(std::move(*document));
        table.rows.push_back(row_of(device, now));
    }
    if (table.rows.empty()) {
        result.text = "No device has reported yet.";
    } else {
        result.tables.push_back(std::move(table));
    }
    return result;
}

}  // namespace harmony::fleet
