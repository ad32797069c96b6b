// container-runtime/1: podman (spec/capabilities.md).
#pragma once

#include <harmony/plugin/capability.hpp>
#include <map>
#include <string>
#include <vector>

namespace harmony::plugin {

struct ContainerRuntimeInfo {
    std::string socket;  // path where the API listens once ensure has returned
    bool running = false;
    std::string version{};

    static auto fields() {
        using Self = ContainerRuntimeInfo;
        return harmony::plugin::fields(field("socket", &Self::socket).required(),
                                       field("running", &Self::running), field("version", &Self::version));
    }
};

struct ContainerRuntimeEndpoint {
    std::string socket;
    std::string version{};

    static auto fields() {
        using Self = ContainerRuntimeEndpoint;
        return harmony::plugin::fields(field("socket", &Self::socket).required(),
                                       field("version", &Self::version));
    }
};

struct Container {
    std::string id;
    std::string name;
    std::string image;
    std::string state;
    std::map<std::string, std::string> labels{};

    static auto fields() {
        using Self = Container;
        return harmony::plugin::fields(field("id", &Self::id).required(), field("name", &Self::name),
                                       field("image", &Self::image), field("state", &Self::state),
                                       field("labels", &Self::labels));
    }
    friend bool operator==(const Container&, const Container&) = default;
};

class ContainerRuntime {
 public:
    static constexpr std::string_view kId = "container-runtime/1";
    using Labels = std::map<std::string, std::string>;

    virtual ~ContainerRuntime() = default;

    // Reads only.
    virtual Result<ContainerRuntimeInfo> info() = 0;
    // Its API service runs and answers.
    virtual Result<ContainerRuntimeEndpoint> ensure() = 0;
    // Reads only: the containers that carry all of these labels.
    virtual Result<std::vector<Container>> containers(const Labels& labels) = 0;
    // How many were removed. At least one label is required.
    virtual Result<std::int64_t> remove_containers(const Labels& labels) = 0;
    // Reads only.
    virtual Result<bool> image_exists(const std::string& image) = 0;

    [[nodiscard]] static std::unique_ptr<ContainerRuntime> client(CapabilityCaller& caller);
    [[nodiscard]] static Result<Json> dispatch(ContainerRuntime& server, std::string_view method,
                                               const Json& params);
};

}  // namespace harmony::plugin
