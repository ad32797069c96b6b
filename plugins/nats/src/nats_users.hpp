// The users of the server and their passwords, which live in the context's secret store.
#pragma once

#include <harmony/capability/secret_store.hpp>
#include <harmony/plugin/plan.hpp>
#include <string>
#include <vector>

#include "fleet_nats_score.hpp"
#include "harmony/contracts/names.hpp"
#include "server_config.hpp"

namespace harmony::fleet_nats {

inline constexpr const char* kCredentialsStep = "credentials";
inline constexpr const char* kSecretPrefix = "nats/";
// Of the server's own account, by which it is asked and told to reload where no signal reaches it.
inline constexpr const char* kSystemSecret = "nats/system";

[[nodiscard]] plugin::Object credentials_object();
// Validated before, so that every id parses.
[[nodiscard]] contracts::DeviceId device_id(const std::string& text);

// Names of secrets. `further` are those that not every deployment of the server has.
[[nodiscard]] std::vector<std::string> wanted_secrets(const NatsParameters& parameters,
                                                      const std::vector<std::string>& further = {});

struct SecretChanges {
    std::vector<std::string> missing;
    std::vector<std::string> stale;  // of devices that are no longer named

    [[nodiscard]] bool empty() const { return missing.empty() && stale.empty(); }
};
[[nodiscard]] plugin::Result<SecretChanges> secret_changes(plugin::SecretStore& store,
                                                           const std::vector<std::string>& wanted);
[[nodiscard]] plugin::Step credentials_step(const SecretChanges& changes);
[[nodiscard]] plugin::Result<void> apply_credentials(plugin::SecretStore& store,
                                                     const std::vector<std::string>& wanted);
// All that there are.
[[nodiscard]] plugin::Result<void> remove_credentials(plugin::SecretStore& store);
// A removal of all that there are; none when there are none.
[[nodiscard]] plugin::Result<std::vector<plugin::Step>> credentials_removal(plugin::SecretStore& store);

// The password, or a text that is none while the secret does not exist yet.
[[nodiscard]] plugin::Result<std::string> password_of(plugin::SecretStore& store, const std::string& name);
[[nodiscard]] plugin::Result<std::vector<ServerUser>> users_of(plugin::SecretStore& store,
                                                               const NatsParameters& parameters);

// The credentials as an object of read(); nothing when there are none.
[[nodiscard]] plugin::Result<std::vector<plugin::Object>> read_credentials(plugin::SecretStore& store);

}  // namespace harmony::fleet_nats
