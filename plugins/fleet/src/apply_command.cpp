#include "apply_command.hpp"

#include "deployment_file.hpp"
#include "harmony/fleet_access/diagnostics.hpp"
#include "printed_values.hpp"

namespace harmony::fleet {

using plugin::Result;

namespace {

constexpr std::int64_t kDefaultTimeoutS = 300;
constexpr std::chrono::milliseconds kPollInterval{200};

bool is_observed(const contracts::Deployment& deployment, std::int64_t generation) {
    return deployment.status && deployment.status->observed_generation >= generation;
}

bool stands_with(const contracts::Deployment& deployment, std::string_view reason) {
    const auto* progressing = find_condition(deployment.status, contracts::kConditionProgressing);
    return progressing != nullptr && progressing->status == contracts::ConditionStatus::False &&
           progressing->reason == reason;
}

// The operator has seen this generation, and every matched device has answered for it.
bool is_settled(const contracts::Deployment& deployment, std::int64_t generation) {
    if (!is_observed(deployment, generation)) return false;
    if (stands_with(deployment, contracts::kReasonPaused)) return true;
    const auto& aggregate = deployment.status->aggregate;
    return aggregate.pending == 0 && aggregate.succeeded + aggregate.failed == aggregate.matched_device_count;
}

std::string counts_text(const contracts::Deployment& deployment) {
    if (!deployment.status) return "not seen by the operator yet";
    if (std::string rollout = rollout_text(deployment); !rollout.empty()) return rollout;
    const auto& aggregate = deployment.status->aggregate;
    std::string text = std::to_string(aggregate.matched_device_count) + " matched, " +
                       std::to_string(aggregate.succeeded) + " succeeded, " +
                       std::to_string(aggregate.failed) + " failed, " + std::to_string(aggregate.pending) +
                       " pending";
    if (aggregate.failed > 0 && aggregate.last_error) {
        text += " (" + aggregate.last_error->device + ": " + aggregate.last_error->message + ")";
    }
    return text;
}

Result<contracts::Deployment> wait_until_settled(ApplyCommand::Run& run, FleetSession& session,
                                                 const contracts::Deployment& applied) {
    const std::int64_t timeout_s = run.arguments().integer("wait-timeout");
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(timeout_s);
    for (;;) {
        auto current = session.api().deployment(applied.metadata.name);
        if (!current) return fleet_failure(current.error());
        if (is_settled(*current, applied.metadata.generation)) return std::move(*current);
        const std::string state = applied.metadata.name + ": " + counts_text(*current);
        if (is_observed(*current, applied.metadata.generation) &&
            stands_with(*current, contracts::kReasonRolloutHalted)) {
            return failure("fleet.halted", state,
                           "`harmony fleet deployments " + applied.metadata.name +
                               "` shows the failing devices; it goes on when they recover, with a higher "
                               "maxFailures, or with a document that works");
        }
        if (std::chrono::steady_clock::now() >= until) {
            return failure("fleet.timeout", state + " after " + std::to_string(timeout_s) + " s",
                           "`harmony fleet deployments` shows how it goes on; --wait-timeout waits longer");
        }
        run.progress(state);
        if (!run.wait(kPollInterval)) return plugin::cancelled_failure();
    }
}

// One of the file's documents; adds to the result what became of it.
Result<void> apply_one(ApplyCommand::Run& run, FleetSession& session, const contracts::Deployment& deployment,
                       CommandResult& result) {
    const bool dry_run = run.arguments().boolean("dry-run");
    const auto reply = session.api().apply(deployment, dry_run);
    if (!reply) return fleet_failure(reply.error().wrap(deployment.metadata.name));
    auto stored = reply->deployment;
    result.text +=
        "deployment/" + stored.metadata.name + " " + std::string(contracts::to_string(reply->change));
    if (dry_run) result.text += " (dry run)";
    if (run.arguments().boolean("wait") && !dry_run) {
        auto settled = wait_until_settled(run, session, stored);
        if (!settled) return failure(std::move(settled.error()));
        stored = std::move(*settled);
        result.text += ": " + counts_text(stored);
        if (stored.status->aggregate.failed > 0) result.failed = true;
    }
    result.text += "\n";
    auto document = json_of(stored);
    if (!document) return failure(std::move(document.error()));
    result.data->push_back(
        Json::object({{"change", contracts::to_string(reply->change)}, {"deployment", *document}}));
    return {};
}

}  // namespace

const plugin::CommandInfo ApplyCommand::info{
    .path = {"fleet", "apply"},
    .summary = "Create or change Deployments from a file",
    .description =
        "Reads Deployments from a YAML or JSON file with one or more documents. All of them are checked "
        "before the "
        "first is sent; a refused one names the file, the document and the field, with exit code 2. With "
        "--output "
        "json, data is a list of {change: created|configured|unchanged, deployment}.",
    .arguments =
        {{.name = "file",
          .kind = plugin::ArgumentKind::File,
          .required = true,
          .short_name = "f",
          .summary = "The file; - reads standard input"},
         {.name = "wait",
          .kind = plugin::ArgumentKind::Boolean,
          .summary = "Wait until every matched device runs it or failed; exit code 1 when one failed or the "
                     "rollout was halted",
          .default_value = false},
         {.name = "wait-timeout",
          .kind = plugin::ArgumentKind::Integer,
          .summary = "How many seconds --wait waits",
          .default_value = kDefaultTimeoutS},
         {.name = "dry-run",
          .kind = plugin::ArgumentKind::Boolean,
          .summary = "Only say what would change",
          .default_value = false}},
    .examples = {{"harmony fleet apply -f hello.yaml", "hand the Deployment to the operator"},
                 {"harmony fleet apply -f hello.yaml --wait", "and wait until its devices run it"}}};

Result<CommandResult> ApplyCommand::run(Run& run) {
    const auto file = run.arguments().file("file");
    if (!file) return plugin::invalid_parameter("file", "no file was given");
    const auto deployments = read_deployments(file->path, file->content);
    if (!deployments) return failure(fleet_access::diagnostic_of(deployments.error(), "fleet"));
    auto session = open_session(run);
    if (!session) return failure(std::move(session.error()));
    CommandResult result{.data = Json::array()};
    for (const auto& deployment : *deployments) {
        auto applied = apply_one(run, **session, deployment, result);
        if (!applied) {
            applied.error().detail = result.text;
            return failure(std::move(applied.error()));
        }
    }
    return result;
}

}  // namespace harmony::fleet
