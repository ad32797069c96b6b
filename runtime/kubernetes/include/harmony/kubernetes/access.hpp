// How to reach a cluster and as whom: kubeconfig files and the configuration inside a pod.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "harmony/kubernetes/failure.hpp"

namespace harmony::runtime::kubernetes {

// A program that prints credentials (client.authentication.k8s.io v1 or v1beta1).
struct ExecPlugin {
    std::string command;  // as in PATH, or a path
    std::vector<std::string> arguments;
    std::vector<std::pair<std::string, std::string>> environment;  // added to ours
    std::string api_version;
    std::string install_hint;
    bool provide_cluster_info = false;
};

// Everything needed to talk to one cluster. Holds secrets: never printed, never logged.
struct ClusterAccess {
    std::string origin;  // for errors: `context edge in /home/ada/.kube/config`
    std::string host;    // a name or an address without brackets
    std::uint16_t port = 443;
    std::string path_prefix;  // empty, or beginning with `/` and not ending with it
    std::string name_space = "default";

    std::string authority_pem;     // empty: the system's authorities
    std::string authority_origin;  // for errors: `certificate-authority-data of cluster edge`
    std::string server_name;       // expected in the certificate; empty: the host
    bool insecure = false;         // no verification; only where the kubeconfig says so itself

    std::string client_certificate_pem;
    std::string client_key_pem;
    std::string token;
    std::string token_file;  // read again as it is replaced
    std::optional<ExecPlugin> exec;
};

// Contents of a file; a failure names the path.
using FileReader = std::function<Answer<std::string>(const std::string& path)>;
// The real one: regular files up to a MiB.
[[nodiscard]] Answer<std::string> read_credential_file(const std::string& path);

struct KubeconfigFile {
    std::string path;
    std::string text;
};

// Pure but for the reader, which is asked for the files that the chosen context names, relative paths below
// the folder of their kubeconfig. Several files merge as kubectl merges them: the first that says something
// wins. An empty context means current-context. Configuration: names file, field, what was found and
// expected.
[[nodiscard]] Answer<ClusterAccess> parse_kubeconfig(const std::vector<KubeconfigFile>& files,
                                                     const std::string& context, const FileReader& read);

// The files of KUBECONFIG (joined with `:`, absent ones skipped), or ~/.kube/config.
[[nodiscard]] Answer<ClusterAccess> load_kubeconfig(const std::map<std::string, std::string>& environment,
                                                    const std::string& context = {});

// What a pod is given: KUBERNETES_SERVICE_HOST and _PORT, and token, ca.crt and namespace in the folder. The
// token is replaced by the kubelet while the pod runs.
[[nodiscard]] Answer<ClusterAccess> in_cluster_access(
    const std::map<std::string, std::string>& environment,
    const std::string& folder = "/var/run/secrets/kubernetes.io/serviceaccount");

}  // namespace harmony::runtime::kubernetes
