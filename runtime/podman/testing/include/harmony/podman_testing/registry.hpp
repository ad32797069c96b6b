// A real image registry for tests: docker-registry on a free loopback port, with a user and a password.
#pragma once

#include <memory>
#include <string>

#include "harmony/podman_testing/podman_service.hpp"

namespace harmony::runtime::podman_testing {

// Empty where the registry can be used here, else why not (for "SKIPPED: ...").
[[nodiscard]] std::string registry_missing_reason();

// Throws std::runtime_error where it can't be started. The podman fixture must outlive it. On destruction:
// the process and its directory go, and the images that push() made.
class RegistryFixture {
 public:
    explicit RegistryFixture(const PodmanServiceFixture& podman);
    ~RegistryFixture();
    RegistryFixture(const RegistryFixture&) = delete;
    RegistryFixture& operator=(const RegistryFixture&) = delete;

    [[nodiscard]] const std::string& address() const;  // 127.0.0.1:<port>
    [[nodiscard]] const std::string& user() const;
    [[nodiscard]] const std::string& password() const;
    // The text of a containers-auth.json with these.
    [[nodiscard]] std::string auth_file_text() const;

    // Puts the podman fixture's image there under this name and removes the local copy of the name; returns
    // the whole name, "127.0.0.1:<port>/harmony/<name>:1".
    std::string push(const std::string& name);

 private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace harmony::runtime::podman_testing
