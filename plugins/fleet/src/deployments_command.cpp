#include "deployments_command.hpp"

#include "printed_values.hpp"

namespace harmony::fleet {

using plugin::Result;

namespace {

constexpr std::size_t kMaxReasonBytes = 200;

Json row_of(const contracts::Deployment& deployment, contracts::Timestamp now) {
    const auto aggregate = deployment.status.value_or(contracts::DeploymentStatus{}).aggregate;
    std::string reason;
    if (deployment.metadata.deletion_timestamp) {
        reason = "being deleted";
    } else if (const std::string rollout = rollout_text(deployment); !rollout.empty()) {
        reason = rollout;
    } else if (deployment.spec.paused) {
        reason = "paused";
    }
    if (aggregate.last_error) {
        const std::string error = aggregate.last_error->device + ": " + aggregate.last_error->message;
        const bool told = reason.find(error) != std::string::npos;
        if (!told) reason += (reason.empty() ? "" : "; ") + error;
    }
    return Json::object({{"name", deployment.metadata.name},
                         {"matched", aggregate.matched_device_count},
                         {"succeeded", aggregate.succeeded},
                         {"failed", aggregate.failed},
                         {"pending", aggregate.pending},
                         {"age", age_text(deployment.metadata.creation_timestamp, now)},
                         {"reason", one_line(reason, kMaxReasonBytes)}});
}

plugin::Table conditions_table(const contracts::DeploymentStatus& status, contracts::Timestamp now) {
    plugin::Table table{.columns = {{"type", "CONDITION"},
                                    {"status", "STATUS"},
                                    {"reason", "REASON"},
                                    {"since", "SINCE"},
                                    {"message", "MESSAGE"}}};
    for (const auto& condition : status.conditions) {
        table.rows.push_back(Json::object({{"type", condition.type},
                                           {"status", contracts::to_string(condition.status)},
                                           {"reason", condition.reason},
                                           {"since", age_text(condition.last_transition_time, now)},
                                           {"message", one_line(condition.message, kMaxReasonBytes)}}));
    }
    return table;
}

plugin::Table failures_table(const contracts::DeploymentStatus& status, contracts::Timestamp now) {
    plugin::Table table{
        .columns = {{"device", "FAILING DEVICE"}, {"since", "REPORTED"}, {"message", "ERROR"}}};
    for (const auto& failure : status.failures) {
        table.rows.push_back(Json::object({{"device", failure.device},
                                           {"since", age_text(failure.at, now) + " ago"},
                                           {"message", one_line(failure.message, kMaxReasonBytes)}}));
    }
    return table;
}

std::string strategy_text(const contracts::DeploymentSpec& spec) {
    const auto* rolling = std::get_if<contracts::Rolling>(&spec.rollout);
    if (rolling == nullptr) return "all at once";
    const auto count = [](const contracts::CountOrPercent& limit) {
        return std::to_string(limit.value) + (limit.percent ? "%" : "");
    };
    return "rolling, at most " + count(rolling->max_unavailable) + " unavailable, halted above " +
           count(rolling->max_failures) + " failures";
}

// Everything about one.
Result<CommandResult> describe(const contracts::Deployment& deployment) {
    auto document = json_of(deployment);
    if (!document) return failure(std::move(document.error()));
    CommandResult result{.data = std::move(*document)};
    const auto now = contracts::Timestamp::now();
    const auto status = deployment.status.value_or(contracts::DeploymentStatus{});
    const auto& count = status.aggregate;
    result.text = "deployment/" + deployment.metadata.name + ": " +
                  std::to_string(count.matched_device_count) + " matched, " +
                  std::to_string(count.succeeded) + " succeeded, " + std::to_string(count.failed) +
                  " failed, " + std::to_string(count.pending) +
                  " pending\nstrategy: " + strategy_text(deployment.spec) +
                  (deployment.spec.paused ? "; paused" : "") + "\n";
    if (status.rollout) {
        result.text += "rollout: " + std::to_string(status.rollout->updated) + " of " +
                       std::to_string(count.matched_device_count) + " updated, " +
                       std::to_string(status.rollout->unavailable) + " unavailable\n";
    }
    if (status.observed_generation < deployment.metadata.generation)
        result.text += "the operator has not looked at the latest change yet\n";
    if (!status.conditions.empty()) result.tables.push_back(conditions_table(status, now));
    if (!status.failures.empty()) result.tables.push_back(failures_table(status, now));
    return result;
}

}  // namespace

const plugin::CommandInfo DeploymentsCommand::info{
    .path = {"fleet", "deployments"},
    .summary = "List Deployments and how many devices run them, or show one",
    .description =
        "Shows for every Deployment how many devices its selector matches, on how many it runs, failed "
        "or is still to come, how a rollout goes, and the last error with its device. With a NAME: that "
        "one's "
        "conditions, rollout and failing devices. With --output json, data is the list of Deployment "
        "documents (kind, metadata, spec, status), or the one document.",
    .arguments = {{.name = "name", .positional = true, .summary = "Show this Deployment alone"}},
    .examples = {{"harmony fleet deployments", "what is deployed, and how far it is"},
                 {"harmony fleet deployments web", "why it is as it is"},
                 {"harmony fleet deployments --output json", "the Deployment documents"}}};

Result<CommandResult> DeploymentsCommand::run(Run& run) {
    auto session = open_session(run);
    if (!session) return failure(std::move(session.error()));
    if (const std::string name = run.arguments().text("name"); !name.empty()) {
        const auto deployment = (*session)->api().deployment(name);
        if (!deployment) return fleet_failure(deployment.error());
        return describe(*deployment);
    }
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
