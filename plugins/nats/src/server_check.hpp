// The smoke test of a NATS server, from where its users stand.
#pragma once

#include <harmony/capability/secret_store.hpp>
#include <harmony/plugin/call.hpp>
#include <harmony/plugin/plan.hpp>
#include <string>
#include <vector>

#include "fleet_nats_score.hpp"
#include "harmony/contracts/names.hpp"

namespace harmony::fleet_nats {

// Asks the monitoring port: JetStream's permissions of direct gets need 2.10.
[[nodiscard]] plugin::Check check_version(int monitor_port);
// The same check of a version that is known.
[[nodiscard]] plugin::Check version_check(const std::string& version);
// JetStream answers the administrator.
[[nodiscard]] plugin::Check check_jetstream(const std::string& url, const std::string& password);
// The device is admitted to its own subjects, and refused another device's and JetStream's API. Waits up to
// five seconds for a reload to take effect.
[[nodiscard]] plugin::Check check_device(plugin::Call& call, const std::string& url,
                                         const contracts::DeviceId& device, const std::string& password);

// `checks`, and after them JetStream and the first devices of the parameters, with the passwords of the
// store.
[[nodiscard]] plugin::Result<std::vector<plugin::Check>> check_users(plugin::Call& call,
                                                                     plugin::SecretStore& store,
                                                                     const std::string& url,
                                                                     const NatsParameters& parameters,
                                                                     std::vector<plugin::Check> checks);

// "2.10.27" is at least 2.10; false for what is no version.
[[nodiscard]] bool is_supported_version(const std::string& version);

}  // namespace harmony::fleet_nats
