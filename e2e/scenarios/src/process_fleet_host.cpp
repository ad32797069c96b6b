#include "process_fleet_host.hpp"

#include <filesystem>

#include "fleet.hpp"
#include "harmony/contracts/device_permissions.hpp"
#include "harmony/fleet_access/nats_access.hpp"
#include "harmony/fleet_access/toml_text.hpp"

namespace harmony::fleet_e2e {

using plugin::failure;

namespace {

namespace fs = std::filesystem;

constexpr const char* kSecondDaemon = "second-operator";

template <class T>
Result<void> without_value(Result<T> done) {
    if (!done) return failure(std::move(done.error()));
    return {};
}

}  // namespace

Json ProcessFleetHost::settings_of(std::string_view score, Json settings) {
    if (score == "FleetNatsScore") settings["port"] = 0;
    return settings;
}

Result<Instance> ProcessFleetHost::instance(const std::string& program) {
    auto found = processes_.inspect(program);
    if (!found) return failure(std::move(found.error()));
    if (!*found) return failed("there is no daemon " + program);
    const auto pid = (*found)->pid;
    return Instance{pid == 0 ? "" : std::to_string(pid), (*found)->ready};
}

Result<void> ProcessFleetHost::stop(const std::string& program) {
    return without_value(processes_.stop(program));
}

Result<void> ProcessFleetHost::start(const std::string& program) {
    return without_value(processes_.restart(program));
}

Result<void> ProcessFleetHost::kill(const std::string& program) {
    return processes_.signal(program, "KILL");
}

Result<plugin::DaemonSpec> ProcessFleetHost::second_operator(const std::string& state_folder) {
    const auto url = fleet_access::NatsInputs(services_, secrets_, "", {}, "scenario").url();
    if (!url) return failure(url.error());
    const auto password = secrets_.get(std::string(fleet_access::kOperatorSecret));
    if (!password) return failure(password.error());
    using fleet_access::toml_string;
    plugin::DaemonSpec spec{.name = kSecondDaemon, .program = "harmony-fleet-operator"};
    spec.args = {"--config", "@{config}/operator.toml"};
    spec.files = {
        {.path = "operator.toml",
         .content = "[operator]\nnamespace = \"fleet-system\"\nstate_dir = " + toml_string(state_folder) +
                    "\nhealth_port = @{port:health}\nheartbeat_interval_s = 2\n"
                    "heartbeat_stale_after_s = 6\nlog_level = \"info\"\n\n[nats]\nurls = [" +
                    toml_string(*url) +
                    "]\n\n[credentials]\ntype = \"toml-shared\"\nfile = "
                    "\"@{config}/credentials.toml\"\n"},
        {.path = "credentials.toml",
         .content = fleet_access::toml_credentials(contracts::kOperatorUser, *password),
         .sensitive = true}};
    spec.ports = {{.name = "health", .port = 0}};
    spec.readiness = {.kind = plugin::ReadinessKind::Http, .port = "health", .path = "/readyz"};
    return spec;
}

Result<void> ProcessFleetHost::copy_resources(const std::string& to) {
    const auto first = processes_.inspect(kOperatorDaemon);
    if (!first) return failure(first.error());
    if (!*first) return failed(std::string("there is no daemon ") + kOperatorDaemon);
    std::error_code problem;
    fs::create_directories(to, problem);
    fs::permissions(to, fs::perms::owner_all, problem);
    for (const char* name : {"resources.sqlite", "resources.sqlite-wal"}) {
        const fs::path from = fs::path((*first)->data_dir) / name;
        if (fs::exists(from)) fs::copy_file(from, fs::path(to) / name, problem);
    }
    if (problem) return failed("copying the operator's resources: " + problem.message());
    return {};
}

Result<void> ProcessFleetHost::add_operator() {
    const std::string folder = (fs::path(session_.state_dir) / kSecondDaemon).string();
    if (auto stopped = stop(kOperatorDaemon); !stopped) return stopped;
    if (auto copied = copy_resources(folder); !copied) return copied;
    if (auto started = start(kOperatorDaemon); !started) return started;
    const auto spec = second_operator(folder);
    if (!spec) return failure(spec.error());
    return without_value(processes_.ensure(*spec));
}

Result<void> ProcessFleetHost::remove_second_operator() {
    return without_value(processes_.remove(kSecondDaemon, true));
}

}  // namespace harmony::fleet_e2e
