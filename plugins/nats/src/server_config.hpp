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

// Where a server listens and keeps its data. By default the placeholders of process-host/1.
struct ServerPlace {
    std::string listen = "127.0.0.1:@{port:client}";
    std::string monitor = "127.0.0.1:@{port:monitor}";
    std::string data = "@{data}";
    // Whether kSystemFile is beside it: an account by which the server itself is asked and told to reload.
    bool system_account = false;
};

struct ServerUser {
    std::string name;
    std::string password;
    bool unrestricted = false;
    contracts::SubjectPermissions permissions{};
};

inline constexpr const char* kServerFile = "nats-server.conf";
inline constexpr const char* kUsersFile = "users.conf";
inline constexpr const char* kSystemFile = "system.conf";

// Includes kUsersFile beside it.
[[nodiscard]] std::string server_config(const ServerSettings& settings, const ServerPlace& place = {});
// Holds the passwords.
[[nodiscard]] std::string users_config(const std::vector<ServerUser>& users);
// Holds a password. The server tells `revision` to whoever asks it, so that it is known what it has loaded.
[[nodiscard]] std::string system_config(const std::string& password, const std::string& revision);

inline constexpr const char* kSystemUser = "system";

}  // namespace harmony::fleet_nats
