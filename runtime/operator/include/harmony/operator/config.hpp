// The operator's configuration file, TOML:
//
//     [operator]
//     namespace = "fleet-system"
//     state_dir = "/var/lib/harmony-fleet-operator"   # 0700; holds resources.sqlite
//     health_address = "127.0.0.1"                    # "0.0.0.0" in a pod
//     health_port = 0                                 # 0: a free one, written to state_dir/health-port
//     heartbeat_interval_s = 30                       # what the agents use
//     heartbeat_stale_after_s = 90                    # at least two intervals
//     log_level = "info"                              # debug, info, warning, error
//     [nats]
//     urls = ["nats://127.0.0.1:4222"]
//     [credentials]
//     type = "toml-shared"
//     file = "/etc/harmony/operator-credentials.toml" # 0600: nats_user, nats_pass
//     [kv]
//     replicas = 1
//
//     [resources]
//     store = "sqlite"                                # or "kubernetes"
//     [kubernetes]                                    # with store = "kubernetes" only
//     kubeconfig = ""                                 # empty: what a pod is given
//     context = ""                                    # of the kubeconfig; empty: its current one
//     devices = true                                  # write Device resources
//     lease = "harmony-fleet-operator"                # in the namespace above
//
// Instead of `file`, nats_user and nats_pass may stand in [credentials]; then this file itself must be 0600.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "harmony/daemon/status_server.hpp"
#include "harmony/nats/connection.hpp"
#include "harmony/result.hpp"

namespace harmony::op {

struct KubernetesConfig {
    std::string kubeconfig;  // empty: in the cluster
    std::string context;
    bool devices = true;
    std::string lease;
};

struct OperatorConfig {
    std::string name_space;  // whose Deployments it serves
    std::string state_dir;
    runtime::daemon::StatusAddress status;
    std::chrono::seconds heartbeat_interval{30};
    std::chrono::seconds heartbeat_stale_after{90};
    std::string log_level;
    std::vector<std::string> nats_urls;
    runtime::nats::Credentials credentials;
    int replicas = 1;
    std::optional<KubernetesConfig> kubernetes;  // where the resources are; none: SQLite in state_dir
};

// InvalidInput with every problem at once, each naming its field; PermissionDenied where a file with secrets
// may be read by others; NotFound.
[[nodiscard]] Result<OperatorConfig> read_operator_config(const std::string& path);

}  // namespace harmony::op
