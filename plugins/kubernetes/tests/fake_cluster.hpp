// A session with the client's fake server, and a call that never waits.
#pragma once

#include <algorithm>
#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "cluster_session.hpp"
#include "harmony/kubernetes/fake_client.hpp"

namespace harmony::cluster::testing {

// Time does not pass in it: a wait ends at once, and after so many the call is cancelled.
class RecordingCall final : public plugin::Call {
 public:
    void log(plugin::LogLevel, std::string_view) override {}
    void progress(std::string_view message, std::optional<double>) override { said.emplace_back(message); }
    [[nodiscard]] bool cancelled() const override { return waits_left == 0; }
    [[nodiscard]] std::optional<Clock::time_point> deadline() const override { return end; }
    bool wait(std::chrono::milliseconds) override {
        if (on_wait) on_wait();
        if (waits_left > 0) --waits_left;
        return waits_left > 0;
    }
    plugin::Result<plugin::Json> invoke(std::string_view, const plugin::Json&) override {
        return plugin::failure("test", "nothing is behind this call");
    }

    std::vector<std::string> said;
    std::function<void()> on_wait;
    std::optional<Clock::time_point> end;
    int waits_left = 100;
};

struct FakeCluster {
    std::shared_ptr<api::FakeKubernetesServer> server = api::FakeKubernetesServer::create();
    std::unique_ptr<api::KubernetesClient> client = server->connect();
    RecordingCall call;
    ClusterSession session{SessionSettings{.context = "bench"},
                           [this]() -> plugin::Result<Connection> {
                               return Connection{server->connect(), "context bench", "https://127.0.0.1:6443",
                                                 "127.0.0.1",       "shop",          false};
                           },
                           [this]() -> plugin::Call& { return call; }};

    FakeCluster() {
        server->add_types("v1", {{"", "v1", "namespaces", "Namespace", false},
                                 {"", "v1", "configmaps", "ConfigMap", true},
                                 {"", "v1", "secrets", "Secret", true},
                                 {"", "v1", "services", "Service", true},
                                 {"", "v1", "pods", "Pod", true}});
        server->add_types("apps/v1", {{"apps", "v1", "deployments", "Deployment", true}});
    }

    // Whatever a controller or a person would have made.
    void make(const api::ResourceType& type, const json& object, const std::string& name_space = "shop") {
        auto made = client->create({type, type.namespaced ? name_space : "", ""}, object);
        INFO((made ? std::string() : made.error().text()));
        REQUIRE(made);
    }
    [[nodiscard]] int count(const std::string& verb) const {
        const auto calls = server->calls();
        return static_cast<int>(
            std::count_if(calls.begin(), calls.end(), [&](const auto& each) { return each.verb == verb; }));
    }
};

inline const api::ResourceType kConfigMaps{"", "v1", "configmaps", "ConfigMap", true};
inline const api::ResourceType kSecrets{"", "v1", "secrets", "Secret", true};
inline const api::ResourceType kServices{"", "v1", "services", "Service", true};
inline const api::ResourceType kPods{"", "v1", "pods", "Pod", true};
inline const api::ResourceType kDeployments{"apps", "v1", "deployments", "Deployment", true};

inline plugin::Json config_map(const std::string& name, const std::string& page) {
    using plugin::Json;
    return Json::object({{"apiVersion", "v1"},
                         {"kind", "ConfigMap"},
                         {"metadata", Json::object({{"name", name}})},
                         {"data", Json::object({{"page", page}})}});
}

}  // namespace harmony::cluster::testing
