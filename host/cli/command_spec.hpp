// A command as data: from it come parsing, help and completion, for built-in commands and for those that
// plugins contribute.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "host/output/problem.hpp"

namespace harmony::host {

enum class ArgumentKind { Text, Integer, Number, Boolean, File };

// What completion offers for an argument's value.
enum class Completes { Nothing, Files, Scores, Topologies, Contexts, Plugins, Scenarios };

struct ArgumentSpec {
    std::string name;  // without dashes
    ArgumentKind kind = ArgumentKind::Text;
    std::string summary{};
    std::string value_name = "VALUE";  // in help
    bool positional = false;
    bool required = false;
    bool repeated = false;
    bool hidden = false;
    char short_name = 0;
    std::vector<std::string> values{};  // what is allowed; empty: anything
    Completes completes = Completes::Nothing;
};

struct ExampleText {
    std::string command;
    std::string explanation;
};

// What was typed, by argument name. Values are checked to fit their kind.
class ParsedArguments {
 public:
    [[nodiscard]] bool has(const std::string& name) const { return values_.contains(name); }
    [[nodiscard]] std::optional<std::string> text(const std::string& name) const;  // the last one given
    [[nodiscard]] const std::vector<std::string>& list(const std::string& name) const;
    void put(const std::string& name, std::vector<std::string> values) { values_[name] = std::move(values); }

 private:
    std::map<std::string, std::vector<std::string>> values_;
};

class Application;

struct CommandSpec {
    std::vector<std::string> path;
    std::string summary;
    std::string description;
    std::vector<ExampleText> examples;
    std::vector<ArgumentSpec> arguments;
    std::function<Outcome<ExitCode>(Application&, const ParsedArguments&)> run;
    // Further arguments that depend on what was typed, such as the flags of the selected Scores. May be
    // empty.
    std::function<Outcome<std::vector<ArgumentSpec>>(Application&, const ParsedArguments&)> extend;
    bool hidden = false;

    [[nodiscard]] std::string name() const;  // the path joined with a space
};

}  // namespace harmony::host
