#include <catch2/catch.hpp>
#include <map>

#include "harmony/kubernetes/access.hpp"

using namespace harmony::runtime::kubernetes;

namespace {

const char* const kConfig = R"(apiVersion: v1
kind: Config
current-context: edge
clusters:
- name: edge
  cluster: {server: "https://edge.example:6443", certificate-authority-data: Q0E=}
- name: open
  cluster: {server: "https://open.example", insecure-skip-tls-verify: true}
users:
- name: ada
  user: {token: sesame}
- name: files
  user: {client-certificate: pki/me.crt, client-key: /keys/me.key}
- name: plugin
  user:
    exec:
      apiVersion: client.authentication.k8s.io/v1beta1
      command: ./get-token
      args: [--cluster, edge]
      env: [{name: REGION, value: north}]
      installHint: install get-token first
contexts:
- name: edge
  context: {cluster: edge, user: ada, namespace: shop}
- name: files
  context: {cluster: edge, user: files}
- name: plugin
  context: {cluster: open, user: plugin}
- name: torn
  context: {cluster: nowhere, user: ada}
)";

Answer<std::string> no_file(const std::string& path) {
    return refuse(Reason::Configuration, path + ": no such file");
}

Answer<ClusterAccess> parse(const std::string& text, const std::string& context = {},
                            const FileReader& read = no_file) {
    return parse_kubeconfig({{"/home/ada/.kube/config", text}}, context, read);
}

std::string refusal(const std::string& text, const std::string& context = {}) {
    const auto access = parse(text, context);
    REQUIRE_FALSE(access);
    CHECK(access.error().reason == Reason::Configuration);
    return access.error().text();
}

std::string with_user(const std::string& user) {
    return "current-context: c\nclusters: [{name: k, cluster: {server: \"https://a\"}}]\n"
           "users: [{name: u, user: " +
           user + "}]\ncontexts: [{name: c, context: {cluster: k, user: u}}]\n";
}

}  // namespace

TEST_CASE("the current context gives address, authority, token and namespace") {
    const auto access = parse(kConfig).value();
    CHECK(access.host == "edge.example");
    CHECK(access.port == 6443);
    CHECK(access.authority_pem == "CA");
    CHECK(access.token == "sesame");
    CHECK(access.name_space == "shop");
    CHECK_FALSE(access.insecure);
    CHECK(access.origin == "context edge");
}

TEST_CASE("files of a kubeconfig are below its folder, unless their path is absolute") {
    const std::map<std::string, std::string> files{{"/home/ada/.kube/pki/me.crt", "CERT"},
                                                   {"/keys/me.key", "KEY"}};
    const auto read = [&](const std::string& path) -> Answer<std::string> {
        const auto found = files.find(path);
        if (found == files.end()) return no_file(path);
        return found->second;
    };
    const auto access = parse(kConfig, "files", read).value();
    CHECK(access.client_certificate_pem == "CERT");
    CHECK(access.client_key_pem == "KEY");
    CHECK(refusal(kConfig, "files") ==
          "/home/ada/.kube/config.users[1].user.client-certificate: "
          "/home/ada/.kube/pki/me.crt: no such file");
}

TEST_CASE("a credential plugin is taken with arguments and environment, and insecurity only as written") {
    const auto access = parse(kConfig, "plugin").value();
    CHECK(access.insecure);
    REQUIRE(access.exec);
    CHECK(access.exec->command == "/home/ada/.kube/./get-token");
    CHECK(access.exec->arguments == std::vector<std::string>{"--cluster", "edge"});
    CHECK(access.exec->environment.at(0).second == "north");
    CHECK(access.exec->install_hint == "install get-token first");
}

TEST_CASE("several files merge, and the first that says something wins") {
    const std::vector<KubeconfigFile> files{
        {"/a", "current-context: edge\nusers: [{name: ada, user: {token: first}}]"}, {"/b", kConfig}};
    const auto access = parse_kubeconfig(files, {}, no_file).value();
    CHECK(access.token == "first");
    CHECK(access.host == "edge.example");
}

TEST_CASE("what is missing is named with what there is") {
    CHECK(refusal(kConfig, "moon") ==
          "kubeconfig: no context \"moon\"; there are: edge, files, plugin, torn");
    CHECK(refusal(kConfig, "torn") == "kubeconfig: no cluster \"nowhere\"; there are: edge, open");
    CHECK(refusal("contexts: []") == "kubeconfig: no current-context; choose one of: none");
    CHECK(refusal("") == "kubeconfig: no current-context; choose one of: none");
}

TEST_CASE("wrong fields are named, and their values not shown") {
    CHECK(refusal("- a") == "/home/ada/.kube/config: expected a map with clusters, users and contexts");
    CHECK(refusal("a: [") == "/home/ada/.kube/config: not YAML, line 1");
    CHECK(refusal(with_user("{token: [hunter2]}")) ==
          "/home/ada/.kube/config.users[0].user.token: found a list, expected a text");
    CHECK(refusal(with_user("{client-key-data: hunter*}")) ==
          "/home/ada/.kube/config.users[0].user.client-key-data: expected base64");
    CHECK(
        refusal(with_user("{client-key-data: aGVsbG8=}")) ==
        "/home/ada/.kube/config.users[0].user: client-certificate and client-key belong together, found one");
    CHECK(refusal(with_user("{username: ada, password: hunter2}")) ==
          "/home/ada/.kube/config.users[0].user.username: not supported; use a certificate, token, tokenFile "
          "or exec");
    CHECK(refusal(with_user("{exec: {command: a, apiVersion: v9}}")).find("apiVersion: expected") !=
          std::string::npos);
    const auto interactive = [](const std::string& mode) {
        return with_user(
            "{exec: {command: a, apiVersion: client.authentication.k8s.io/v1, interactiveMode: " + mode +
            "}}");
    };
    CHECK(refusal(interactive("Always")).find("interactiveMode: found Always") != std::string::npos);
    CHECK(refusal(interactive("Perhaps")).find("interactiveMode: expected") != std::string::npos);
    CHECK(parse(interactive("IfAvailable")));
    CHECK(refusal("users: 7\n" + std::string(kConfig)).find("hunter") == std::string::npos);
}

TEST_CASE("an authority together with no verification is a contradiction") {
    const std::string text =
        "current-context: c\nclusters: [{name: k, cluster: {server: \"https://a\", "
        "certificate-authority-data: Q0E=, "
        "insecure-skip-tls-verify: true}}]\nusers: [{name: u, user: {}}]\n"
        "contexts: [{name: c, context: {cluster: k, user: u}}]\n";
    CHECK(refusal(text).find("expected one of them") != std::string::npos);
}

TEST_CASE("outside a pod there is no configuration of a pod") {
    CHECK(in_cluster_access({}).error().reason == Reason::Configuration);
    CHECK(in_cluster_access({{"KUBERNETES_SERVICE_HOST", "10.0.0.1"}, {"KUBERNETES_SERVICE_PORT", "443"}},
                            "/nowhere")
              .error()
              .text() == "/nowhere/ca.crt: no such file");
}

TEST_CASE("without any kubeconfig the places looked at are named") {
    const auto failure = load_kubeconfig({{"KUBECONFIG", "/nowhere/a:/nowhere/b"}}).error();
    CHECK(failure.text() ==
          "no kubeconfig: looked for /nowhere/a, /nowhere/b; set KUBECONFIG to the cluster's file");
}
