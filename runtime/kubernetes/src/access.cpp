#include "harmony/kubernetes/access.hpp"

#include <filesystem>
#include <fstream>
#include <iterator>

#include "server_url.hpp"

namespace harmony::runtime::kubernetes {
namespace {

constexpr std::uintmax_t kMaxFileBytes = 1024 * 1024;

std::string variable(const std::map<std::string, std::string>& environment, const char* name) {
    const auto found = environment.find(name);
    return found == environment.end() ? std::string{} : found->second;
}

std::string trimmed(std::string text) {
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' '))
        text.pop_back();
    return text;
}

std::vector<std::string> kubeconfig_paths(const std::map<std::string, std::string>& environment) {
    std::vector<std::string> paths;
    const std::string given = variable(environment, "KUBECONFIG");
    if (given.empty()) {
        const std::string home = variable(environment, "HOME");
        if (!home.empty()) paths.push_back(home + "/.kube/config");
        return paths;
    }
    std::size_t start = 0;
    while (start <= given.size()) {
        const std::size_t end = std::min(given.find(':', start), given.size());
        if (end > start) paths.push_back(given.substr(start, end - start));
        start = end + 1;
    }
    return paths;
}

}  // namespace

Answer<std::string> read_credential_file(const std::string& path) {
    std::error_code error;
    if (!std::filesystem::is_regular_file(path, error)) {
        return refuse(Reason::Configuration, path + ": no such file");
    }
    if (std::filesystem::file_size(path, error) > kMaxFileBytes || error) {
        return refuse(Reason::Configuration, path + ": larger than a MiB");
    }
    std::ifstream stream(path, std::ios::binary);
    std::string contents{std::istreambuf_iterator<char>(stream), {}};
    if (!stream.is_open() || stream.bad()) {
        return refuse(Reason::Configuration, path + ": can't be read; check its permissions");
    }
    return contents;
}

Answer<ClusterAccess> load_kubeconfig(const std::map<std::string, std::string>& environment,
                                      const std::string& context) {
    const auto paths = kubeconfig_paths(environment);
    std::vector<KubeconfigFile> files;
    std::string asked;
    for (const std::string& path : paths) {
        asked += (asked.empty() ? "" : ", ") + path;
        std::error_code error;
        if (!std::filesystem::exists(path, error)) continue;
        auto text = read_credential_file(path);
        if (!text) return refuse(text.error());
        files.push_back({path, std::move(*text)});
    }
    if (files.empty()) {
        return refuse(Reason::Configuration, "no kubeconfig: looked for " + (asked.empty() ? "none" : asked) +
                                                 "; set KUBECONFIG to the cluster's file");
    }
    auto access = parse_kubeconfig(files, context, read_credential_file);
    if (access) access->origin += " in " + asked;
    return access;
}

Answer<ClusterAccess> in_cluster_access(const std::map<std::string, std::string>& environment,
                                        const std::string& folder) {
    const std::string host = variable(environment, "KUBERNETES_SERVICE_HOST");
    const std::string port = variable(environment, "KUBERNETES_SERVICE_PORT");
    if (host.empty() || port.empty()) {
        return refuse(Reason::Configuration,
                      "not in a pod: KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set");
    }
    const bool six = host.find(':') != std::string::npos;
    auto url = parse_server_url("KUBERNETES_SERVICE_HOST and _PORT",
                                "https://" + (six ? "[" + host + "]" : host) + ":" + port);
    if (!url) return refuse(url.error());
    ClusterAccess access;
    access.origin = "the pod's service account";
    access.host = std::move(url->host);
    access.port = url->port;
    auto authority = read_credential_file(folder + "/ca.crt");
    if (!authority) return refuse(authority.error());
    access.authority_pem = std::move(*authority);
    access.authority_origin = folder + "/ca.crt";
    access.token_file = folder + "/token";
    if (const auto token = read_credential_file(access.token_file); !token) return refuse(token.error());
    if (auto name_space = read_credential_file(folder + "/namespace")) {
        access.name_space = trimmed(std::move(*name_space));
    }
    return access;
}

}  // namespace harmony::runtime::kubernetes
