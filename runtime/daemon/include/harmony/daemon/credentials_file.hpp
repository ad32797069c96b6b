// The file that holds a daemon's user and password.
#pragma once

#include <string>

#include "harmony/result.hpp"

namespace harmony::runtime::daemon {

struct UserPassword {
    std::string user;
    std::string password;
};

// TOML with nats_user and nats_pass, in a file that nobody else can read (read_secret_file). No error shows a
// value.
[[nodiscard]] Result<UserPassword> read_credentials_file(const std::string& path);

}  // namespace harmony::runtime::daemon
