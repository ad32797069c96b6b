#include "harmony/agent/config.hpp"

#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <cstdio>

#include "harmony/agent/inventory.hpp"
#include "harmony/daemon/files.hpp"
#include "temporary_directory.hpp"

namespace harmony::agent {
namespace {

const std::string kHead = "[agent]\ndevice_id = \"dev\"\n[nats]\nurls = [\"nats://127.0.0.1:1\"]\n";
const std::string kShared =
    "[credentials]\ntype = \"toml-shared\"\nnats_user = \"device-dev\"\nnats_pass = \"hidden\"\n";

struct Files {
    testing::TemporaryDirectory directory;
    Result<AgentConfig> read(const std::string& text) const {
        REQUIRE(runtime::daemon::write_file_durably(directory.file("agent.toml"), text));
        return read_agent_config(directory.file("agent.toml"));
    }
    std::string problem(const std::string& text) const {
        const auto config = read(text);
        REQUIRE_FALSE(config);
        CHECK(config.error().text().find("hidden") == std::string::npos);
        return config.error().text();
    }
};

}  // namespace

TEST_CASE("a short configuration has the contract's defaults") {
    const Files files;
    const auto config = files.read(kHead + "[labels]\nsite = \"lab\"\n" + kShared);
    REQUIRE(config);
    CHECK(config->device_id.str() == "dev");
    CHECK(config->runtime_enabled);
    CHECK(config->heartbeat_interval == std::chrono::seconds(30));
    CHECK(config->podman_socket == kDefaultPodmanSocket);
    CHECK(config->labels == contracts::Labels{{"site", "lab"}});
    CHECK(config->credentials.user == "device-dev");
    CHECK(config->status_address.address == "127.0.0.1");
}

TEST_CASE("every wrong field is named and no credential is shown") {
    const Files files;
    using Catch::Contains;
    CHECK_THAT(files.problem("[agent]\ndevice_id = \"Dev\"\n[nats]\nurls = [\"nats://a\"]\n" + kShared),
               Contains("agent.device_id"));
    CHECK_THAT(files.problem("[agent]\ndevice_id = \"dev\"\n[nats]\nurls = \"a,b\"\n" + kShared),
               Contains("nats.urls"));
    CHECK_THAT(files.problem(kHead + "[labels]\n\"a b\" = \"x\"\n" + kShared), Contains("labels"));
    CHECK_THAT(files.problem(kHead + "[agent.more]\nx = 1\n" + kShared), Contains("agent.more"));
    CHECK_THAT(files.problem("[agent]\ndevice_id = \"dev\"\nhealth_address = \"edge\"\n" + kShared),
               Contains("agent.health_address: found \"edge\", expected an IP address"));
}

TEST_CASE("labels up to the contract's limit are taken, more are refused with both numbers") {
    const Files files;
    const auto labels = [](int count) {
        std::string table = "[labels]\n";
        for (int number = 0; number < count; ++number)
            table += "k" + std::to_string(number) + " = \"v\"\n";
        return table;
    };
    REQUIRE(contracts::kMaxLabels == 64);
    const auto most = files.read(kHead + labels(64) + kShared);
    REQUIRE(most);
    CHECK(most->labels.size() == 64);
    for (const int count : {65, 1000}) {
        CHECK_THAT(
            files.problem(kHead + labels(count) + kShared),
            Catch::Contains("labels: holds " + std::to_string(count) + " entries, expected at most 64"));
    }
}

TEST_CASE("a device id with a dot is refused by its field") {
    const Files files;
    CHECK_THAT(
        files.problem("[agent]\ndevice_id = \"edge.north\"\n[nats]\nurls = [\"nats://a\"]\n" + kShared),
        Catch::Contains("agent.device_id") && Catch::Contains("edge.north"));
}

TEST_CASE("credentials of an unknown or unusable type are refused, never replaced") {
    const Files files;
    using Catch::Contains;
    CHECK_THAT(
        files.problem(kHead + "[credentials]\ntype = \"magic\"\nnats_user = \"u\"\nnats_pass = \"hidden\"\n"),
        Contains("credentials.type") && Contains("toml-shared"));
    const std::string zitadel =
        files.problem(kHead + "[credentials]\ntype = \"zitadel-jwt\"\nkey_path = \"k\"\n");
    CHECK_THAT(zitadel, Contains("zitadel-jwt") && Contains("credentials.key_path") &&
                            Contains("credentials.audience"));
    CHECK_THAT(files.problem(kHead), Contains("credentials.type"));
}

TEST_CASE("credentials are read only from files that nobody else can read") {
    const Files files;
    const std::string secret = files.directory.file("nats.toml");
    REQUIRE(runtime::daemon::write_file_durably(secret, "nats_user = \"u\"\nnats_pass = \"hidden\"\n"));
    const std::string text = kHead + "[credentials]\ntype = \"toml-shared\"\nfile = \"" + secret + "\"\n";
    CHECK(files.read(text)->credentials.password == "hidden");
    REQUIRE(chmod(secret.c_str(), 0644) == 0);
    CHECK(files.read(text).error().kind() == ErrorKind::PermissionDenied);

    REQUIRE(files.read(kHead + kShared));
    REQUIRE(chmod(files.directory.file("agent.toml").c_str(), 0644) == 0);
    CHECK(read_agent_config(files.directory.file("agent.toml")).error().kind() ==
          ErrorKind::PermissionDenied);
}

TEST_CASE("registries are read with their credentials, and each mistake is named") {
    const Files files;
    using Catch::Contains;
    const std::string auths = files.directory.file("auth.json");
    // "u:hidden"
    REQUIRE(
        runtime::daemon::write_file_durably(auths, R"({"auths":{"r.example.com":{"auth":"dTpoaWRkZW4="}}})"));
    const std::string head = kHead + kShared + "[podman]\n";
    const auto config = files.read(head + "registry_auth_file = \"" + auths +
                                   "\"\ninsecure_registries = [\"r.example.com\", \"10.0.0.1:5000\"]\n");
    REQUIRE(config);
    CHECK(config->insecure_registries.size() == 2);
    const auto options = podman_options(*config);
    REQUIRE(options.registry_auths);
    CHECK(options.registry_auths()->find("r.example.com/x:1")->user == "u");
    CHECK_FALSE(podman_options(*files.read(kHead + kShared)).registry_auths);

    CHECK_THAT(files.problem(head + "registry_auth_file = \"auth.json\"\n"),
               Contains("podman.registry_auth_file") && Contains("absolute"));
    CHECK_THAT(files.problem(head + "insecure_registries = [\"http://r.example.com\"]\n"),
               Contains("podman.insecure_registries") && Contains("<host>[:<port>]"));
    CHECK(check_registry_auths(*config));
    CHECK(check_registry_auths(*files.read(kHead + kShared)));
    REQUIRE(chmod(auths.c_str(), 0640) == 0);
    CHECK(check_registry_auths(*config).error().kind() == ErrorKind::PermissionDenied);
    REQUIRE(runtime::daemon::write_file_durably(auths, R"({"auths":{"r.example.com":{"auth":"hidden"}}})"));
    const std::string damaged = check_registry_auths(*config).error().text();
    CHECK_THAT(damaged, Contains("podman.registry_auth_file") && Contains("auths.r.example.com") &&
                            !Contains("hidden"));
    // The device starts all the same.
    CHECK(files.read(head + "registry_auth_file = \"" + auths + "\"\n"));
    // Without a mistake now, and with one at a pull: the error comes then, from the file itself.
    REQUIRE(std::remove(auths.c_str()) == 0);
    CHECK(options.registry_auths().error().kind() == ErrorKind::NotFound);
}

TEST_CASE("the inventory is what this machine says of itself") {
    const auto inventory = read_inventory("/");
    REQUIRE(inventory);
    CHECK(inventory->cpu_cores >= 1);
    CHECK(inventory->memory_bytes > 1024 * 1024);
    CHECK(inventory->disk_bytes > 0);
    CHECK(inventory->runtime.empty());
    CHECK(pretty_name("ID=x\nPRETTY_NAME=\"Some System 1\"\n") == "Some System 1");
    CHECK(pretty_name("ID=x\n").empty());
}

}  // namespace harmony::agent
