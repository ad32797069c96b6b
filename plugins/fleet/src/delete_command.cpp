#include "delete_command.hpp"

#include "printed_values.hpp"

namespace harmony::fleet {

using plugin::Result;

namespace {

constexpr std::int64_t kDefaultTimeoutS = 120;
constexpr std::chrono::milliseconds kPollInterval{200};

Result<void> wait_until_gone(DeleteCommand::Run& run, FleetSession& session, const std::string& name) {
    const std::int64_t timeout_s = run.arguments().integer("wait-timeout");
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(timeout_s);
    for (;;) {
        const auto current = session.api().deployment(name);
        if (!current && current.error().kind() == ErrorKind::NotFound) return {};
        if (!current) return fleet_failure(current.error());
        if (std::chrono::steady_clock::now() >= until) {
            return failure(
                "fleet.timeout",
                "the Deployment " + name + " is still being deleted after " + std::to_string(timeout_s) +
                    " s",
                "a device that is offline holds it back; `harmony fleet devices` shows which one is");
        }
        run.progress("waiting until the devices let go of " + name);
        if (!run.wait(kPollInterval)) return plugin::cancelled_failure();
    }
}

}  // namespace

const plugin::CommandInfo DeleteCommand::info{
    .path = {"fleet", "delete"},
    .summary = "Delete Deployments",
    .description =
        "The operator withdraws each Deployment from its devices, then forgets it; the command waits for "
        "that. With --output json, data is a list of {name, gone}.",
    .arguments = {{.name = "name",
                   .positional = true,
                   .required = true,
                   .repeated = true,
                   .summary = "Names of Deployments"},
                  {.name = "no-wait",
                   .kind = plugin::ArgumentKind::Boolean,
                   .summary = "Return once the operator has taken the request",
                   .default_value = false},
                  {.name = "wait-timeout",
                   .kind = plugin::ArgumentKind::Integer,
                   .summary = "How many seconds to wait",
                   .default_value = kDefaultTimeoutS}},
    .examples = {{"harmony fleet delete hello", "delete it and wait until its containers may go"}}};

Result<CommandResult> DeleteCommand::run(Run& run) {
    auto session = open_session(run);
    if (!session) return failure(std::move(session.error()));
    CommandResult result{.data = Json::array()};
    // All are asked for before the first is waited for, so that their devices work side by side.
    std::vector<contracts::DeleteReply> replies;
    for (const auto& name : run.arguments().texts("name")) {
        auto reply = (*session)->api().delete_deployment(name);
        if (!reply) return fleet_failure(reply.error());
        replies.push_back(std::move(*reply));
    }
    for (const auto& reply : replies) {
        bool gone = !reply.pending;
        if (!gone && !run.arguments().boolean("no-wait")) {
            if (auto waited = wait_until_gone(run, **session, reply.name); !waited) {
                return failure(std::move(waited.error()));
            }
            gone = true;
        }
        result.text += "deployment/" + reply.name + (gone ? " deleted\n" : " is being deleted\n");
        result.data->push_back(Json::object({{"name", reply.name}, {"gone", gone}}));
    }
    return result;
}

}  // namespace harmony::fleet
