#include "harmony/operator/config.hpp"

#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>

#include "harmony/daemon/files.hpp"

namespace {

using harmony::ErrorKind;
using harmony::op::read_operator_config;

struct Files {
    std::filesystem::path path;
    Files() {
        std::string pattern = (std::filesystem::temp_directory_path() / "harmony-config-XXXXXX").string();
        REQUIRE(mkdtemp(pattern.data()) != nullptr);
        path = pattern;
    }
    ~Files() { std::filesystem::remove_all(path); }
    std::string write(const std::string& name, const std::string& text, mode_t mode = 0600) const {
        REQUIRE(harmony::runtime::daemon::write_file_durably((path / name).string(), text, mode));
        return (path / name).string();
    }
};

const std::string kValid =
    "[operator]\nnamespace = \"odd-name-7\"\nstate_dir = \"/tmp/x\"\n[nats]\nurls = "
    "[\"nats://127.0.0.1:1\"]\n";

}  // namespace

TEST_CASE("a complete configuration is read, with its credentials from their own file") {
    const Files files;
    const auto secrets =
        files.write("credentials.toml", "nats_user = \"operator\"\nnats_pass = \"s3cret\"\n");
    const auto config = read_operator_config(
        files.write("operator.toml",
                    kValid + "[credentials]\ntype = \"toml-shared\"\nfile = \"" + secrets + "\"\n", 0644));
    if (!config) FAIL(config.error().text());
    CHECK(config->name_space == "odd-name-7");
    CHECK(config->credentials.user == "operator");
    CHECK(config->heartbeat_stale_after == std::chrono::seconds(90));
    CHECK(config->replicas == 1);
}

TEST_CASE("credentials that others may read are refused, in either file") {
    const Files files;
    const auto open_secrets =
        files.write("credentials.toml", "nats_user = \"o\"\nnats_pass = \"s3cret\"\n", 0644);
    const auto with_file = read_operator_config(files.write(
        "a.toml", kValid + "[credentials]\ntype = \"toml-shared\"\nfile = \"" + open_secrets + "\"\n"));
    REQUIRE_FALSE(with_file);
    CHECK(with_file.error().kind() == ErrorKind::PermissionDenied);
    const auto inlined = read_operator_config(files.write(
        "b.toml",
        kValid + "[credentials]\ntype = \"toml-shared\"\nnats_user = \"o\"\nnats_pass = \"s3cret\"\n", 0644));
    REQUIRE_FALSE(inlined);
    CHECK(inlined.error().kind() == ErrorKind::PermissionDenied);
    CHECK(inlined.error().text().find("s3cret") == std::string::npos);
}

TEST_CASE("every wrong field is named, and an unknown credential type is no fall-back") {
    const Files files;
    const auto config = read_operator_config(files.write(
        "operator.toml",
        "[operator]\nnamespace = \"Not Valid\"\nstate_dir = \"relative\"\nhealth_port = 70000\n"
        "heartbeat_interval_s = 30\nheartbeat_stale_after_s = 31\nhealth_prot = 1\n"
        "[nats]\nurls = \"nats://a,nats://b\"\n[credentials]\ntype = \"guess\"\n[kv]\nreplicas = 9\n"));
    REQUIRE_FALSE(config);
    for (const char* field : {"operator.namespace", "operator.state_dir", "operator.health_port",
                              "operator.heartbeat_stale_after_s", "operator.health_prot", "nats.urls",
                              "credentials.type", "credentials.nats_user", "kv.replicas"}) {
        INFO(field << " in " << config.error().text());
        CHECK(config.error().text().find(field) != std::string::npos);
    }
}

TEST_CASE("the resources are in a file unless a cluster is asked for, whose settings are checked") {
    const Files files;
    const std::string credentials =
        "[credentials]\ntype = \"toml-shared\"\nnats_user = \"o\"\nnats_pass = \"p\"\n";
    const auto read = [&](const std::string& more) {
        return read_operator_config(files.write("operator.toml",
                                                "[operator]\nnamespace = \"fleet\"\nstate_dir = \"/tmp/x\"\n"
                                                "[nats]\nurls = [\"nats://127.0.0.1:4222\"]\n" +
                                                    credentials + more));
    };
    REQUIRE(read(""));
    CHECK_FALSE(read("").value().kubernetes);
    CHECK(read("").value().status.address == "127.0.0.1");
    const auto cluster = read("[resources]\nstore = \"kubernetes\"\n");
    REQUIRE(cluster);
    REQUIRE(cluster->kubernetes);
    CHECK(cluster->kubernetes->kubeconfig.empty());
    CHECK(cluster->kubernetes->devices);
    CHECK(cluster->kubernetes->lease == "harmony-fleet-operator");
    const auto told = read(
        "[resources]\nstore = \"kubernetes\"\n[kubernetes]\nkubeconfig = \"/k\"\ncontext = \"c\"\n"
        "devices = false\nlease = \"other\"\n");
    REQUIRE(told);
    CHECK(told->kubernetes->context == "c");
    CHECK_FALSE(told->kubernetes->devices);
    const auto wrong =
        read("[resources]\nstore = \"kubernetes\"\n[kubernetes]\nkubeconfig = \"k\"\nlease = \"No Name\"\n");
    REQUIRE_FALSE(wrong);
    CHECK(wrong.error().text().find("kubernetes.kubeconfig") != std::string::npos);
    CHECK(wrong.error().text().find("kubernetes.lease") != std::string::npos);
    // Settings of a cluster that is not used are a mistake.
    CHECK_FALSE(read("[kubernetes]\nlease = \"other\"\n"));
}
