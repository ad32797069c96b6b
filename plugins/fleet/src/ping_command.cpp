#include "ping_command.hpp"

#include <cstdio>

#include "harmony/fleet_access/diagnostics.hpp"
#include "printed_values.hpp"

namespace harmony::fleet {

using plugin::Result;

namespace {

void ping_one(FleetSession& session, const contracts::DeviceId& device, CommandResult& result,
              plugin::Table& table) {
    const auto start = std::chrono::steady_clock::now();
    const auto reply = session.commands().ping(device);
    const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - start;
    Json answer = Json::object({{"device_id", device.str()}, {"round_trip_ms", took.count()}});
    Json row = Json::object({{"device", device.str()}});
    if (reply) {
        answer["agent_version"] = reply->agent_version;
        answer["uptime_s"] = reply->uptime_s;
        row["version"] = reply->agent_version;
        row["uptime"] = std::to_string(reply->uptime_s) + "s";
        char text[32];
        std::snprintf(text, sizeof text, "%.1f ms", took.count());
        row["round_trip"] = text;
    } else {
        const auto kind = std::string(contracts::to_string(reply.error().kind));
        answer["error"] = Json::object({{"kind", kind}, {"message", reply.error().message}});
        row["error"] = reply.error().text();
        result.failed = true;
    }
    result.data->push_back(std::move(answer));
    table.rows.push_back(std::move(row));
}

}  // namespace

const plugin::CommandInfo PingCommand::info{
    .path = {"fleet", "ping"},
    .summary = "Ask agents whether they are there",
    .description =
        "Each device answers with its agent's version and uptime. Exit code 1 when one does not: "
        "DeviceOffline comes at once, Timeout after 5 s. With --output json, data is a list of {device_id, "
        "round_trip_ms} with {agent_version, uptime_s} or error {kind, message}.",
    .arguments = {{.name = "device",
                   .positional = true,
                   .required = true,
                   .repeated = true,
                   .summary = "Ids of devices"}},
    .examples = {{"harmony fleet ping edge-north", "the agent's version and uptime"}}};

Result<CommandResult> PingCommand::run(Run& run) {
    std::vector<contracts::DeviceId> devices;
    for (const auto& text : run.arguments().texts("device")) {
        auto device = contracts::DeviceId::parse(text);
        if (!device) return plugin::invalid_parameter("device", device.error().text());
        devices.push_back(std::move(*device));
    }
    auto session = open_session(run);
    if (!session) return failure(std::move(session.error()));
    CommandResult result{.data = Json::array()};
    plugin::Table table{.columns = {{"device", "DEVICE"},
                                    {"version", "VERSION"},
                                    {"uptime", "UPTIME"},
                                    {"round_trip", "ROUND TRIP"}}};
    for (const auto& device : devices) {
        if (run.cancelled()) return plugin::cancelled_failure();
        ping_one(**session, device, result, table);
    }
    if (result.failed) table.columns.push_back({"error", "ERROR"});
    result.tables.push_back(std::move(table));
    return result;
}

}  // namespace harmony::fleet
