// secret-store/1 on Secrets of the default namespace: one Secret for each, labelled with the context.
#pragma once

#include <harmony/capability/secret_store.hpp>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cluster_session.hpp"

namespace harmony::cluster {

class SecretObjects final : public plugin::SecretStore {
 public:
    explicit SecretObjects(ClusterSession& session) : session_(session) {}

    plugin::Result<std::string> get(const std::string& name) override;
    plugin::Result<std::vector<std::string>> list(const std::string& prefix) override;
    // Two that ensure the same name at once get the same value: only one creation succeeds.
    plugin::Result<plugin::EnsuredSecret> ensure(const std::string& name, int bytes) override;
    // Replaces only what was read, and tries again when somebody else was faster.
    plugin::Result<void> put(const std::string& name, const std::string& value) override;
    plugin::Result<bool> remove(const std::string& name) override;

 private:
    [[nodiscard]] plugin::Result<api::ObjectRef> ref(const std::string& name);
    // Nothing when there is none.
    [[nodiscard]] plugin::Result<std::optional<json>> read(const api::ObjectRef& ref);
    // The Secret of that name and value, in a namespace that is made when it is missing.
    [[nodiscard]] plugin::Result<api::Answer<json>> create(const api::ObjectRef& ref, const std::string& name,
                                                           const std::string& value);
    [[nodiscard]] json secret(const api::ObjectRef& ref, const std::string& name, const std::string& value);

    ClusterSession& session_;
};

// The name of the object: `harmony.<context>.<name>` with dots for slashes. Invalid parameter: a name that no
// object can have.
[[nodiscard]] plugin::Result<std::string> secret_object_name(const std::string& context,
                                                             const std::string& name);

}  // namespace harmony::cluster
