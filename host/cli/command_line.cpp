#include "host/cli/command_line.hpp"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "host/config/suggestion.hpp"

namespace harmony::host {
namespace {

std::string joined(const std::vector<std::string>& words) {
    std::string text;
    for (const auto& word : words)
        text += (text.empty() ? "" : ", ") + word;
    return text;
}

std::string shown(const ArgumentSpec& argument) {
    return argument.positional ? argument.value_name : "--" + argument.name;
}

Outcome<void> check_value(const ArgumentSpec& argument, const std::string& value) {
    const auto wrong = [&](const std::string& expected, const std::string& hint = {}) {
        return usage_problem("usage.argument",
                             shown(argument) + ": found \"" + value + "\", expected " + expected, hint);
    };
    if (!argument.values.empty() && std::ranges::find(argument.values, value) == argument.values.end()) {
        const auto near = closest(value, argument.values);
        return wrong("one of " + joined(argument.values), near ? "did you mean \"" + *near + "\"?" : "");
    }
    if (argument.kind == ArgumentKind::Integer || argument.kind == ArgumentKind::Number) {
        const auto number = nlohmann::json::parse(value, nullptr, false);
        if (argument.kind == ArgumentKind::Integer && !number.is_number_integer())
            return wrong("a whole number");
        if (!number.is_number()) return wrong("a number");
    }
    if (argument.kind == ArgumentKind::Boolean && value != "true" && value != "false")
        return wrong("true or false");
    return {};
}

Outcome<void> check_arguments(const std::string& command, const std::vector<ArgumentSpec>& arguments,
                              const ParsedArguments& parsed) {
    for (const auto& argument : arguments) {
        if (argument.required && !parsed.has(argument.name))
            return usage_problem("usage.missing-argument", "harmony " + command + " needs " + shown(argument),
                                 "harmony " + command + " --help explains it");
        for (const auto& value : parsed.list(argument.name)) {
            if (auto checked = check_value(argument, value); !checked) return checked;
        }
    }
    return {};
}

tl::unexpected<Problem> unknown_word(const std::string& command, const std::vector<ArgumentSpec>& arguments,
                                     const std::string& word) {
    if (!word.starts_with("-"))
        return usage_problem("usage.argument",
                             "harmony " + command + " takes no further word \"" + word + "\"",
                             "harmony " + command + " --help shows what it takes");
    std::vector<std::string> flags;
    for (const auto& argument : arguments)
        if (!argument.positional && !argument.hidden) flags.push_back("--" + argument.name);
    const std::string flag = word.substr(0, word.find('='));
    const auto near = closest(flag, flags);
    return usage_problem(
        "usage.unknown-flag", "harmony " + command + " has no flag " + flag,
        near ? "did you mean \"" + *near + "\"?" : "harmony " + command + " --help lists its flags");
}

// Owns what the parser fills in.
class Parser {
 public:
    explicit Parser(const std::vector<ArgumentSpec>& arguments) : arguments_(arguments) {
        app_.set_help_flag();
        app_.allow_extras();
        for (const auto& argument : arguments)
            add(argument);
    }

    std::vector<std::string> parse(std::vector<std::string> words, ParsedArguments& parsed) {
        std::ranges::reverse(words);  // what the library expects
        app_.parse(words);
        for (std::size_t i = 0; i < arguments_.size(); ++i) {
            if (options_[i]->count() == 0) continue;
            auto values = options_[i]->results();
            // --flag=false is the same as not giving it.
            const bool flag = !arguments_[i].positional && arguments_[i].kind == ArgumentKind::Boolean;
            if (flag && !values.empty() && values.back() == "false") continue;
            parsed.put(arguments_[i].name, std::move(values));
        }
        auto extras = app_.remaining(true);
        // The mark between flags and plain words is no word of its own.
        const auto mark = std::ranges::find(extras, std::string("--"));
        if (mark != extras.end()) extras.erase(mark);
        return extras;
    }

 private:
    void add(const ArgumentSpec& argument) {
        std::string names = argument.positional ? argument.name : "--" + argument.name;
        if (argument.short_name != 0) names = std::string("-") + argument.short_name + "," + names;
        CLI::Option* option = nullptr;
        if (!argument.positional && argument.kind == ArgumentKind::Boolean) {
            option = app_.add_flag(names);
        } else {
            option = app_.add_option(names);
            const bool list = argument.positional && argument.repeated;
            option->allow_extra_args(list);
            if (list) {
                option->expected(1, CLI::detail::expected_max_vector_size);
            } else {
                option->expected(1);
                option->multi_option_policy(argument.positional ? CLI::MultiOptionPolicy::Throw
                                                                : CLI::MultiOptionPolicy::TakeAll);
            }
        }
        options_.push_back(option);
    }

    const std::vector<ArgumentSpec>& arguments_;
    CLI::App app_;
    std::vector<CLI::Option*> options_;
};

}  // namespace

std::optional<std::string> ParsedArguments::text(const std::string& name) const {
    const auto& values = list(name);
    if (values.empty()) return std::nullopt;
    return values.back();
}

const std::vector<std::string>& ParsedArguments::list(const std::string& name) const {
    static const std::vector<std::string> none;
    const auto found = values_.find(name);
    return found == values_.end() ? none : found->second;
}

std::string CommandSpec::name() const {
    std::string text;
    for (const auto& word : path)
        text += (text.empty() ? "" : " ") + word;
    return text;
}

const std::vector<ArgumentSpec>& global_arguments() {
    static const std::vector<ArgumentSpec> arguments = {
        {.name = "context",
         .summary = "the context to work in",
         .value_name = "NAME",
         .completes = Completes::Contexts},
        {.name = "output",
         .summary = "table for people, json for programs",
         .value_name = "FORMAT",
         .short_name = 'o',
         .values = {"table", "json"}},
        {.name = "plugin",
         .summary = "also use this plugin, or folder with plugins; repeats",
         .value_name = "PATH",
         .repeated = true,
         .completes = Completes::Files},
        {.name = "timeout",
         .kind = ArgumentKind::Number,
         .summary = "seconds that one call into a plugin may take; 0 means no limit",
         .value_name = "SECONDS"},
        {.name = "verbose",
         .kind = ArgumentKind::Boolean,
         .summary = "also show what plugins log",
         .short_name = 'v'},
        {.name = "isolation", .summary = "how plugins run", .hidden = true, .values = {"process", "none"}},
        {.name = "help", .kind = ArgumentKind::Boolean, .summary = "show this help", .short_name = 'h'},
    };
    return arguments;
}

std::vector<ArgumentSpec> with_globals(std::vector<ArgumentSpec> own) {
    const std::vector<ArgumentSpec> taken = own;
    for (ArgumentSpec global : global_arguments()) {
        if (std::ranges::find(taken, global.name, &ArgumentSpec::name) != taken.end()) continue;
        if (std::ranges::find(taken, global.short_name, &ArgumentSpec::short_name) != taken.end())
            global.short_name = 0;
        own.push_back(std::move(global));
    }
    return own;
}

Outcome<ParsedArguments> parse_command_line(const std::string& command,
                                            const std::vector<ArgumentSpec>& arguments,
                                            const std::vector<std::string>& words, Unknown unknown) {
    ParsedArguments parsed;
    try {
        Parser parser(arguments);
        const auto extras = parser.parse(words, parsed);
        if (unknown == Unknown::Refused && !extras.empty())
            return unknown_word(command, arguments, extras.front());
    } catch (const CLI::ParseError& problem) {
        if (unknown == Unknown::Ignored) return parsed;
        return usage_problem("usage.argument", problem.what(), "harmony " + command + " --help explains it");
    }
    if (unknown == Unknown::Refused && !parsed.has("help")) {
        if (auto checked = check_arguments(command, arguments, parsed); !checked)
            return tl::unexpected(checked.error());
    }
    return parsed;
}

}  // namespace harmony::host
