// Containers that exist in memory only, for unit tests. Link harmony::podman_fake.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "harmony/podman/container_runtime.hpp"

namespace harmony::runtime::podman {

// Behaves as podman does towards its caller (one test body runs against both). Thread-safe. Of programs,
// exec() knows `echo WORD...`, `false` and `sleep SECONDS`; any other could not be started.
class FakeContainerRuntime : public ContainerRuntime {
 public:
    [[nodiscard]] static std::unique_ptr<FakeContainerRuntime> create_runtime();

    // "create web", "start web", "stop web", "remove web", "pull busybox", "list", "inspect web", ...; names,
    // not ids.
    [[nodiscard]] virtual std::vector<std::string> calls() const = 0;
    virtual void forget_calls() = 0;
    // The n-th next call (1: the very next) of this verb fails.
    virtual void fail_next(std::string verb, int nth, Error error) = 0;
    // Until told otherwise every call is Unavailable, as with a missing socket.
    virtual void set_available(bool available) = 0;

    // Images that exist locally, and images a pull would find.
    virtual void add_image(std::string image) = 0;
    virtual void add_registry_image(std::string image) = 0;
    // Called in each pull of an image that the registry has, on the puller's thread: one that blocks is a
    // slow registry.
    virtual void on_pull(std::function<void(const std::string& image)> hook) = 0;
    // What the latest stop() was asked for.
    [[nodiscard]] virtual std::chrono::seconds last_grace() const = 0;

    // The process inside ends; restart policies are honoured as podman does (Always and OnFailure restart
    // it).
    virtual void exit_container(const std::string& container, int exit_code) = 0;
    // Containers of this image end at once with this code when started (init containers).
    virtual void exit_on_start(std::string image, int exit_code) = 0;
    virtual void set_logs(const std::string& container, std::vector<LogLine> lines) = 0;
    // Whoever follows is told. Its second is set_time()'s.
    virtual void append_log(const std::string& container, LogLine line) = 0;
    // Lines that whoever follows has taken, of all containers.
    [[nodiscard]] virtual std::size_t lines_followed() const = 0;
    // Ends every followed stream with Unavailable, as a restart of podman does.
    virtual void break_streams() = 0;
    [[nodiscard]] virtual std::optional<ContainerSpec> spec_of(const std::string& container) const = 0;
    // The seconds stamped on created_at and started_at.
    virtual void set_time(std::int64_t seconds) = 0;
};

}  // namespace harmony::runtime::podman
