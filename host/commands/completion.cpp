#include <ostream>

#include "host/cli/application.hpp"
#include "host/cli/completion.hpp"
#include "host/commands/registry.hpp"

namespace harmony::host {

CommandSpec completion_command() {
    CommandSpec script;
    script.path = {"completion"};
    script.summary = "Print the completion script of a shell";
    script.arguments = {{.name = "shell",
                         .summary = "the shell",
                         .value_name = "SHELL",
                         .positional = true,
                         .required = true,
                         .values = {"bash", "zsh", "fish"}}};
    script.examples = {
        {"source <(harmony completion bash)", "for this bash"},
        {"harmony completion fish > ~/.config/fish/completions/harmony.fish", "for every fish"}};
    script.run = [](Application& application, const ParsedArguments& arguments) -> Outcome<ExitCode> {
        application.streams().out << completion_script(*arguments.text("shell"));
        return ExitCode::Ok;
    };
    return script;
}

}  // namespace harmony::host
