// secret-store/1: named secrets of the context (spec/capabilities.md). Values never go into plans, logs or
// records.
#pragma once

#include <harmony/plugin/capability.hpp>
#include <string>
#include <vector>

namespace harmony::plugin {

struct EnsuredSecret {
    std::string value;
    bool created = false;

    static auto fields() {
        return harmony::plugin::fields(field("value", &EnsuredSecret::value).required().sensitive(),
                                       field("created", &EnsuredSecret::created));
    }
};

// Names are '/'-separated words of lowercase letters, digits and '-'.
class SecretStore {
 public:
    static constexpr std::string_view kId = "secret-store/1";
    static constexpr std::string_view kNotFound = "secret-store.not-found";

    virtual ~SecretStore() = default;

    // Reads only. kNotFound when there is none.
    virtual Result<std::string> get(const std::string& name) = 0;
    // Reads only: the names that begin with prefix, sorted.
    virtual Result<std::vector<std::string>> list(const std::string& prefix) = 0;
    // That many random bytes as unpadded base64url, unless the name exists.
    virtual Result<EnsuredSecret> ensure(const std::string& name, int bytes) = 0;
    virtual Result<void> put(const std::string& name, const std::string& value) = 0;
    // False when there was none.
    virtual Result<bool> remove(const std::string& name) = 0;

    [[nodiscard]] static std::unique_ptr<SecretStore> client(CapabilityCaller& caller);
    [[nodiscard]] static Result<Json> dispatch(SecretStore& server, std::string_view method,
                                               const Json& params);
};

}  // namespace harmony::plugin
