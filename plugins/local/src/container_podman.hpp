// container-runtime/1 through podman, with an API service of the context's own. The storage is the user's
// usual one, so that `podman ps` shows what runs; a podman socket of the user's own is not touched.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "local_daemons.hpp"

namespace harmony::local {

class ContainerPodman {
 public:
    struct Info {
        std::string socket;
        bool running = false;
        std::string version;
    };
    struct Container {
        std::string id;
        std::string name;
        std::string image;
        std::string state;
        std::map<std::string, std::string> labels;
    };
    using Labels = std::map<std::string, std::string>;
    // The daemon's name in process-host/1.
    static constexpr const char* kDaemon = "podman";

    explicit ContainerPodman(LocalDaemons& daemons) : daemons_(daemons) {}

    // container-runtime.missing says how to install it.
    [[nodiscard]] static Outcome<std::string> find_program();
    [[nodiscard]] Outcome<Info> info() const;
    [[nodiscard]] Outcome<Info> ensure(const LocalDaemons::Cancelled& cancelled);
    [[nodiscard]] Outcome<std::vector<Container>> containers(const Labels& labels) const;
    [[nodiscard]] Outcome<int> remove_containers(const Labels& labels);
    [[nodiscard]] Outcome<bool> image_exists(const std::string& image) const;

 private:
    [[nodiscard]] Outcome<std::string> version() const;
    [[nodiscard]] std::string socket() const;
    LocalDaemons& daemons_;
};

}  // namespace harmony::local
