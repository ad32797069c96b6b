// What a plugin's command prints while it runs.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "host/cli/application.hpp"

namespace harmony::host {

// Answers host.output (plugin-api/spec/methods.md). For people it writes the text, for --output json one
// document a line, the first of which says what they are. Borrows the application for the command's run.
class CommandOutput {
 public:
    CommandOutput(Application& application, std::string command, bool streams)
        : application_(application), command_(std::move(command)), streams_(streams) {}

    // host.output-closed where whoever read it has gone.
    [[nodiscard]] tl::expected<nlohmann::json, Diagnostic> serve(const nlohmann::json& params);
    // The last line of a stream in JSON; false where the output is none.
    [[nodiscard]] bool finish(const nlohmann::json& members);

 private:
    void begin_documents();
    [[nodiscard]] std::string labelled(const std::string& label, const std::string& text, bool terminal);
    [[nodiscard]] std::string coloured(const std::string& label);

    Application& application_;
    const std::string command_;
    const bool streams_;
    bool begun_ = false;
    std::map<std::string, std::size_t> colours_;
    std::size_t width_ = 0;  // of the widest label so far
};

}  // namespace harmony::host
