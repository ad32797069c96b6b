#include "exec_command.hpp"

#include "command_target.hpp"

namespace harmony::fleet {

using plugin::Result;

namespace {

// As ssh has it: the command's own code otherwise.
constexpr std::int32_t kNotRun = 255;

Result<contracts::ExecRequest> request_of(const plugin::CommandArguments& arguments) {
    contracts::ExecRequest request;
    request.host = arguments.boolean("host");
    request.argv = arguments.texts("argv");
    const std::string target = arguments.text("target");
    if (request.host) {
        // There is no target then: the first word is the program.
        if (!target.empty()) request.argv.insert(request.argv.begin(), target);
    } else {
        if (target.empty()) {
            return plugin::invalid_parameter("target",
                                             "harmony fleet exec needs DEPLOYMENT[/SERVICE], or --host");
        }
        auto parsed = parse_target(target);
        if (!parsed) return failure(std::move(parsed.error()));
        request.deployment = std::move(parsed->deployment);
        request.service = std::move(parsed->service);
    }
    if (request.argv.empty()) {
        return plugin::invalid_parameter("argv", "there is no command to run",
                                         "it follows after --, as in -- ls -l");
    }
    if (auto valid = contracts::ExecRequest::decode(request.encode()); !valid) {
        return plugin::invalid_parameter("argv", valid.error().text());
    }
    return request;
}

// A wrong configuration is one for exec, too.
plugin::Diagnostic not_run(plugin::Diagnostic diagnostic) {
    if (diagnostic.status != HP_E_INVALID) diagnostic.exit_code = kNotRun;
    return diagnostic;
}

}  // namespace

const plugin::CommandInfo ExecCommand::info{
    .path = {"fleet", "exec"},
    .summary = "Run a command on one device",
    .description =
        "Runs a program in the container of a Deployment's service, or with --host on the device itself, "
        "where "
        "its own configuration allows that. No shell takes part: for one, run it, as in -- sh -c '...'. "
        "There is "
        "no standard input. After 25 s the program is killed; of each stream 256 KiB are kept. Standard "
        "output "
        "and standard error go where they belong, and the exit code is the program's own; 255 where it could "
        "not "
        "be run or its end is not known. Every command is written into the device's audit log, with its "
        "arguments: keep secrets out of them. With --output json, data is {exit_code, stdout, stderr, "
        "truncated}.",
    .arguments = {{.name = "device", .positional = true, .required = true, .summary = "The device's id"},
                  {.name = "target",
                   .positional = true,
                   .summary = "DEPLOYMENT or DEPLOYMENT/SERVICE; none with --host"},
                  {.name = "argv",
                   .positional = true,
                   .repeated = true,
                   .summary = "After --: the program and its arguments"},
                  {.name = "host",
                   .kind = plugin::ArgumentKind::Boolean,
                   .summary = "Run it on the device itself",
                   .default_value = false}},
    .examples = {
        {"harmony fleet exec edge-north web -- ls -l /data", "in the Deployment's only service"},
        {"harmony fleet exec edge-north web/site -- sh -c 'echo $PATH'", "in one of several, with a shell"},
        {"harmony fleet exec edge-north --host -- uptime", "on the device itself"}}};

Result<CommandResult> ExecCommand::run(Run& run) {
    auto device = contracts::DeviceId::parse(run.arguments().text("device"));
    if (!device) return plugin::invalid_parameter("device", device.error().text());
    const auto request = request_of(run.arguments());
    if (!request) return failure(request.error());
    auto session = open_session(run);
    if (!session) return failure(not_run(std::move(session.error())));
    const auto reply = (*session)->commands().exec(*device, *request);
    if (!reply) {
        const std::string deployment = request->deployment ? request->deployment->str() : "";
        return failure(not_run(command_problem(**session, *device, reply.error(), deployment)));
    }
    // Whoever reads may have gone; the exit code stands all the same.
    (void)run.print({.text = reply->standard_output});
    (void)run.print({.stream = "stderr", .text = reply->standard_error});
    if (reply->truncated) {
        (void)run.print(
            {.stream = "stderr",
             .text = "-- the output is not complete: a device sends at most 256 KiB of each stream\n"});
    }
    CommandResult result;
    result.data = Json::object({{"exit_code", reply->exit_code},
                                {"stdout", reply->standard_output},
                                {"stderr", reply->standard_error},
                                {"truncated", reply->truncated}});
    result.exit_code = reply->exit_code >= 0 && reply->exit_code < 256 ? reply->exit_code : kNotRun;
    return result;
}

}  // namespace harmony::fleet
