// The files of nats-server: one for what needs a restart, one for the users, which a reload takes over.
#pragma once

#include <string>
#include <vector>

#include "harmony/contracts/device_permissions.hpp"

namespace harmony::fleet_nats {

struct ServerSettings {
    int sync_interval_s = 2;
    int memory_mib = 256;
    int storage_mib = 4096;
};

struct ServerUser {
    std::string name;
    std::string password;
    bool unrestricted = false;
    contracts::SubjectPermissions permissions{};
};

inline constexpr const char* kServerFile = "nats-server.conf";
inline constexpr const char* kUsersFile = "users.conf";

// Includes kUsersFile beside it. Ports and folders are placeholders of process-host/1.
[[nodiscard]] std::string server_config(const ServerSettings& settings);
// Holds the passwords.
[[nodiscard]] std::string users_config(const std::vector<ServerUser>& users);

}  // namespace harmony::fleet_nats
