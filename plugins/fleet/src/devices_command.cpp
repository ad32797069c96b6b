#include "devices_command.hpp"

#include "printed_values.hpp"

namespace harmony::fleet {

using plugin::Result;

namespace {

constexpr std::size_t kMaxKeyBytes = 100;
constexpr std::size_t kMaxMessageBytes = 200;

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

// What a person should know beside the table.
std::string remarks(const std::vector<contracts::Device>& devices,
                    const contracts::FleetStatusReply& status) {
    std::string text;
    for (const auto& device : devices) {
        if (!device.status) continue;
        for (const auto& condition : device.status->conditions) {
            if (condition.type == contracts::kConditionInfoAccepted)
                text += device.metadata.name + ": its information was refused: " + condition.message + "\n";
        }
    }
    if (status.ignored_count == 0) return text;
    text += "Entries of the buckets that are ignored: " + std::to_string(status.ignored_count) + "\n";
    for (const auto& entry : status.ignored_entries)
        text += "  " + entry.bucket + " " + one_line(entry.key, kMaxKeyBytes) + ": " +
                one_line(entry.message, kMaxMessageBytes) + "\n";
    return text;
}

}  // namespace

const plugin::CommandInfo DevicesCommand::info{
    .path = {"fleet", "devices"},
    .summary = "List the fleet's devices",
    .description =
        "Shows every device that the operator knows, and entries of the buckets that it cannot use. With "
        "--output json, data is the list of Device "
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
    const auto status = (*session)->api().status();
    if (!status) return fleet_failure(status.error());
    if (const std::string text = remarks(*devices, *status); !text.empty())
        result.text += (result.text.empty() ? "" : "\n") + text;
    return result;
}

}  // namespace harmony::fleet
