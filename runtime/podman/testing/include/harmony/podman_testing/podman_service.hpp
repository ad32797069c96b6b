// A podman service of its own for a test or a bench, and an image that needs no registry.
#pragma once

#include <memory>
#include <string>

#include "harmony/result.hpp"

namespace harmony::runtime::podman_testing {

// Empty where podman can be used here, else why not (for "SKIPPED: ...").
[[nodiscard]] std::string podman_missing_reason();

// Whether containers run with podman's own defaults; found out once per process with a trial container. If
// not, the text of a containers.conf with which they do (an Error names what was tried).
struct TrialOutcome {
    bool defaults_work = false;
    std::string containers_conf;  // empty where the defaults work
};
[[nodiscard]] Result<TrialOutcome> find_working_containers_conf();

// `podman system service` on a socket in a temporary directory, over the user's normal container storage.
// Throws std::runtime_error where it can't be started. On destruction: removes the containers whose label
// `io.nationtech.harmony/test-run` is run_id(), the image, the process and the directory.
class PodmanServiceFixture {
 public:
    PodmanServiceFixture();
    ~PodmanServiceFixture();
    PodmanServiceFixture(const PodmanServiceFixture&) = delete;
    PodmanServiceFixture& operator=(const PodmanServiceFixture&) = delete;

    [[nodiscard]] const std::string& socket_path() const;
    // Unique; put it on every container as the label above and into container names.
    [[nodiscard]] const std::string& run_id() const;
    // A static busybox with its applets (sh, sleep, httpd, ...): localhost/harmony-test-<run id>:latest.
    [[nodiscard]] const std::string& image() const;
    // For children that call the podman program: "" or the path for CONTAINERS_CONF.
    [[nodiscard]] const std::string& containers_conf_path() const;

    void stop_service();  // the socket refuses from now on; containers stay
    void start_service();

 private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace harmony::runtime::podman_testing
