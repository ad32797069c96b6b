#include "pause_command.hpp"

#include "printed_values.hpp"

namespace harmony::fleet {

using plugin::Result;

namespace {

constexpr int kAttempts = 5;  // somebody else may change the document at the same time

// True: it was the other way before.
Result<bool> set_paused(FleetSession& session, const std::string& name, bool paused) {
    for (int attempt = 1;; ++attempt) {
        auto document = session.api().deployment(name);
        if (!document) return fleet_failure(document.error());
        if (document->spec.paused == paused) return false;
        document->spec.paused = paused;
        document->status.reset();
        const auto applied = session.api().apply(*document);
        if (applied) return true;
        if (applied.error().kind() != ErrorKind::Conflict || attempt == kAttempts)
            return fleet_failure(applied.error().wrap(name));
    }
}

Result<CommandResult> set_all(FleetCommand::Run& run, bool paused) {
    auto session = open_session(run);
    if (!session) return failure(std::move(session.error()));
    CommandResult result{.data = Json::array()};
    for (const auto& name : run.arguments().texts("name")) {
        const auto changed = set_paused(**session, name, paused);
        if (!changed) {
            auto error = changed.error();
            error.detail = result.text;
            return failure(std::move(error));
        }
        const std::string state = paused ? "paused" : "resumed";
        const std::string already = paused ? "was paused already" : "was not paused";
        result.text += "deployment/" + name + " " + (*changed ? state : already) + "\n";
        result.data->push_back(Json::object({{"name", name}, {"paused", paused}, {"changed", *changed}}));
    }
    return result;
}

plugin::CommandArgument names() {
    return {.name = "name",
            .positional = true,
            .required = true,
            .repeated = true,
            .summary = "Names of Deployments"};
}

}  // namespace

const plugin::CommandInfo PauseCommand::info{
    .path = {"fleet", "pause"},
    .summary = "Stop the rollouts of Deployments where they are",
    .description =
        "Sets spec.paused. No further device is updated, and devices that have been keep what they were "
        "given; "
        "a changed document waits too. With --output json, data is a list of {name, paused, changed}.",
    .arguments = {names()},
    .examples = {{"harmony fleet pause web", "update no further device"}}};

Result<CommandResult> PauseCommand::run(Run& run) {
    return set_all(run, true);
}

const plugin::CommandInfo ResumeCommand::info{
    .path = {"fleet", "resume"},
    .summary = "Let the rollouts of Deployments go on",
    .description =
        "Takes spec.paused back: the fleet moves on to the document as it is now. With --output json, data "
        "is a "
        "list of {name, paused, changed}.",
    .arguments = {names()},
    .examples = {{"harmony fleet resume web", "go on where `harmony fleet pause web` stopped it"}}};

Result<CommandResult> ResumeCommand::run(Run& run) {
    return set_all(run, false);
}

}  // namespace harmony::fleet
