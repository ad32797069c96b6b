#include "fleet_nats_score.hpp"

#include <algorithm>
#include <set>

#include "harmony/contracts/names.hpp"
#include "harmony/fleet_access/daemon_steps.hpp"
#include "harmony/fleet_access/nats_access.hpp"
#include "server_check.hpp"
#include "server_config.hpp"

namespace harmony::fleet_nats {

using namespace fleet_access;
using plugin::Action;
using plugin::Check;
using plugin::DaemonSpec;
using plugin::Difference;
using plugin::failure;
using plugin::Object;
using plugin::Plan;
using plugin::PlanRequest;
using plugin::Purpose;
using plugin::Result;
using plugin::SecretStore;
using plugin::Step;

namespace {

constexpr const char* kCredentialsStep = "credentials";
constexpr const char* kSecretPrefix = "nats/";
constexpr int kPasswordBytes = 32;  // 256 random bits: beyond guessing, so no slow hash protects them
// Each is a connection of its own; a large fleet is checked by its first devices.
constexpr std::size_t kCheckedDevices = 16;

Object credentials_object() {
    return {.kind = "credentials", .name = std::string(kNatsDaemon)};
}

// Validated before, so that every id parses.
contracts::DeviceId device_id(const std::string& text) {
    return contracts::DeviceId::parse(text).value_or(contracts::DeviceId());
}

// In the order of users_of().
std::vector<std::string> wanted_secrets(const NatsParameters& parameters) {
    std::vector<std::string> names{std::string(kAdminSecret), std::string(kOperatorSecret)};
    for (const auto& device : parameters.devices)
        names.push_back(device_secret(device_id(device)));
    if (parameters.simulator) names.emplace_back(kSimulatorSecret);
    return names;
}

struct SecretChanges {
    std::vector<std::string> missing;
    std::vector<std::string> stale;  // of devices that are no longer named

    [[nodiscard]] bool empty() const { return missing.empty() && stale.empty(); }
};

Result<SecretChanges> secret_changes(SecretStore& store, const std::vector<std::string>& wanted) {
    const auto present = store.list(kSecretPrefix);
    if (!present) return failure(present.error());
    const std::set<std::string> have(present->begin(), present->end());
    const std::set<std::string> want(wanted.begin(), wanted.end());
    SecretChanges changes;
    std::set_difference(want.begin(), want.end(), have.begin(), have.end(),
                        std::back_inserter(changes.missing));
    for (const auto& name : have) {
        const bool withdrawable = name.starts_with(kDeviceSecretPrefix) || name == kSimulatorSecret;
        if (withdrawable && !want.contains(name)) changes.stale.push_back(name);
    }
    return changes;
}

// The password, or a text that is none while the secret does not exist yet.
Result<std::string> password_of(SecretStore& store, const std::string& name) {
    auto value = store.get(name);
    if (value || value.error().code != SecretStore::kNotFound) return value;
    return std::string(kKnownLater);
}

Result<std::vector<ServerUser>> users_of(SecretStore& store, const NatsParameters& parameters) {
    std::vector<ServerUser> users{
        {.name = std::string(contracts::kAdminUser), .password = {}, .unrestricted = true},
        {.name = std::string(contracts::kOperatorUser),
         .password = {},
         .permissions = contracts::operator_permissions()}};
    for (const auto& device : parameters.devices) {
        const auto id = device_id(device);
        users.push_back({.name = contracts::device_user(id),
                         .password = {},
                         .permissions = contracts::device_permissions(id)});
    }
    if (parameters.simulator) {
        users.push_back({.name = std::string(contracts::kSimulatorUser),
                         .password = {},
                         .permissions = contracts::simulator_permissions()});
    }
    const auto names = wanted_secrets(parameters);
    for (std::size_t i = 0; i < users.size(); ++i) {
        auto password = password_of(store, names[i]);
        if (!password) return failure(std::move(password.error()));
        users[i].password = std::move(*password);
    }
    return users;
}

Result<DaemonSpec> daemon_spec(SecretStore& store, const NatsParameters& parameters) {
    auto users = users_of(store, parameters);
    if (!users) return failure(std::move(users.error()));
    DaemonSpec spec{.name = std::string(kNatsDaemon), .program = "nats-server"};
    spec.args = {"--config", std::string("@{config}/") + kServerFile};
    spec.files = {
        {.path = kServerFile,
         .content = server_config({parameters.jetstream_sync_interval_s, parameters.jetstream_memory_mib,
                                   parameters.jetstream_storage_mib})},
        {.path = kUsersFile, .content = users_config(*users), .sensitive = true, .reloadable = true}};
    spec.ports = {{.name = std::string(kNatsClientPort), .port = parameters.port},
                  {.name = std::string(kNatsMonitorPort), .port = 0}};
    spec.readiness = {
        .kind = plugin::ReadinessKind::Http, .port = std::string(kNatsMonitorPort), .path = "/healthz"};
    spec.reload_signal = "HUP";
    return spec;
}

Step credentials_step(const SecretChanges& changes, bool first) {
    Step step{.id = kCredentialsStep,
              .action = first ? Action::Create : Action::Update,
              .object = credentials_object(),
              .summary = "make and withdraw passwords of NATS users"};
    for (const auto& names : {changes.missing, changes.stale}) {
        for (const auto& name : names)
            step.diff.push_back({.path = name, .sensitive = true});
    }
    return step;
}

Result<void> remove_secrets(SecretStore& store, const std::vector<std::string>& names) {
    for (const auto& name : names) {
        if (auto removed = store.remove(name); !removed) return failure(std::move(removed.error()));
    }
    return {};
}

Result<void> apply_credentials(SecretStore& store, const NatsParameters& parameters) {
    const auto changes = secret_changes(store, wanted_secrets(parameters));
    if (!changes) return failure(changes.error());
    for (const auto& name : changes->missing) {
        if (auto made = store.ensure(name, kPasswordBytes); !made) return failure(std::move(made.error()));
    }
    return remove_secrets(store, changes->stale);
}

}  // namespace

Result<void> FleetNatsScore::validate(Run& run) {
    std::set<std::string> seen;
    const auto& devices = run.params().devices;
    for (std::size_t i = 0; i < devices.size(); ++i) {
        const std::string path = "devices[" + std::to_string(i) + "]";
        if (auto id = contracts::DeviceId::parse(devices[i]); !id) {
            return plugin::invalid_parameter(path, path + ": " + id.error().text());
        }
        if (!seen.insert(devices[i]).second) {
            return plugin::invalid_parameter(path,
                                             path + ": the device id " + devices[i] + " is there twice");
        }
    }
    return {};
}

Result<std::vector<Object>> FleetNatsScore::read(Run& run) {
    std::vector<Object> objects;
    const auto secrets = run.use<SecretStore>().list(kSecretPrefix);
    if (!secrets) return failure(secrets.error());
    if (!secrets->empty()) {
        objects.push_back(credentials_object());
        objects.back().detail = std::to_string(secrets->size()) + " users";
    }
    const auto daemon = run.use<plugin::ProcessHost>().inspect(std::string(kNatsDaemon));
    if (!daemon) return failure(daemon.error());
    if (*daemon) objects.push_back(daemon_object(**daemon));
    return objects;
}

Result<Plan> FleetNatsScore::plan(Run& run, const PlanRequest& request) {
    auto& store = run.use<SecretStore>();
    auto& host = run.use<plugin::ProcessHost>();
    Plan plan;
    if (request.purpose == Purpose::Destroy) {
        auto removal =
            daemon_removal(host, std::string(kNatsDaemon), request.delete_data, "its JetStream data");
        if (!removal) return failure(std::move(removal.error()));
        if (*removal) plan.steps.push_back(std::move(**removal));
        const auto secrets = store.list(kSecretPrefix);
        if (!secrets) return failure(secrets.error());
        if (!secrets->empty()) {
            plan.steps.push_back(
                {.id = kCredentialsStep, .action = Action::Delete, .object = credentials_object()});
        }
        return plan;
    }
    const auto changes = secret_changes(store, wanted_secrets(run.params()));
    if (!changes) return failure(changes.error());
    const auto spec = daemon_spec(store, run.params());
    if (!spec) return failure(spec.error());
    auto step = daemon_step(host, *spec, "port");
    if (!step) return failure(std::move(step.error()));
    if (!changes->empty()) {
        const auto known = std::find(changes->missing.begin(), changes->missing.end(), kAdminSecret);
        plan.steps.push_back(credentials_step(*changes, known != changes->missing.end()));
    }
    if (*step) plan.steps.push_back(std::move(**step));
    return plan;
}

Result<std::vector<Object>> FleetNatsScore::apply(Run& run, const Step& step) {
    auto& store = run.use<SecretStore>();
    // Also before the daemon's step: a plan may have been made when the secrets were there.
    if (auto made = apply_credentials(store, run.params()); !made) return failure(std::move(made.error()));
    if (step.id == kCredentialsStep) return read(run);
    const auto spec = daemon_spec(store, run.params());
    if (!spec) return failure(spec.error());
    run.progress("starting nats-server");
    if (auto ensured = run.use<plugin::ProcessHost>().ensure(*spec); !ensured) {
        return failure(std::move(ensured.error()));
    }
    return read(run);
}

Result<std::vector<Check>> FleetNatsScore::verify(Run& run) {
    auto& store = run.use<SecretStore>();
    const auto daemon = run.use<plugin::ProcessHost>().inspect(std::string(kNatsDaemon));
    if (!daemon) return failure(daemon.error());
    if (!*daemon || !(*daemon)->ports.contains(std::string(kNatsClientPort))) {
        return std::vector<Check>{{.name = "nats-server runs", .ok = false}};
    }
    auto ports = (*daemon)->ports;
    const std::string url = "nats://127.0.0.1:" + std::to_string(ports.at(std::string(kNatsClientPort)));
    const auto admin = store.get(std::string(kAdminSecret));
    if (!admin) return failure(admin.error());
    std::vector<Check> checks{check_version(ports[std::string(kNatsMonitorPort)]),
                              check_jetstream(url, *admin)};
    for (const auto& text : run.params().devices) {
        if (checks.size() >= 2 + kCheckedDevices) break;
        if (run.cancelled()) return plugin::cancelled_failure();
        const auto device = device_id(text);
        const auto password = store.get(device_secret(device));
        if (!password) return failure(password.error());
        checks.push_back(check_device(run.call(), url, device, *password));
    }
    return checks;
}

Result<std::vector<Object>> FleetNatsScore::destroy(Run& run, const Step& step) {
    if (step.id == kCredentialsStep) {
        auto& store = run.use<SecretStore>();
        const auto secrets = store.list(kSecretPrefix);
        if (!secrets) return failure(secrets.error());
        if (auto removed = remove_secrets(store, *secrets); !removed)
            return failure(std::move(removed.error()));
    } else {
        auto removed = run.use<plugin::ProcessHost>().remove(std::string(kNatsDaemon), step.destructive);
        if (!removed) return failure(std::move(removed.error()));
    }
    return read(run);
}

}  // namespace harmony::fleet_nats
