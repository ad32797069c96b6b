#include "host/cli/completion.hpp"

#include <algorithm>
#include <set>

#include "host/cli/command_line.hpp"
#include "host/commands/registry.hpp"

namespace harmony::host {
namespace {

constexpr const char* kBash = R"(_harmony() {
    local line
    COMPREPLY=()
    while IFS= read -r line; do
        if [ "$line" = ":files" ]; then
            compopt -o default 2>/dev/null
        else
            COMPREPLY+=("$line")
        fi
    done < <(harmony __complete -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -F _harmony harmony
)";

constexpr const char* kZsh = R"(#compdef harmony
_harmony() {
    local -a found
    found=("${(@f)$(harmony __complete -- "${(@)words[2,CURRENT]}" 2>/dev/null)}")
    if [[ "${found[1]}" == ":files" ]]; then
        _files
    else
        compadd -- "${found[@]}"
    fi
}
compdef _harmony harmony
)";

constexpr const char* kFish = R"(function __harmony_complete
    set -l words (commandline -opc) (commandline -ct)
    set -l found (harmony __complete -- $words[2..-1] 2>/dev/null)
    if test "$found[1]" = ":files"
        __fish_complete_path (commandline -ct)
    else
        printf '%s\n' $found
    end
end
complete -c harmony -f -a '(__harmony_complete)'
)";

const ArgumentSpec* option_of(const std::vector<ArgumentSpec>& arguments, const std::string& word) {
    for (const auto& argument : arguments) {
        if (argument.positional) continue;
        if (word == "--" + argument.name) return &argument;
        if (argument.short_name != 0 && word == std::string("-") + argument.short_name) return &argument;
    }
    return nullptr;
}

std::vector<std::string> values_for(Application& application, const ArgumentSpec& argument) {
    if (!argument.values.empty()) return argument.values;
    std::vector<std::string> names;
    switch (argument.completes) {
        case Completes::Files:
            return {":files"};
        case Completes::Scores:
            return application.contributions().score_names();
        case Completes::Topologies:
            return application.contributions().topology_names();
        case Completes::Scenarios:
            return application.contributions().scenario_names();
        case Completes::Plugins:
            for (const auto& entry : application.catalog().entries())
                if (!entry.plugin.id.empty()) names.push_back(entry.plugin.id);
            return names;
        case Completes::Contexts:
            if (auto contexts = application.contexts())
                for (const auto& context : contexts->all())
                    names.push_back(context.name);
            return names;
        case Completes::Nothing:
            break;
    }
    return names;
}

std::vector<std::string> beginning_with(const std::set<std::string>& candidates, const std::string& prefix) {
    std::vector<std::string> kept;
    for (const auto& candidate : candidates)
        if (candidate.starts_with(prefix) || candidate == ":files") kept.push_back(candidate);
    return kept;
}

const CommandSpec* command_of(const std::vector<CommandSpec>& commands,
                              const std::vector<std::string>& words) {
    const CommandSpec* best = nullptr;
    for (const auto& command : commands) {
        const bool fits = command.path.size() <= words.size() &&
                          std::equal(command.path.begin(), command.path.end(), words.begin());
        if (fits && (best == nullptr || command.path.size() > best->path.size())) best = &command;
    }
    return best;
}

std::vector<std::string> complete_command(const std::vector<CommandSpec>& commands,
                                          const std::vector<std::string>& before,
                                          const std::string& current) {
    std::set<std::string> next;
    for (const auto& command : commands) {
        if (command.hidden || command.path.size() <= before.size()) continue;
        if (std::equal(before.begin(), before.end(), command.path.begin()))
            next.insert(command.path[before.size()]);
    }
    return beginning_with(next, current);
}

std::vector<std::string> complete_argument(Application& application, const CommandSpec& command,
                                           const std::vector<std::string>& before,
                                           const std::string& current) {
    std::vector<ArgumentSpec> arguments = with_globals(command.arguments);
    if (command.extend) {
        const std::vector<std::string> rest(before.begin() + static_cast<std::ptrdiff_t>(command.path.size()),
                                            before.end());
        if (auto parsed = parse_command_line(command.name(), arguments, rest, Unknown::Ignored)) {
            if (auto more = command.extend(application, *parsed))
                std::ranges::copy(*more, std::back_inserter(arguments));
        }
    }
    std::set<std::string> candidates;
    const ArgumentSpec* open = before.empty() ? nullptr : option_of(arguments, before.back());
    if (open != nullptr && open->kind != ArgumentKind::Boolean) {
        const auto values = values_for(application, *open);
        candidates.insert(values.begin(), values.end());
    } else if (current.starts_with("-")) {
        for (const auto& argument : arguments)
            if (!argument.positional && !argument.hidden) candidates.insert("--" + argument.name);
    } else {
        for (const auto& argument : arguments) {
            if (!argument.positional) continue;
            const auto values = values_for(application, argument);
            candidates.insert(values.begin(), values.end());
        }
    }
    return beginning_with(candidates, current);
}

}  // namespace

std::vector<std::string> complete(Application& application, const std::vector<std::string>& words) {
    const std::string current = words.empty() ? std::string() : words.back();
    std::vector<std::string> before(words.begin(), words.empty() ? words.end() : words.end() - 1);
    auto commands = built_in_commands();
    const CommandSpec* found = command_of(commands, before);
    if (found != nullptr) return complete_argument(application, *found, before, current);
    auto contributed = contributed_commands(application);
    commands.insert(commands.end(), contributed.begin(), contributed.end());
    found = command_of(commands, before);
    if (found == nullptr) return complete_command(commands, before, current);
    auto whole = contributed_command(application, found->name());
    if (!whole) return {};
    return complete_argument(application, *whole, before, current);
}

std::string completion_script(const std::string& shell) {
    if (shell == "zsh") return kZsh;
    if (shell == "fish") return kFish;
    return kBash;
}

}  // namespace harmony::host
