#include "host/cli/run.hpp"

#include <algorithm>
#include <exception>
#include <ostream>

#include "host/cli/command_line.hpp"
#include "host/cli/completion.hpp"
#include "host/cli/help.hpp"
#include "host/cli/version.hpp"
#include "host/commands/registry.hpp"
#include "host/config/suggestion.hpp"
#include "host/output/document.hpp"
#include "host/output/progress.hpp"

namespace harmony::host {
namespace {

// The words of a command apart from everything else: `harmony --context x scores list --output json`.
struct SplitWords {
    std::vector<std::string> leading;  // plain words before the first flag that is not global
    std::vector<std::string> flags;    // global flags that stood between or before them
    std::vector<std::string> rest;
};

bool takes_value(const std::string& word) {
    for (const auto& argument : global_arguments()) {
        if (argument.kind == ArgumentKind::Boolean) continue;
        if (word == "--" + argument.name) return true;
        if (argument.short_name != 0 && word == std::string("-") + argument.short_name) return true;
    }
    return false;
}

SplitWords split(const std::vector<std::string>& words) {
    SplitWords result;
    std::size_t i = 0;
    for (; i < words.size(); ++i) {
        if (words[i] == "--") break;
        if (!words[i].starts_with("-")) {
            result.leading.push_back(words[i]);
            continue;
        }
        result.flags.push_back(words[i]);
        if (takes_value(words[i]) && i + 1 < words.size()) {
            result.flags.push_back(words[++i]);
        } else if (!takes_value(words[i])) {
            // A flag of the command itself: it and what follows are the command's to read.
            const bool global = words[i] == "-v" || words[i] == "--verbose" || words[i] == "-h" ||
                                words[i] == "--help" || words[i].find('=') != std::string::npos;
            if (!global) {
                result.flags.pop_back();
                break;
            }
        }
    }
    result.rest.assign(words.begin() + static_cast<std::ptrdiff_t>(i), words.end());
    return result;
}

// The command whose path is the longest beginning of words.
const CommandSpec* find_command(const std::vector<CommandSpec>& commands,
                                const std::vector<std::string>& words) {
    const CommandSpec* best = nullptr;
    for (const auto& command : commands) {
        const bool fits = command.path.size() <= words.size() &&
                          std::equal(command.path.begin(), command.path.end(), words.begin());
        if (fits && (best == nullptr || command.path.size() > best->path.size())) best = &command;
    }
    return best;
}

// How many of words are the beginning of some command's path.
std::size_t known_prefix(const std::vector<CommandSpec>& commands, const std::vector<std::string>& words) {
    std::size_t longest = 0;
    for (const auto& command : commands) {
        const auto end =
            std::mismatch(command.path.begin(), command.path.end(), words.begin(), words.end()).first;
        longest = std::max(longest, static_cast<std::size_t>(end - command.path.begin()));
    }
    return longest;
}

tl::unexpected<Problem> unknown_command(const std::vector<CommandSpec>& commands,
                                        const std::vector<std::string>& words) {
    const auto depth = known_prefix(commands, words);
    std::string asked;
    std::string prefix;
    for (std::size_t i = 0; i <= depth && i < words.size(); ++i) {
        if (i == depth) prefix = asked;
        asked += (i == 0 ? "" : " ") + words[i];
    }
    std::vector<std::string> candidates;
    for (const auto& command : commands) {
        if (command.hidden || command.path.size() <= depth) continue;
        if (!std::equal(words.begin(), words.begin() + static_cast<std::ptrdiff_t>(depth),
                        command.path.begin()))
            continue;
        const std::string candidate = prefix + (prefix.empty() ? "" : " ") + command.path[depth];
        if (std::ranges::find(candidates, candidate) == candidates.end()) candidates.push_back(candidate);
    }
    auto hint = suggestion_hint(asked, candidates);
    if (hint.empty()) hint = "harmony --help lists the commands";
    return usage_problem("usage.unknown-command", "there is no command \"harmony " + asked + "\"", hint);
}

class Invocation {
 public:
    Invocation(const std::vector<std::string>& words, const Setup& setup)
        : words_(split(words)), application_(setup), setup_(setup) {}

    Outcome<ExitCode> execute() {
        commands_ = built_in_commands();
        const bool help = has_flag("-h", "--help");
        configure_early();
        const CommandSpec* found = find_command(commands_, words_.leading);
        if (found != nullptr) return execute(*found);
        // Only now are plugins looked at: a built-in command never waits for them.
        auto contributed = contributed_commands(application_);
        commands_.insert(commands_.end(), contributed.begin(), contributed.end());
        found = find_command(commands_, words_.leading);
        if (found != nullptr) {
            auto whole = contributed_command(application_, found->name());
            if (!whole) return tl::unexpected(whole.error());
            return execute(*whole);
        }
        const bool group = known_prefix(commands_, words_.leading) == words_.leading.size();
        if (group && (help || words_.leading.empty())) {
            setup_.streams.out << overview_help(commands_, words_.leading, application_.out_style());
            return words_.leading.empty() && !help ? ExitCode::Usage : ExitCode::Ok;
        }
        if (group) {
            setup_.streams.err << overview_help(commands_, words_.leading, application_.err_style());
            return ExitCode::Usage;
        }
        return unknown_command(commands_, words_.leading);
    }

    Application& application() { return application_; }

 private:
    bool has_flag(const char* brief, const char* full) const {
        auto is = [&](const std::string& word) { return word == brief || word == full; };
        // What follows "--" is another program's.
        const auto end = std::ranges::find(words_.rest, std::string("--"));
        return std::ranges::any_of(words_.flags, is) || std::any_of(words_.rest.begin(), end, is);
    }

    // The output format and --plugin matter before the command is known.
    void configure_early() {
        std::vector<std::string> words = words_.flags;
        words.insert(words.end(), words_.rest.begin(), words_.rest.end());
        if (auto parsed = parse_command_line("", global_arguments(), words, Unknown::Ignored))
            application_.configure(*parsed);
    }

    Outcome<ExitCode> execute(const CommandSpec& command) {
        std::vector<std::string> words = words_.flags;
        words.insert(words.end(), words_.leading.begin() + static_cast<std::ptrdiff_t>(command.path.size()),
                     words_.leading.end());
        words.insert(words.end(), words_.rest.begin(), words_.rest.end());
        std::vector<ArgumentSpec> arguments = with_globals(command.arguments);
        std::vector<ArgumentSpec> extended;
        if (command.extend) {
            auto first = parse_command_line(command.name(), arguments, words, Unknown::Ignored);
            if (!first) return tl::unexpected(first.error());
            auto more = command.extend(application_, *first);
            if (!more && !has_flag("-h", "--help")) return tl::unexpected(more.error());
            if (more) extended = without_collisions(*more, arguments);
            std::ranges::copy(extended, std::back_inserter(arguments));
        }
        auto parsed = parse_command_line(command.name(), arguments, words, Unknown::Refused);
        if (!parsed) return tl::unexpected(parsed.error());
        if (parsed->has("help")) {
            setup_.streams.out << command_help(command, extended, application_.out_style());
            return ExitCode::Ok;
        }
        application_.configure(*parsed);
        return command.run(application_, *parsed);
    }

    static std::vector<ArgumentSpec> without_collisions(const std::vector<ArgumentSpec>& more,
                                                        const std::vector<ArgumentSpec>& taken) {
        std::vector<ArgumentSpec> kept;
        for (const auto& argument : more) {
            auto same = [&](const ArgumentSpec& other) { return other.name == argument.name; };
            if (std::ranges::none_of(taken, same) && std::ranges::none_of(kept, same))
                kept.push_back(argument);
        }
        return kept;
    }

    SplitWords words_;
    Application application_;
    const Setup& setup_;
    std::vector<CommandSpec> commands_;
};

int finish(Application& application, const Problem& problem) {
    auto& streams = application.streams();
    if (problem.exit == ExitCode::Declined) {
        streams.err << problem.diagnostic.summary << "\n";
    } else {
        print_diagnostic(streams.err, application.err_style(), problem.diagnostic);
    }
    application.print_json("error/1", {{"error", diagnostic_document(problem.diagnostic)}});
    return static_cast<int>(problem.exit);
}

}  // namespace

int run(const std::vector<std::string>& words, const Setup& setup) {
    if (words.size() == 1 && words.front() == "--version") {
        setup.streams.out << "harmony " << kVersion << "\n";
        return 0;
    }
    try {
        // Words to complete are no command line yet: nothing of them is parsed or refused.
        if (words.size() > 1 && words.front() == kCompleteCommand && words[1] == "--") {
            Application application(setup);
            for (const auto& line : complete(application, {words.begin() + 2, words.end()}))
                setup.streams.out << line << "\n";
            return 0;
        }
        Invocation invocation(words, setup);
        try {
            auto exit = invocation.execute();
            if (exit) return static_cast<int>(*exit);
            return finish(invocation.application(), exit.error());
        } catch (const std::exception& bug) {
            const Problem problem{ExitCode::Failed,
                                  diagnostic("host.bug", std::string("a defect of harmony: ") + bug.what(),
                                             "please report it with the command that shows it")};
            return finish(invocation.application(), problem);
        }
    } catch (const std::exception& bug) {
        setup.streams.err << "error: " << bug.what() << "\n";
        return static_cast<int>(ExitCode::Failed);
    }
}

}  // namespace harmony::host
