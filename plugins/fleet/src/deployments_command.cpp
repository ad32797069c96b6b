#include "deployments_command.hpp"

#include "printed_values.hpp"

namespace harmony::fleet {

using plugin::CommandResult;
using plugin::failure;
using plugin::Json;
using plugin::Result;

namespace {

constexpr std::size_t kMaxReasonBytes = 200;

Json row_of(const contracts::Deployment& deployment, contracts::Timestamp now) {
    const auto aggregate = deployment.status.value_or(contracts::DeploymentStatus{}).aggregate;
    std::string reason;
    if (deployment.metadata.deletion_timestamp) {
        reason = "being deleted";
    } else if (deployment.spec.paused) {
        reason = "paused";
    }
    if (aggregate.last_error) {
        if (!reason.empty()) reason += "; ";
        reason += aggregate.last_error->device + ": " + aggregate.last_error->message;
    }
    return Json::object({{"name", deployment.metadata.name},
                         {"matched", aggregate.matched_device_count},
                         {"succeeded", aggregate.succeeded},
                         {"failed", aggregate.failed},
                         {"pending", aggregate.pending},
                         {"age", age_text(deployment.metadata.creation_timestamp, now)},
                         {"reason", one_line(reason, kMaxReasonBytes)}});
}

}  // namespace

const plugin::CommandInfo DeploymentsCommand::info{
    .path = {"fleet", "deployments"},
    .summary = "List Deployments and how many devices run them",
    .description =
        "Shows for every Deployment how many devices its selector matches, on how many it runs, failed "
        "or is still to come, and the last error with its device. With --output json, data is the list of "
        "Deployment documents (kind, metadata, spec, status).",
    .examples = {{"harmony fleet deployments", "what is deployed, and how far it is"},
                 {"harmony fleet deployments --output json", "the Deployment documents"}}};

Result<CommandResult> DeploymentsCommand::run(Run& run) {
    auto session = open_session(run);
    if (!session) return failure(std::move(session.error()));
    const auto deployments = (*session)->api().all_deployments();
    if (!deployments) return fleet_failure(deployments.error());
    CommandResult result{.data = Json::array()};
    plugin::Table table{.columns = {{"name", "NAME"},
                                    {"matched", "MATCHED"},
                                    {"succeeded", "SUCCEEDED"},
                                    {"failed", "FAILED"},
                                    {"pending", "PENDING"},
                                    {"age", "AGE"},
                                    {"reason", "REASON"}}};
    const auto now = contracts::Timestamp::now();
    for (const auto& deployment : *deployments) {
        auto document = json_of(deployment);
        if (!document) return failure(std::move(document.error()));
        result.data->push_back(std::move(*document));
        table.rows.push_back(row_of(deployment, now));
    }
    if (table.rows.empty()) {
        result.text = "Nothing is deployed. `harmony fleet apply -f FILE` deploys something.";
    } else {
        result.tables.push_back(std::move(table));
    }
    return result;
}

}  // namespace harmony::fleet
