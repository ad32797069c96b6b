#include "local_daemons.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "durable_file.hpp"
#include "log_file.hpp"

namespace harmony::local {
namespace {

using nlohmann::json;

DaemonAction action_from(const std::string& text) {
    for (const auto action :
         {DaemonAction::Create, DaemonAction::Update, DaemonAction::Reload, DaemonAction::Restart}) {
        if (text == to_string(action)) return action;
    }
    return DaemonAction::None;
}

// A name becomes part of a path.
Outcome<void> check_name(const std::string& name) {
    DaemonSpec spec;
    spec.name = name;
    spec.program = "any";
    return validate(spec);
}

}  // namespace

LocalDaemons::LocalDaemons(const std::string& state_dir, std::vector<std::string> program_dirs)
    : context_(state_dir), program_dirs_(std::move(program_dirs)), supervisor_(context_, program_dirs_) {}

Outcome<DaemonPlan> LocalDaemons::plan(const DaemonSpec& spec) const {
    if (auto valid = validate(spec); !valid) return pass_on(valid.error());
    auto program = resolve_program(spec.program, program_dirs_);
    if (!program) return pass_on(program.error());
    DaemonSpec hashed = spec;
    for (auto& file : hashed.files)
        file.hash = sha256_hex(file.content);
    return plan_daemon(context_, hashed, *program);
}

Outcome<LocalDaemons::Ensured> LocalDaemons::ensure(const DaemonSpec& spec, const Cancelled& cancelled) {
    if (auto valid = validate(spec); !valid) return pass_on(valid.error());
    auto program = resolve_program(spec.program, program_dirs_);
    if (!program) return pass_on(program.error());
    auto result =
        supervisor_.request("ensure", {{"spec", to_json(spec)}, {"program_path", *program}}, cancelled);
    if (!result) return pass_on(result.error());
    return Ensured{action_from(result->value("action", "")),
                   daemon_view_from_json(result->value("daemon", json::object()))};
}

Outcome<std::optional<DaemonView>> LocalDaemons::inspect(const std::string& name) const {
    if (auto valid = check_name(name); !valid) return pass_on(valid.error());
    return view_daemon(context_, name);
}

Outcome<std::vector<DaemonView>> LocalDaemons::list() const {
    std::vector<DaemonView> daemons;
    for (const auto& name : context_.daemon_names()) {
        auto view = view_daemon(context_, name);
        if (!view) return pass_on(view.error());
        if (*view) daemons.push_back(std::move(**view));
    }
    return daemons;
}

Outcome<DaemonView> LocalDaemons::restart(const std::string& name, const Cancelled& cancelled) {
    if (auto known = check_known(name); !known) return pass_on(known.error());
    auto result = supervisor_.request("restart", {{"name", name}}, cancelled);
    if (!result) return pass_on(result.error());
    return daemon_view_from_json(result->value("daemon", json::object()));
}

Outcome<DaemonView> LocalDaemons::stop(const std::string& name, const Cancelled& cancelled) {
    if (auto known = check_known(name); !known) return pass_on(known.error());
    auto result = supervisor_.request("stop", {{"name", name}}, cancelled);
    if (!result) return pass_on(result.error());
    return daemon_view_from_json(result->value("daemon", json::object()));
}

Outcome<void> LocalDaemons::signal(const std::string& name, const std::string& signal,
                                   const Cancelled& cancelled) {
    if (auto known = check_known(name); !known) return known;
    auto result = supervisor_.request("signal", {{"name", name}, {"signal", signal}}, cancelled);
    if (!result) return pass_on(result.error());
    return {};
}

Outcome<void> LocalDaemons::check_known(const std::string& name) const {
    auto known = inspect(name);
    if (!known) return pass_on(known.error());
    if (!*known) return problem("process-host.not-found", "there is no daemon named " + name);
    return {};
}

Outcome<bool> LocalDaemons::remove(const std::string& name, bool delete_data, const Cancelled& cancelled) {
    if (auto valid = check_name(name); !valid) return pass_on(valid.error());
    const auto folders = context_.daemon(name);
    std::error_code ignored;
    const bool has_record = std::filesystem::exists(folders.spec(), ignored);
    const bool has_data = std::filesystem::exists(folders.root(), ignored);
    if (!has_record && !(delete_data && has_data)) return false;
    auto result = supervisor_.request("remove", {{"name", name}, {"delete_data", delete_data}}, cancelled);
    if (!result) return pass_on(result.error());
    return true;
}

Outcome<std::vector<std::string>> LocalDaemons::logs(const std::string& name, int lines) const {
    if (auto valid = check_name(name); !valid) return pass_on(valid.error());
    return last_lines(context_.daemon(name).log(), static_cast<std::size_t>(std::clamp(lines, 0, 10000)));
}

Outcome<std::vector<LocalDaemons::Service>> LocalDaemons::services() const {
    auto daemons = list();
    if (!daemons) return pass_on(daemons.error());
    std::vector<Service> services;
    for (const auto& daemon : *daemons) {
        for (const auto& [port, number] : daemon.ports)
            services.push_back({daemon.name, port, number});
    }
    return services;
}

Outcome<int> LocalDaemons::resolve(const std::string& service, const std::string& port) const {
    auto known = services();
    if (!known) return pass_on(known.error());
    std::string others;
    for (const auto& entry : *known) {
        if (entry.service == service && entry.port == port) return entry.number;
        others += (others.empty() ? "" : ", ") + entry.service + "/" + entry.port;
    }
    return problem("service-directory.not-found",
                   "no service " + service + " with a port named " + port + " is deployed",
                   others.empty() ? "nothing is deployed in this context" : "deployed are " + others);
}

}  // namespace harmony::local
