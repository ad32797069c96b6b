#include "server_config.hpp"

#include <catch2/catch.hpp>
#include <cstdlib>
#include <fstream>
#include <iterator>

#include "server_check.hpp"

using namespace harmony;
using namespace harmony::fleet_nats;

namespace {

// HARMONY_ACCEPT=1 writes the file anew; the test then proves nothing.
void compare_with_golden(const std::string& name, const std::string& text) {
    const std::string path = std::string(HARMONY_SOURCE_DIR) + "/plugins/nats/golden/" + name;
    if (std::getenv("HARMONY_ACCEPT") != nullptr) {
        std::ofstream(path, std::ios::binary) << text;
        WARN("accepted " << path);
        return;
    }
    std::ifstream stream(path, std::ios::binary);
    CHECK(std::string{std::istreambuf_iterator<char>(stream), {}} == text);
}

ServerUser device_entry(const std::string& id) {
    const auto device = contracts::DeviceId::parse(id).value();
    return {.name = contracts::device_user(device),
            .password = "secret-of-" + id,
            .permissions = contracts::device_permissions(device)};
}

}  // namespace

TEST_CASE("the server's file is what it was") {
    compare_with_golden("nats-server.conf", server_config({}));
}

TEST_CASE("the files of a server in a pod are what they were") {
    compare_with_golden("nats-server-pod.conf",
                        server_config({}, {"0.0.0.0:4222", "0.0.0.0:8222", "/var/lib/nats", true}));
    compare_with_golden("system.conf", system_config("secret", "users:0123456789abcdef"));
}

TEST_CASE("the users of two devices are what they were") {
    compare_with_golden(
        "users.conf",
        users_config(
            {{.name = "admin", .password = "secret", .unrestricted = true},
             {.name = "operator", .password = "secret", .permissions = contracts::operator_permissions()},
             device_entry("edge-north"),
             device_entry("edge-south")}));
}

TEST_CASE("quotes and backslashes of a password are escaped") {
    const auto text = users_config({{.name = "admin", .password = "a\"b\\c", .unrestricted = true}});
    CHECK(text.find("password: \"a\\\"b\\\\c\"") != std::string::npos);
}

TEST_CASE("nats-server 2.10 is the first supported version") {
    CHECK(is_supported_version("2.10.0"));
    CHECK(is_supported_version("2.15.1"));
    CHECK(is_supported_version("3.0.0"));
    CHECK_FALSE(is_supported_version("2.9.10"));
    CHECK_FALSE(is_supported_version("1.99.0"));
    CHECK_FALSE(is_supported_version("unknown"));
    CHECK_FALSE(is_supported_version(""));
}
