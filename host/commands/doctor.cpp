#include <ostream>

#include "host/cli/application.hpp"
#include "host/commands/registry.hpp"
#include "host/output/table.hpp"

namespace harmony::host {
namespace {

using nlohmann::json;

class Findings {
 public:
    void add(const std::string& what, bool good, const std::string& detail) {
        good_ = good_ && good;
        put(what, good ? "ok" : "problem", detail);
    }
    void note(const std::string& what, const std::string& detail) { put(what, "note", detail); }

    ExitCode report(Application& application) {
        if (!application.print_json("doctor/1", {{"ok", good_}, {"checks", checks_}}))
            table_.print(application.streams().out, application.out_style());
        return good_ ? ExitCode::Ok : ExitCode::Failed;
    }

 private:
    void put(const std::string& what, const std::string& state, const std::string& detail) {
        table_.add({what, state, detail});
        checks_.push_back({{"what", what}, {"state", state}, {"detail", detail}});
    }
    bool good_ = true;
    json checks_ = json::array();
    Table table_{{"WHAT", "STATE", "DETAIL"}};
};

std::string explained(const Problem& problem) {
    const auto& what = problem.diagnostic;
    return what.hint.empty() ? what.summary : what.summary + " (" + what.hint + ")";
}

Outcome<ExitCode> doctor(Application& application, const ParsedArguments&) {
    Findings findings;
    std::size_t usable = 0;
    for (const auto& entry : application.catalog().entries()) {
        if (entry.usable()) {
            ++usable;
        } else {
            findings.add("plugin " + entry.file, false, entry.problem->summary);
        }
    }
    findings.add(
        "plugins", usable > 0,
        usable > 0 ? std::to_string(usable) + " usable" : "none found; harmony plugins install adds one");
    auto context = application.context(std::nullopt);
    if (!context) {
        findings.add("context", false, explained(context.error()));
        return findings.report(application);
    }
    findings.add("context", true,
                 context->context.name + " on " + context->context.topology + " (" + context->source + ")");
    auto workspace = application.workspace(context->context, {}, nullptr);
    if (!workspace) {
        findings.add("topology", false, explained(workspace.error()));
        return findings.report(application);
    }
    for (const auto& offer : workspace->offers()) {
        if (offer.available) {
            findings.add("capability " + offer.capability, true, offer.reason);
        } else {
            findings.note("capability " + offer.capability, "not available: " + offer.reason);
        }
    }
    return findings.report(application);
}

}  // namespace

CommandSpec doctor_command() {
    CommandSpec command;
    command.path = {"doctor"};
    command.summary = "Check what works on this machine";
    command.examples = {{"harmony doctor", ""}};
    command.run = doctor;
    return command;
}

}  // namespace harmony::host
