// Which cluster a context means, and what to say when there is none.
#pragma once

#include <functional>
#include <harmony/plugin/diagnostic.hpp>
#include <map>
#include <string>
#include <vector>

#include "cluster_session.hpp"
#include "harmony/kubernetes/access.hpp"

namespace harmony::cluster {

struct AccessSettings {
    std::string kubeconfig{};  // a path; empty: KUBECONFIG, or ~/.kube/config
    std::string context{};     // of the kubeconfig; empty: its current one
    std::string name_space{};  // empty: that of the context
};

using Environment = std::map<std::string, std::string>;

// What looks at this machine, so that the choice can be tested without one.
struct Machine {
    Environment environment;
    std::function<bool(const std::string& path)> exists;
    std::function<bool(const std::string& program)> has_program;
};
[[nodiscard]] Machine this_machine();

// The kubeconfig files that would be read, as kubectl finds them.
[[nodiscard]] std::vector<std::string> kubeconfig_paths(const AccessSettings& settings,
                                                        const Environment& environment);

// From a kubeconfig and nothing else.
[[nodiscard]] plugin::Result<api::ClusterAccess> kubeconfig_access(const AccessSettings& settings,
                                                                   const Machine& machine);
// From a kubeconfig, or from inside a pod. Otherwise kubernetes.no-access says what was looked for and how to
// get a cluster on this machine.
[[nodiscard]] plugin::Result<api::ClusterAccess> any_access(const AccessSettings& settings,
                                                            const Machine& machine);

[[nodiscard]] plugin::Result<Connection> connect(api::ClusterAccess access, const Environment& environment);

}  // namespace harmony::cluster
