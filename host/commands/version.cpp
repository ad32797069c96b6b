#include <harmony/plugin.h>

#include <ostream>

#include "host/cli/application.hpp"
#include "host/cli/version.hpp"
#include "host/commands/registry.hpp"

namespace harmony::host {

CommandSpec version_command() {
    CommandSpec command;
    command.path = {"version"};
    command.summary = "Show the version, and which plugins this host can load";
    command.examples = {{"harmony version", ""}};
    command.run = [](Application& application, const ParsedArguments&) -> Outcome<ExitCode> {
        const nlohmann::json levels = {{"min", HP_LEVEL_MIN}, {"max", HP_LEVEL_MAX}};
        if (application.print_json("version/1", {{"generation", HP_GENERATION}, {"levels", levels}}))
            return ExitCode::Ok;
        application.streams().out << "harmony " << kVersion << "\nplugin generation " << HP_GENERATION
                                  << ", levels " << HP_LEVEL_MIN << " to " << HP_LEVEL_MAX << "\n";
        return ExitCode::Ok;
    };
    return command;
}

}  // namespace harmony::host
