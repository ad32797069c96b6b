// What the tests of an agent's convergence ask of a real fleet and its machine.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "agent_fixture.hpp"
#include "harmony/contracts/desired_state.hpp"
#include "harmony/contracts/device_info.hpp"
#include "harmony/contracts/kv.hpp"
#include "harmony/http/client.hpp"
#include "harmony/nats/key_value.hpp"

namespace harmony::agent::testing {

using contracts::Phase;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;
using Catch::Contains;
namespace fs = std::filesystem;

inline std::string container(const std::string& name, const std::string& image, const std::string& command,
                             const std::string& further = "") {
    return R"({"name":")" + name + R"(","image":")" + image + R"(","args":["/bin/sh","-c",")" + command +
           R"("])" + further + "}";
}
inline std::string score(const std::string& services,
                         const std::string& further = R"(,"lifecycle":{"grace_period_secs":1})") {
    return R"({"services":[)" + services + "]" + further + "}";
}
inline const std::string kLoop = "trap 'exit 0' TERM; while :; do sleep 0.1; done";

inline std::string last_error(Fleet& fleet, const std::string& device, const std::string& deployment) {
    const auto state = fleet.state(device, deployment);
    return state ? state->last_error.value_or("") : "";
}

// The id of the container that the deployment's state tells of and that is the only one podman shows; none
// while they differ.
inline std::optional<std::string> only_container(Fleet& fleet, const std::string& device,
                                                 const std::string& deployment) {
    const auto state = fleet.state(device, deployment);
    const auto containers = fleet.containers(device);
    const bool same = state && state->phase == Phase::Running && state->containers.size() == 1 &&
                      containers.size() == 1 && containers[0].id == state->containers[0].id;
    return same ? std::optional(containers[0].id) : std::nullopt;
}

inline double seconds_since(Clock::time_point begin) {
    return std::chrono::duration<double>(Clock::now() - begin).count();
}

inline std::string text_of(const fs::path& file) {
    std::ifstream stream(file);
    return {std::istreambuf_iterator<char>(stream), {}};
}

// A directory on the host that containers write to.
class Shared {
 public:
    Shared() {
        std::string pattern = (fs::temp_directory_path() / "harmony-shared-XXXXXX").string();
        if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary directory");
        path_ = pattern;
        fs::permissions(path_, fs::perms::all);
    }
    ~Shared() {
        std::error_code ignored;
        fs::remove_all(path_, ignored);
    }
    Shared(const Shared&) = delete;
    Shared& operator=(const Shared&) = delete;
    [[nodiscard]] std::string volume() const { return R"(,"volumes":[")" + path_.string() + R"(:/shared"])"; }
    [[nodiscard]] std::string text(const std::string& name) const { return text_of(path_ / name); }
    [[nodiscard]] const fs::path& path() const { return path_; }

 private:
    fs::path path_;
};

// A port of this machine that somebody else has. Where nobody reads it, it is a registry that never answers.
class TakenPort {
 public:
    TakenPort() : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_ANY);
        socklen_t size = sizeof address;
        if (bind(fd_, reinterpret_cast<sockaddr*>(&address), size) != 0 || listen(fd_, 64) != 0 ||
            getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size) != 0)
            throw std::runtime_error("no port");
        port_ = ntohs(address.sin_port);
    }
    ~TakenPort() { release(); }
    TakenPort(const TakenPort&) = delete;
    TakenPort& operator=(const TakenPort&) = delete;
    void release() {
        if (fd_ >= 0) close(fd_);
        fd_ = -1;
    }
    [[nodiscard]] std::string text() const { return std::to_string(port_); }

 private:
    int fd_;
    std::uint16_t port_ = 0;
};

inline std::string page(Fleet& fleet, const std::string& device, const std::string& path) {
    const std::string port = fleet.file_of(device, "health-port");
    if (port.empty()) return "";
    const auto client = runtime::http::make_http_client(
        runtime::http::Endpoint::tcp("127.0.0.1", static_cast<std::uint16_t>(std::stoi(port))));
    const auto answer = client->request({.method = "GET", .target = path}, {});
    return answer ? answer->body : "";
}

// How often the agent has compared its containers.
inline int ticks(Fleet& fleet, const std::string& device) {
    const std::string name = "\nharmony_agent_reconciles_total ";
    const std::string metrics = page(fleet, device, "/metrics");
    const auto place = metrics.find(name);
    return place == std::string::npos ? 0 : std::stoi(metrics.substr(place + name.size()));
}
inline void wait_for_ticks(Fleet& fleet, const std::string& device, int count) {
    REQUIRE(eventually([&] { return ticks(fleet, device) > 0; }));
    const int begin = ticks(fleet, device);
    REQUIRE(eventually([&] { return ticks(fleet, device) >= begin + count; }));
}

inline std::string runtime_in_info(Fleet& fleet, const std::string& device) {
    const auto text = fleet.value("device-info", "info." + device);
    const auto info = text ? contracts::DeviceInfo::decode(*text) : fail(ErrorKind::NotFound, "none");
    return info && info->inventory ? info->inventory->runtime : "unknown";
}

inline void put_raw(Fleet& fleet, const std::string& device, const std::string& deployment,
                    const std::string& value) {
    fleet.deploy(device, deployment, R"({"services":[]})");
    runtime::nats::KeyValue bucket(fleet.admin(), std::string(contracts::kDesiredStateBucket));
    REQUIRE(bucket.put(device + "." + deployment, value));
}

}  // namespace harmony::agent::testing
