// The users of the server on a cluster: the running server is told, through its own account, to load them.
#pragma once

#include <string>

#include "cluster_desired.hpp"
#include "system_account.hpp"

namespace harmony::fleet_nats {

// nats://<host>:<port>, where the server can be reached from here; waits for so long until it can.
[[nodiscard]] plugin::Result<std::string> client_url(FleetNatsScore::Run& run, int timeout_s);
[[nodiscard]] plugin::Result<SystemAccount> system_account(FleetNatsScore::Run& run, const std::string& url);

// Before the StatefulSet is applied. True when its pod has to be started anew to get the users: the server
// can't be reached, or does not load them in time. Does nothing where the server has them, where there is
// none, or where what is applied starts it anew anyway.
[[nodiscard]] plugin::Result<bool> reload_users(FleetNatsScore::Run& run, const ClusterDesired& wanted);

// Of the smoke test.
[[nodiscard]] plugin::Check loaded_check(const ServerFacts& facts, const std::string& revision);

}  // namespace harmony::fleet_nats
