#include "host/cli/help.hpp"

#include <algorithm>
#include <map>

#include "host/cli/command_line.hpp"

namespace harmony::host {
namespace {

std::string padded(std::string text, std::size_t width) {
    if (text.size() < width) text.append(width - text.size(), ' ');
    return text;
}

std::string argument_text(const ArgumentSpec& argument) {
    if (argument.positional) return argument.value_name;
    std::string text = argument.short_name != 0 ? std::string("-") + argument.short_name + ", " : "    ";
    text += "--" + argument.name;
    if (argument.kind != ArgumentKind::Boolean) text += " " + argument.value_name;
    return text;
}

std::string summary_text(const ArgumentSpec& argument) {
    std::string text = argument.summary;
    if (!argument.values.empty()) {
        std::string values;
        for (const auto& value : argument.values)
            values += (values.empty() ? "" : ", ") + value;
        text += " (" + values + ")";
    }
    return text;
}

std::string arguments_help(const std::string& title, const std::vector<ArgumentSpec>& arguments,
                           bool positional, const Style& style) {
    std::size_t width = 0;
    for (const auto& argument : arguments)
        if (argument.positional == positional && !argument.hidden)
            width = std::max(width, argument_text(argument).size());
    if (width == 0) return {};
    std::string text = "\n" + style.bold(title) + "\n";
    for (const auto& argument : arguments) {
        if (argument.positional != positional || argument.hidden) continue;
        text += "  " + padded(argument_text(argument), width) + "  " + summary_text(argument) + "\n";
    }
    return text;
}

std::vector<ArgumentSpec> other_arguments(const CommandSpec& command) {
    auto all = with_globals(command.arguments);
    all.erase(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(command.arguments.size()));
    return all;
}

}  // namespace

std::string command_help(const CommandSpec& command, const std::vector<ArgumentSpec>& extended,
                         const Style& style) {
    std::string usage = "harmony " + command.name();
    for (const auto& argument : command.arguments) {
        if (!argument.positional) continue;
        const std::string name = argument.value_name + (argument.repeated ? "..." : "");
        usage += argument.required ? " " + name : " [" + name + "]";
    }
    std::string text = command.summary + "\n\n" + style.bold("Usage") + "\n  " + usage + " [flags]\n";
    if (!command.description.empty()) text += "\n" + command.description + "\n";
    text += arguments_help("Arguments", command.arguments, true, style);
    text += arguments_help("Flags", command.arguments, false, style);
    text += arguments_help("Flags of the selected Scores", extended, false, style);
    text += arguments_help("Flags of every command", other_arguments(command), false, style);
    if (!command.examples.empty()) text += "\n" + style.bold("Examples") + "\n";
    for (const auto& example : command.examples) {
        text += "  " + example.command + "\n";
        if (!example.explanation.empty()) text += "      " + example.explanation + "\n";
    }
    return text;
}

std::string overview_help(const std::vector<CommandSpec>& commands, const std::vector<std::string>& prefix,
                          const Style& style) {
    std::size_t width = 0;
    auto below = [&](const CommandSpec& command) {
        return !command.hidden && command.path.size() >= prefix.size() &&
               std::equal(prefix.begin(), prefix.end(), command.path.begin());
    };
    for (const auto& command : commands)
        if (below(command)) width = std::max(width, command.name().size());
    std::string of;
    for (const auto& word : prefix)
        of += " " + word;
    std::string text;
    if (prefix.empty()) text = "Deploys and runs fleets of edge devices: Scores onto Topologies.\n\n";
    text += style.bold("Usage") + "\n  harmony" + of + " COMMAND [flags]\n\n" + style.bold("Commands") + "\n";
    for (const auto& command : commands) {
        if (below(command)) text += "  " + padded(command.name(), width) + "  " + command.summary + "\n";
    }
    return text + "\nharmony COMMAND --help explains a command and shows examples.\n";
}

}  // namespace harmony::host
