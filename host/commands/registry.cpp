#include "host/commands/registry.hpp"

#include <iterator>

namespace harmony::host {

std::vector<CommandSpec> built_in_commands() {
    std::vector<CommandSpec> commands = {apply_command(), plan_command(), destroy_command(), status_command(),
                                         chart_command()};
    auto add = [&](std::vector<CommandSpec> group) {
        std::move(group.begin(), group.end(), std::back_inserter(commands));
    };
    add(scores_commands());
    add(topologies_commands());
    add(plugins_commands());
    add(context_commands());
    commands.push_back(config_explain_command());
    add(e2e_commands());
    commands.push_back(doctor_command());
    commands.push_back(completion_command());
    commands.push_back(version_command());
    return commands;
}

}  // namespace harmony::host
