#include <algorithm>
#include <catch2/catch.hpp>
#include <fstream>
#include <thread>

#include "api_cluster.hpp"
#include "test_folder.hpp"

using namespace harmony::runtime::kubernetes;
using namespace harmony::runtime::kubernetes::testing;
using namespace std::chrono_literals;

namespace {

const ResourceType kSecrets{"", "v1", "secrets", "Secret", true};

ClusterAccess with_token(ClusterAccess access, const std::string& token) {
    access.client_certificate_pem.clear();
    access.client_key_pem.clear();
    access.token = token;
    return access;
}

Failure refusal(KubernetesClient& client) {
    const auto listed = client.list(kSecrets, "default");
    REQUIRE_FALSE(listed);
    return listed.error();
}

bool says(const Failure& failure, const std::string& text) {
    return failure.text().find(text) != std::string::npos;
}

}  // namespace

TEST_CASE("a server of another authority is not trusted, and both are named") {
    need_cluster();
    ClusterAccess access = cluster_access();
    access.authority_pem = read_credential_file(cluster_folder() + "/pki/etcd-ca.crt").value();
    const Failure failure = refusal(*connect(access));
    INFO(failure.text());
    CHECK(failure.reason == Reason::UntrustedServer);
    CHECK(says(failure, "issued by \"CN=harmony-cluster-ca\""));
    CHECK(says(failure, "expected one issued by \"CN=harmony-cluster-etcd-ca\""));
}

TEST_CASE("a certificate for other names is not trusted, and its names are listed") {
    need_cluster();
    ClusterAccess access = cluster_access();
    access.server_name = "edge.example";
    const Failure failure = refusal(*connect(access));
    INFO(failure.text());
    CHECK(failure.reason == Reason::UntrustedServer);
    CHECK(says(failure, "127.0.0.1"));
    CHECK(says(failure, "expected edge.example"));
    access.server_name = "kubernetes.default.svc";
    CHECK(connect(access)->list(kSecrets, "default"));
}

TEST_CASE("without an authority the system's are asked, and only insecure trusts anybody") {
    need_cluster();
    ClusterAccess access = cluster_access();
    access.authority_pem.clear();
    CHECK(refusal(*connect(access)).reason == Reason::UntrustedServer);
    access.insecure = true;
    CHECK(connect(access)->list(kSecrets, "default"));
}

TEST_CASE("a token that expired is told from one that is unknown, and neither is shown") {
    need_cluster();
    // {"exp":1577836800}
    const std::string expired = "e30.eyJleHAiOjE1Nzc4MzY4MDB9.c2lnbmF0dXJl";
    const Failure old = refusal(*connect(with_token(cluster_access(), expired)));
    INFO(old.text());
    CHECK(old.reason == Reason::Unauthorized);
    CHECK(says(old, "expired at 2020-01-01T00:00:00Z"));
    const Failure unknown = refusal(*connect(with_token(cluster_access(), "hunter2")));
    CHECK(unknown.reason == Reason::Unauthorized);
    CHECK(says(unknown, "is not known to the server"));
    CHECK_FALSE(says(unknown, "hunter2"));
}

TEST_CASE("a missing permission is named as a role would name it") {
    need_cluster();
    const auto admin = connect(cluster_access());
    const TestNamespace home(*admin);
    const auto client = connect(with_token(cluster_access(), service_account_token(*admin, home.name())));
    const auto listed = client->list(kSecrets, home.name());
    REQUIRE_FALSE(listed);
    INFO(listed.error().text());
    CHECK(listed.error().reason == Reason::Forbidden);
    CHECK(says(listed.error(), "user \"system:serviceaccount:" + home.name() +
                                   ":default\" lacks the permission to list secrets in namespace \"" +
                                   home.name() + "\""));
    const auto patched =
        client->patch({{"apps", "v1", "deployments", "Deployment", true}, home.name(), "web"},
                      PatchKind::Apply, {{"apiVersion", "apps/v1"}, {"kind", "Deployment"}});
    REQUIRE_FALSE(patched);
    CHECK(says(patched.error(), "lacks the permission to patch deployments.apps"));
}

TEST_CASE("a pod's token that was replaced is read again") {
    need_cluster();
    const auto admin = connect(cluster_access());
    const TestNamespace home(*admin);
    const Folder folder;
    static_cast<void>(folder.write("ca.crt", cluster_access().authority_pem));
    static_cast<void>(folder.write("namespace", home.name()));
    static_cast<void>(folder.write("token", "stale\n"));
    const ClusterAccess pod =
        in_cluster_access({{"KUBERNETES_SERVICE_HOST", cluster_access().host},
                           {"KUBERNETES_SERVICE_PORT", std::to_string(cluster_access().port)}},
                          folder.path())
            .value();
    CHECK(pod.name_space == home.name());
    const auto client = connect(pod);
    CHECK(refusal(*client).reason == Reason::Unauthorized);
    static_cast<void>(folder.write("token", service_account_token(*admin, home.name()) + "\n"));
    CHECK(refusal(*client).reason == Reason::Forbidden);  // known now
}

TEST_CASE("a credential plugin is run once, again when its credential ends, and killed when it hangs") {
    need_cluster();
    const auto admin = connect(cluster_access());
    const TestNamespace home(*admin);
    const Folder folder;
    static_cast<void>(folder.write("token", service_account_token(*admin, home.name())));
    const auto plugin = [&](const std::string& expiry) {
        return folder.write("plugin",
                            "#!/bin/sh\necho run >>\"$1/runs\"\ntest -n \"$KUBERNETES_EXEC_INFO\" || exit 3\n"
                            "printf '{\"apiVersion\":\"client.authentication.k8s.io/v1beta1\",\"kind\":"
                            "\"ExecCredential\",\"status\":{\"token\":\"%s\"" +
                                expiry + "}}' \"$(cat \"$1/token\")\"\n",
                            0700);
    };
    const auto runs = [&] {
        std::ifstream file(folder.path() + "/runs");
        return std::count(std::istreambuf_iterator<char>(file), {}, '\n');
    };
    ClusterAccess access = with_token(cluster_access(), "");
    access.exec =
        ExecPlugin{plugin(""), {folder.path()}, {}, "client.authentication.k8s.io/v1beta1", "", false};
    {
        const auto client = connect(access);
        CHECK(refusal(*client).reason == Reason::Forbidden);
        CHECK(refusal(*client).reason == Reason::Forbidden);
        CHECK(runs() == 1);
    }
    static_cast<void>(plugin(",\"expirationTimestamp\":\"2020-01-01T00:00:00Z\""));
    {
        const auto client = connect(access);
        CHECK(refusal(*client).reason == Reason::Forbidden);
        CHECK(refusal(*client).reason == Reason::Forbidden);
        CHECK(runs() == 3);
    }
    static_cast<void>(folder.write("plugin", "#!/bin/sh\nexec sleep 60\n", 0700));
    CallLimits limits;
    limits.deadline = 300ms;
    const auto hung = connect(access)->list(kSecrets, "default", {}, limits);
    CHECK(hung.error().reason == Reason::Timeout);
    static_cast<void>(folder.write("plugin", "#!/bin/sh\necho hunter2\nexit 5\n", 0700));
    const Failure failed = refusal(*connect(access));
    CHECK(failed.reason == Reason::Configuration);
    CHECK(says(failed, "ended with exit code 5"));
    CHECK_FALSE(says(failed, "hunter2"));
    access.exec->command = folder.path() + "/absent";
    access.exec->install_hint = "install it first";
    CHECK(says(refusal(*connect(access)), "install it first"));
}

TEST_CASE("an address where nothing listens is unreachable, within the deadline") {
    need_cluster();
    ClusterAccess access = cluster_access();
    access.port = 1;
    const auto started = std::chrono::steady_clock::now();
    const Failure failure = refusal(*connect(access));
    CHECK(failure.reason == Reason::Unreachable);
    CHECK(says(failure, "https://127.0.0.1:1"));
    CHECK(std::chrono::steady_clock::now() - started < 10s);
}

TEST_CASE("a key that does not fit its certificate is refused before anything is sent") {
    need_cluster();
    ClusterAccess access = cluster_access();
    access.client_key_pem = read_credential_file(cluster_folder() + "/pki/etcd-client.key").value();
    const auto client = make_kubernetes_client(access);
    REQUIRE_FALSE(client);
    CHECK(client.error().text() == access.origin + ": client-key is not the key of client-certificate");
    access.authority_pem = "nothing";
    access.client_key_pem.clear();
    access.client_certificate_pem.clear();
    CHECK(make_kubernetes_client(access).error().reason == Reason::Configuration);
}
