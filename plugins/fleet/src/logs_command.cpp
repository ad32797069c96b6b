#include "logs_command.hpp"

#include "command_target.hpp"
#include "harmony/contracts/podman_v0.hpp"

namespace harmony::fleet {

using plugin::Result;

namespace {

constexpr std::int64_t kInterrupted = 130;

// The replies, as a person or a program reads them.
class PrintedLogs final : public runtime::fleet_client::LogSink {
 public:
    PrintedLogs(LogsCommand::Run& run, bool several) : run_(run), several_(several) {}

    bool take(const contracts::LogsReply& reply) override {
        if (reply.end) return print({.data = document(reply)});
        const std::string source = reply.service.value_or(reply.source);
        if (reply.lost_lines > 0) {
            say(source + ": " + std::to_string(reply.lost_lines) +
                " lines were lost: they came faster than they could be sent");
        }
        std::string text;
        for (const auto& line : reply.lines)
            text += line + "\n";
        const bool going_on =
            print({.text = std::move(text), .label = several_ ? source : "", .data = document(reply)});
        if (reply.event) say(source + ": " + words_of(*reply.event));
        return going_on;
    }

    void lost(const runtime::fleet_client::LostReplies& replies) override {
        say(std::to_string(replies.count) +
            " replies of the device were lost on the way: this program or the "
            "network is too slow");
        (void)print({.data = Json::object({{"lost_replies", replies.count}})});
    }
    void restarted() override {
        say("the device's agent was restarted: lines around now may come twice");
        (void)print({.data = Json::object({{"restarted", true}})});
    }
    bool cancelled() override { return run_.cancelled(); }

 private:
    static std::string words_of(contracts::LogsEvent event) {
        switch (event) {
            case contracts::LogsEvent::Ended:
                return "its container has ended; the next one is followed";
            case contracts::LogsEvent::Interrupted:
                return "the device's container runtime does not answer";
            case contracts::LogsEvent::Resumed:
                return "lines come again";
        }
        return {};
    }

    static Json document(const contracts::LogsReply& reply) {
        auto json = Json::parse(reply.encode());
        return json ? std::move(*json) : Json::object();
    }

    void say(const std::string& what) { (void)print({.stream = "stderr", .text = "-- " + what + "\n"}); }

    bool print(const plugin::CommandOutput& output) {
        if (!closed_ && !run_.print(output)) closed_ = true;
        return !closed_;
    }

    LogsCommand::Run& run_;
    const bool several_;
    bool closed_ = false;
};

Result<contracts::LogsRequest> request_of(const plugin::CommandArguments& arguments,
                                          const CommandTarget& target) {
    contracts::LogsRequest request;
    request.deployment = target.deployment;
    request.service = target.service;
    request.follow = arguments.boolean("follow");
    request.lines = arguments.integer("lines");
    if (request.lines < 1 || request.lines > contracts::kLogsMaxLines) {
        return plugin::invalid_parameter("lines", "--lines: found " + std::to_string(request.lines) +
                                                      ", expected 1 to " +
                                                      std::to_string(contracts::kLogsMaxLines));
    }
    if (arguments.has("since")) {
        auto since = parse_since(arguments.text("since"), contracts::Timestamp::now());
        if (!since) return failure(std::move(since.error()));
        request.since = *since;
    }
    return request;
}

// A service was named, or the score that the operator has for the deployment has one only.
bool has_several_sources(FleetSession& session, const CommandTarget& target) {
    if (target.service) return false;
    const auto deployment = session.api().deployment(target.deployment.str());
    if (!deployment) return true;
    const auto score = contracts::PodmanV0::decode(deployment->spec.score.data);
    return !score || score->services.size() != 1;
}

}  // namespace

const plugin::CommandInfo LogsCommand::info{
    .path = {"fleet", "logs"},
    .summary = "Show what a Deployment's containers write, on one device",
    .description =
        "Prints the last lines of each service, or of the one after the slash, oldest first. With --follow "
        "it "
        "goes on until Ctrl-C (exit code 130) or until the device has been gone for 15 s; a container that "
        "is "
        "restarted or replaced is followed on. What is lost on the way is said on standard error. A line of "
        "more than 16 KiB is cut and says so. Where there are several services, each line begins with its "
        "service. With --output json there is one document a line: {source, service, captured_at, lines[], "
        "truncated, ...}.",
    .arguments = {{.name = "device", .positional = true, .required = true, .summary = "The device's id"},
                  {.name = "target",
                   .positional = true,
                   .required = true,
                   .summary = "DEPLOYMENT or DEPLOYMENT/SERVICE"},
                  {.name = "follow",
                   .kind = plugin::ArgumentKind::Boolean,
                   .short_name = "f",
                   .summary = "Go on with the lines that follow",
                   .default_value = false},
                  {.name = "lines",
                   .kind = plugin::ArgumentKind::Integer,
                   .summary = "How many of each service's last lines, at most 10000",
                   .default_value = contracts::kLogsDefaultLines},
                  {.name = "since",
                   .summary = "Only lines since then: 90s, 10m, 3h, 2d, or a time such as "
                              "2026-01-31T12:00:00Z; whole seconds of the device's clock"}},
    .examples = {{"harmony fleet logs edge-north web", "the last 200 lines of each service"},
                 {"harmony fleet logs edge-north web/site -f --lines 20", "and what follows, of one service"},
                 {"harmony fleet logs edge-north web --since 10m",
                  "what was written in the last ten minutes"}},
    .streams = true};

Result<CommandResult> LogsCommand::run(Run& run) {
    auto device = contracts::DeviceId::parse(run.arguments().text("device"));
    if (!device) return plugin::invalid_parameter("device", device.error().text());
    auto target = parse_target(run.arguments().text("target"));
    if (!target) return failure(std::move(target.error()));
    const auto request = request_of(run.arguments(), *target);
    if (!request) return failure(request.error());
    auto session = open_session(run);
    if (!session) return failure(std::move(session.error()));
    PrintedLogs sink(run, has_several_sources(**session, *target));
    const auto done = (*session)->commands().logs(*device, *request, sink);
    if (!done) {
        return failure(command_problem(**session, *device, done.error(), target->deployment.str()));
    }
    CommandResult result;
    if (run.cancelled()) result.exit_code = kInterrupted;
    return result;
}

}  // namespace harmony::fleet
