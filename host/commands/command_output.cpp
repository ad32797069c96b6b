#include "host/commands/command_output.hpp"

#include <algorithm>
#include <harmony/host/json_text.hpp>
#include <ostream>

#include "host/output/document.hpp"

namespace harmony::host {
namespace {

using nlohmann::json;

constexpr std::size_t kMaxLabel = 64;

std::string text_of(const json& params, const char* key) {
    const auto found = params.find(key);
    return found != params.end() && found->is_string() ? found->get<std::string>() : std::string();
}

// A terminal obeys control characters, and the text may come from a device: all but line ends and tabs go.
std::string harmless(const std::string& text) {
    std::string shown;
    std::size_t begin = 0;
    while (begin <= text.size()) {
        const auto end = std::min(text.find_first_of("\n\t", begin), text.size());
        shown += printable(std::string_view(text).substr(begin, end - begin), text.size() + 1);
        if (end < text.size()) shown += text[end];
        begin = end + 1;
    }
    return shown;
}

}  // namespace

std::string CommandOutput::coloured(const std::string& label) {
    const Style& style = application_.out_style();
    const auto [entry, added] = colours_.emplace(label, colours_.size());
    width_ = std::max(width_, label.size());
    const std::string padded = label + std::string(width_ - label.size(), ' ') + " | ";
    switch (entry->second % 4) {
        case 0:
            return style.green(padded);
        case 1:
            return style.yellow(padded);
        case 2:
            return style.bold(padded);
        default:
            return style.red(padded);
    }
}

std::string CommandOutput::labelled(const std::string& label, const std::string& text, bool terminal) {
    const std::string shown = terminal ? harmless(text) : text;
    if (label.empty()) return shown;
    const std::string before = coloured(printable(label, kMaxLabel));
    std::string result;
    std::size_t begin = 0;
    while (begin < shown.size()) {
        const auto end = std::min(shown.find('\n', begin), shown.size() - 1);
        result += before + shown.substr(begin, end - begin + 1);
        begin = end + 1;
    }
    return result;
}

void CommandOutput::begin_documents() {
    if (std::exchange(begun_, true)) return;
    (void)application_.print_json("command-stream/1", {{"command", command_}});
}

tl::expected<json, Diagnostic> CommandOutput::serve(const json& params) {
    auto& streams = application_.streams();
    const bool to_err = text_of(params, "stream") == "stderr";
    auto& out = to_err ? streams.err : streams.out;
    if (!application_.json()) {
        const bool terminal = to_err ? streams.err_terminal : streams.out_terminal;
        out << labelled(text_of(params, "label"), text_of(params, "text"), terminal);
    } else if (streams_ && params.contains("data") && params["data"].is_object()) {
        begin_documents();
        out << params["data"].dump(-1, ' ', false, json::error_handler_t::replace) << "\n";
    }
    out.flush();
    if (out.good()) return json::object();
    return tl::unexpected(diagnostic("host.output-closed", "whoever read the output has gone"));
}

bool CommandOutput::finish(const json& members) {
    if (!streams_ || !application_.json()) return false;
    begin_documents();
    application_.streams().out << json{{"end", members}}.dump(-1, ' ', false, json::error_handler_t::replace)
                               << "\n";
    application_.streams().out.flush();
    return true;
}

}  // namespace harmony::host
