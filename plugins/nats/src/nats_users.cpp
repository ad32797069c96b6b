#include "nats_users.hpp"

#include <algorithm>
#include <iterator>
#include <set>

#include "harmony/fleet_access/nats_access.hpp"
#include "harmony/fleet_access/score_names.hpp"

namespace harmony::fleet_nats {

using namespace fleet_access;
using plugin::Result;

namespace {

constexpr int kPasswordBytes = 32;  // 256 random bits: beyond guessing, so no slow hash protects them

Result<void> remove_secrets(SecretStore& store, const std::vector<std::string>& names) {
    for (const auto& name : names) {
        if (auto removed = store.remove(name); !removed) return failure(std::move(removed.error()));
    }
    return {};
}

}  // namespace

Object credentials_object() {
    return {.kind = "credentials", .name = std::string(kNatsDaemon)};
}

contracts::DeviceId device_id(const std::string& text) {
    return contracts::DeviceId::parse(text).value_or(contracts::DeviceId());
}

// The first ones in the order of users_of().
std::vector<std::string> wanted_secrets(const NatsParameters& parameters,
                                        const std::vector<std::string>& further) {
    std::vector<std::string> names{std::string(kAdminSecret), std::string(kOperatorSecret)};
    for (const auto& device : parameters.devices)
        names.push_back(device_secret(device_id(device)));
    if (parameters.simulator) names.emplace_back(kSimulatorSecret);
    names.insert(names.end(), further.begin(), further.end());
    return names;
}

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

Step credentials_step(const SecretChanges& changes) {
    const auto admin = std::find(changes.missing.begin(), changes.missing.end(), kAdminSecret);
    Step step{.id = kCredentialsStep,
              .action = admin != changes.missing.end() ? Action::Create : Action::Update,
              .object = credentials_object(),
              .summary = "make and withdraw passwords of NATS users"};
    for (const auto& names : {changes.missing, changes.stale}) {
        for (const auto& name : names)
            step.diff.push_back({.path = name, .sensitive = true});
    }
    return step;
}

Result<void> apply_credentials(SecretStore& store, const std::vector<std::string>& wanted) {
    const auto changes = secret_changes(store, wanted);
    if (!changes) return failure(changes.error());
    for (const auto& name : changes->missing) {
        if (auto made = store.ensure(name, kPasswordBytes); !made) return failure(std::move(made.error()));
    }
    return remove_secrets(store, changes->stale);
}

Result<void> remove_credentials(SecretStore& store) {
    const auto secrets = store.list(kSecretPrefix);
    if (!secrets) return failure(secrets.error());
    return remove_secrets(store, *secrets);
}

Result<std::vector<Step>> credentials_removal(SecretStore& store) {
    const auto secrets = store.list(kSecretPrefix);
    if (!secrets) return failure(secrets.error());
    std::vector<Step> steps;
    if (!secrets->empty())
        steps.push_back({.id = kCredentialsStep, .action = Action::Delete, .object = credentials_object()});
    return steps;
}

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

Result<std::vector<Object>> read_credentials(SecretStore& store) {
    const auto secrets = store.list(kSecretPrefix);
    if (!secrets) return failure(secrets.error());
    std::vector<Object> objects;
    if (secrets->empty()) return objects;
    objects.push_back(credentials_object());
    objects.back().detail = std::to_string(secrets->size()) + " users";
    return objects;
}

}  // namespace harmony::fleet_nats
