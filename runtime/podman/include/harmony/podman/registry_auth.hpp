// Credentials for image registries, in the format of containers-auth.json(5), and what an image's name says
// about its registry. No I/O.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "harmony/result.hpp"

namespace harmony::runtime::podman {

// Either a user with a password, or a token.
struct RegistryCredentials {
    std::string user;
    std::string password;
    std::string identity_token;

    bool operator==(const RegistryCredentials&) const = default;
};

class RegistryAuths {
 public:
    // {"auths":{"<registry>[/<path>]":{"auth":"<base64 of user:password>"}}}; "identitytoken" instead of
    // "auth" is a token. Programs that hand out credentials (credHelpers, credsStore) are refused: nothing
    // runs them here. InvalidInput names `file` and the member, and shows no value.
    [[nodiscard]] static Result<RegistryAuths> decode(std::string_view json, const std::string& file);

    // The entry for the longest part of the image's name, as podman does: registry/a/b, registry/a, registry.
    // Null where there is none, and for a short name: nobody knows which registry would see them.
    [[nodiscard]] const RegistryCredentials* find(std::string_view image) const;
    [[nodiscard]] std::size_t size() const { return entries_.size(); }

 private:
    std::map<std::string, RegistryCredentials, std::less<>> entries_;
};

// "host[:port]"; empty for a short name such as "busybox" or "library/busybox:1".
[[nodiscard]] std::string registry_of(std::string_view image);
// 127.0.0.0/8, [::1] and "localhost" with a port. ("localhost/x" without one is podman's own name for images
// that were built here.)
[[nodiscard]] bool is_loopback_registry(std::string_view registry);

// The value of libpod's header X-Registry-Auth: as secret as the credentials.
[[nodiscard]] std::string encode_registry_auth(const RegistryCredentials& credentials);

}  // namespace harmony::runtime::podman
