#include "cluster_access.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "diagnostics.hpp"

namespace harmony::cluster {
namespace {

using plugin::Result;

constexpr const char* kDockerSocket = "/var/run/docker.sock";

std::string value_of(const Environment& environment, const std::string& name) {
    const auto found = environment.find(name);
    return found == environment.end() ? std::string() : found->second;
}

std::vector<std::string> split(const std::string& text, char separator) {
    std::vector<std::string> parts;
    std::size_t start = 0;
    while (start <= text.size()) {
        const std::size_t end = std::min(text.find(separator, start), text.size());
        if (end > start) parts.push_back(text.substr(start, end - start));
        start = end + 1;
    }
    return parts;
}

std::string joined(const std::vector<std::string>& parts) {
    std::string text;
    for (const auto& part : parts)
        text += (text.empty() ? "" : ", ") + part;
    return text;
}

bool on_path(const std::string& path, const std::string& program) {
    const auto folders = split(path, ':');
    return std::any_of(folders.begin(), folders.end(), [&](const std::string& folder) {
        return ::access((folder + "/" + program).c_str(), X_OK) == 0;
    });
}

// How to get a cluster, given what is on this machine.
std::string way_to_a_cluster(const Machine& machine) {
    const bool docker = machine.exists(kDockerSocket);
    const bool k3d = machine.has_program("k3d");
    const std::string make = "k3d cluster create fleet, which also writes the kubeconfig";
    const std::string other = "; or name the kubeconfig of a cluster in the context's setting kubeconfig";
    if (docker && k3d) return "make one on this machine's Docker engine: " + make + other;
    if (docker) {
        return "this machine has a Docker engine: install k3d (https://k3d.io) and run " + make + other;
    }
    return "name the kubeconfig of a cluster in the context's setting kubeconfig, or install a Docker engine "
           "and k3d and run " +
           make;
}

Result<api::ClusterAccess> with_namespace(api::Answer<api::ClusterAccess> access,
                                          const AccessSettings& settings) {
    if (!access) return diagnose(access.error());
    if (!settings.name_space.empty()) access->name_space = settings.name_space;
    return std::move(*access);
}

bool any_exists(const std::vector<std::string>& paths, const Machine& machine) {
    return std::any_of(paths.begin(), paths.end(), machine.exists);
}

}  // namespace

Machine this_machine() {
    Machine machine;
    for (const char* name : {"HOME", "KUBECONFIG", "KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT"}) {
        if (const char* value = std::getenv(name)) machine.environment.emplace(name, value);
    }
    machine.exists = [](const std::string& path) {
        std::error_code ignored;
        return std::filesystem::exists(path, ignored);
    };
    const char* path = std::getenv("PATH");
    machine.has_program = [path = std::string(path == nullptr ? "" : path)](const std::string& program) {
        return on_path(path, program);
    };
    return machine;
}

std::vector<std::string> kubeconfig_paths(const AccessSettings& settings, const Environment& environment) {
    if (!settings.kubeconfig.empty()) return {settings.kubeconfig};
    auto named = split(value_of(environment, "KUBECONFIG"), ':');
    if (!named.empty()) return named;
    const std::string home = value_of(environment, "HOME");
    return home.empty() ? std::vector<std::string>() : std::vector{home + "/.kube/config"};
}

Result<api::ClusterAccess> kubeconfig_access(const AccessSettings& settings, const Machine& machine) {
    const auto paths = kubeconfig_paths(settings, machine.environment);
    if (!any_exists(paths, machine)) {
        return plugin::failure("kubernetes.no-access",
                               "there is no kubeconfig; looked for: " +
                                   (paths.empty() ? "none, since HOME is not set" : joined(paths)),
                               "name one in the context's setting kubeconfig, or in KUBECONFIG");
    }
    Environment environment = machine.environment;
    if (!settings.kubeconfig.empty()) environment["KUBECONFIG"] = settings.kubeconfig;
    return with_namespace(api::load_kubeconfig(environment, settings.context), settings);
}

Result<api::ClusterAccess> any_access(const AccessSettings& settings, const Machine& machine) {
    const auto paths = kubeconfig_paths(settings, machine.environment);
    const bool said = !settings.kubeconfig.empty() || !settings.context.empty();
    if (said || any_exists(paths, machine)) return kubeconfig_access(settings, machine);
    if (!value_of(machine.environment, "KUBERNETES_SERVICE_HOST").empty())
        return with_namespace(api::in_cluster_access(machine.environment), settings);
    return plugin::failure("kubernetes.no-access",
                           "there is no cluster; looked for a kubeconfig (" +
                               (paths.empty() ? "none, since HOME is not set" : joined(paths)) +
                               ") and for the service account of a pod (KUBERNETES_SERVICE_HOST is not set)",
                           way_to_a_cluster(machine));
}

Result<Connection> connect(api::ClusterAccess access, const Environment& environment) {
    const bool bracketed = access.host.find(':') != std::string::npos;
    Connection connection;
    connection.origin = access.origin;
    connection.host = access.host;
    connection.server = "https://" + (bracketed ? "[" + access.host + "]" : access.host) + ":" +
                        std::to_string(access.port) + access.path_prefix;
    connection.name_space = access.name_space;
    connection.inside = access.host == value_of(environment, "KUBERNETES_SERVICE_HOST");
    auto client = api::make_kubernetes_client(access);
    if (!client) return diagnose(client.error());
    connection.client = std::move(*client);
    return connection;
}

}  // namespace harmony::cluster
