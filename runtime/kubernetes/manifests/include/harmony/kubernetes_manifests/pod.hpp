// A pod, as the template of a workload.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "harmony/kubernetes_manifests/core.hpp"

namespace harmony::kubernetes_manifests {

struct ContainerPort {
    std::string name;
    int port = 0;
    Protocol protocol = Protocol::Tcp;
};

// From a field of the pod itself, such as metadata.namespace.
struct FieldRef {
    std::string path;
};
struct EnvironmentVariable {
    std::string name;
    std::variant<std::string, FieldRef> value;
};

struct VolumeMount {
    std::string volume;
    std::string path;
    bool read_only = false;
};

// Whether it answers GET with a status below 400.
struct HttpProbe {
    std::string path;
    std::string port;  // the name of a container's port
    int initial_delay_s = 0;
    int period_s = 10;
    int timeout_s = 1;
    int failure_threshold = 3;
};

// Quantities such as 100m or 64Mi; an empty one is left out.
struct Resources {
    std::string cpu_request{};
    std::string memory_request{};
    std::string cpu_limit{};
    std::string memory_limit{};
};

struct Container {
    std::string name;
    std::string image;
    std::vector<std::string> command{};  // empty: the image's own
    std::vector<std::string> args{};
    std::vector<EnvironmentVariable> environment{};
    std::vector<ContainerPort> ports{};
    std::vector<VolumeMount> mounts{};
    std::optional<HttpProbe> startup{};
    std::optional<HttpProbe> readiness{};
    std::optional<HttpProbe> liveness{};
    Resources resources{};
    std::string pull_policy = "IfNotPresent";
    // Always: no privilege escalation, no capabilities.
    bool read_only_root = true;
};

struct SecretVolume {
    std::string secret;
    int mode = 0440;  // readable for PodSpec::fs_group
};
struct ConfigMapVolume {
    std::string config_map;
};
struct EmptyDirVolume {
    bool in_memory = false;
    std::string size_limit{};  // empty: none
};
struct ClaimVolume {
    std::string claim;
};
struct Volume {
    std::string name;
    std::variant<SecretVolume, ConfigMapVolume, EmptyDirVolume, ClaimVolume> source;
};

// The user of our images.
inline constexpr int kNonRootUser = 65532;

struct PodSpec {
    std::vector<Container> containers{};
    std::vector<Volume> volumes{};
    std::string service_account{};  // empty: the namespace's default one
    bool automount_token = false;
    std::vector<std::string> image_pull_secrets{};
    int termination_grace_s = 30;
    // Never root, with the container runtime's default seccomp profile.
    int user = kNonRootUser;
    int group = kNonRootUser;
    int fs_group = kNonRootUser;
};

struct PodTemplate {
    Labels labels{};
    Labels annotations{};
    PodSpec spec{};
};

[[nodiscard]] Json to_json(const Container& container);
[[nodiscard]] Json to_json(const PodSpec& spec);
[[nodiscard]] Json to_json(const PodTemplate& pod);

}  // namespace harmony::kubernetes_manifests
