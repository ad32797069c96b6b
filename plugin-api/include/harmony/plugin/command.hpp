// A command that the plugin adds to the host's command line.
#pragma once

#include <harmony/plugin/capability.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace harmony::plugin {

enum class ArgumentKind { String, Integer, Number, Boolean, File };
inline EnumNames<ArgumentKind> enum_names(ArgumentKind) {
    return {{ArgumentKind::String, "string"},
            {ArgumentKind::Integer, "integer"},
            {ArgumentKind::Number, "number"},
            {ArgumentKind::Boolean, "boolean"},
            {ArgumentKind::File, "file"}};
}

struct CommandArgument {
    std::string name;
    ArgumentKind kind = ArgumentKind::String;
    bool positional = false;
    bool required = false;
    bool repeated = false;
    std::string short_name{};  // one letter
    std::string summary{};
    Json default_value{};
    std::vector<std::string> values{};  // what is allowed; empty allows all

    static auto fields() {
        using Self = CommandArgument;
        return harmony::plugin::fields(
            field("name", &Self::name), field("kind", &Self::kind), field("positional", &Self::positional),
            field("required", &Self::required), field("repeated", &Self::repeated),
            field("short", &Self::short_name).omit_default(), field("summary", &Self::summary),
            field("default", &Self::default_value).omit_default(),
            field("values", &Self::values).omit_default());
    }
};

struct CommandExample {
    std::string command;
    std::string explanation;

    static auto fields() {
        return harmony::plugin::fields(field("command", &CommandExample::command),
                                       field("explanation", &CommandExample::explanation));
    }
};

struct CommandInfo {
    std::vector<std::string> path;  // {"fleet", "ping"}
    std::string summary;
    std::string description{};
    std::vector<CommandArgument> arguments{};
    std::vector<CommandExample> examples{};
    // It prints as it goes on, and ends when it is cancelled: no deadline unless the user sets one, and with
    // --output json one document a line (spec/methods.md, Commands).
    bool streams = false;

    static auto fields() {
        return harmony::plugin::fields(
            field("path", &CommandInfo::path), field("summary", &CommandInfo::summary),
            field("description", &CommandInfo::description), field("arguments", &CommandInfo::arguments),
            field("examples", &CommandInfo::examples),
            field("streams", &CommandInfo::streams).omit_default());
    }
};

// A file argument: the host has read it.
struct FileArgument {
    std::string path;
    std::string content;

    static auto fields() {
        return harmony::plugin::fields(field("path", &FileArgument::path).required(),
                                       field("content", &FileArgument::content).required());
    }
};

// The arguments of one call, checked against the CommandInfo before run() is called: a required one is there,
// types and allowed values are right, defaults are filled in.
class CommandArguments {
 public:
    CommandArguments() = default;
    // HP_E_INVALID with the argument's name as path.
    [[nodiscard]] static Result<CommandArguments> check(const CommandInfo& info, const Json& given);

    [[nodiscard]] bool has(std::string_view name) const;
    // Empty, 0 or false when absent.
    [[nodiscard]] std::string text(std::string_view name) const;
    [[nodiscard]] std::int64_t integer(std::string_view name) const;
    [[nodiscard]] double number(std::string_view name) const;
    [[nodiscard]] bool boolean(std::string_view name) const;
    [[nodiscard]] std::optional<FileArgument> file(std::string_view name) const;
    // Of a repeated argument; one that is not repeated gives one.
    [[nodiscard]] std::vector<std::string> texts(std::string_view name) const;
    [[nodiscard]] std::vector<FileArgument> files(std::string_view name) const;
    [[nodiscard]] const Json& json() const { return values_; }

 private:
    Json values_;
};

struct TableColumn {
    std::string key;
    std::string title;

    static auto fields() {
        return harmony::plugin::fields(field("key", &TableColumn::key), field("title", &TableColumn::title));
    }
};

struct Table {
    std::string title{};
    std::vector<TableColumn> columns{};
    std::vector<Json> rows{};  // objects, by column key

    static auto fields() {
        return harmony::plugin::fields(field("title", &Table::title).omit_default(),
                                       field("columns", &Table::columns), field("rows", &Table::rows));
    }
};

struct CommandResult {
    std::optional<Json> data{};               // what --output json prints
    std::vector<Table> tables{};              // for people
    std::string text{};                       // for people
    bool failed = false;                      // exit code 1 though there is output
    std::optional<std::int64_t> exit_code{};  // 0 to 255: harmony's own, whatever `failed` says

    static auto fields() {
        return harmony::plugin::fields(field("data", &CommandResult::data),
                                       field("tables", &CommandResult::tables).omit_default(),
                                       field("text", &CommandResult::text).omit_default(),
                                       field("failed", &CommandResult::failed).omit_default(),
                                       field("exit_code", &CommandResult::exit_code));
    }
};

// A piece of output while a command runs. The host prints `text` for people and `data` for --output json.
struct CommandOutput {
    std::string stream = "stdout";  // or stderr
    std::string text{};             // as it is, with its line ends
    std::string label{};            // before each line, in a colour of its own on a terminal
    std::optional<Json> data{};     // an object; only of commands that stream

    static auto fields() {
        return harmony::plugin::fields(field("stream", &CommandOutput::stream).omit_default(),
                                       field("text", &CommandOutput::text).omit_default(),
                                       field("label", &CommandOutput::label).omit_default(),
                                       field("data", &CommandOutput::data));
    }
};

template <class... Capabilities>
class CommandRun : public CapabilityRun<Capabilities...> {
 public:
    CommandRun(Call& call, const Session& session, CommandArguments arguments, bool interactive)
        : CapabilityRun<Capabilities...>(call, session),
          arguments_(std::move(arguments)),
          interactive_(interactive) {}
    [[nodiscard]] const CommandArguments& arguments() const { return arguments_; }
    // A person looks at the output. The host asks questions; a plugin never does.
    [[nodiscard]] bool interactive() const { return interactive_; }
    // Prints now. Returns when it has been written, so that a slow reader slows the command down. An error:
    // who read the output has gone, and nothing more will be printed; or the host is older than this
    // (HP_E_METHOD).
    Result<void> print(const CommandOutput& output) {
        auto printed = this->call().invoke("host.output", to_json(output));
        if (!printed) return failure(std::move(printed.error()));
        return {};
    }

 private:
    CommandArguments arguments_;
    bool interactive_;
};

// Derive from it, add `static inline const CommandInfo info{...};` and run().
template <class... Capabilities>
class Command {
 public:
    using Run = CommandRun<Capabilities...>;

    virtual ~Command() = default;
    virtual Result<CommandResult> run(Run& run) = 0;

    static detail::Requirements requirements() { return detail::requirements_of<Capabilities...>(); }
};

}  // namespace harmony::plugin
