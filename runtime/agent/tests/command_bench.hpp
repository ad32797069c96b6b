// The agent's long commands on fakes: a broker, a runtime, a clock that only moves when told.
#pragma once

#include <atomic>
#include <catch2/catch.hpp>
#include <chrono>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "harmony/agent/commands.hpp"
#include "harmony/agent/container_identity.hpp"
#include "harmony/agent/reconciler.hpp"
#include "harmony/contracts/labels.hpp"
#include "harmony/daemon/metrics.hpp"
#include "harmony/nats/fake_connection.hpp"
#include "harmony/podman/fake_runtime.hpp"
#include "temporary_directory.hpp"

namespace harmony::agent::testing {

using namespace std::chrono_literals;

// Read by workers while a test moves it.
class SteppedClock final : public Clock {
 public:
    [[nodiscard]] SteadyTime steady() const override {
        return SteadyTime{} + std::chrono::milliseconds(now_);
    }
    [[nodiscard]] contracts::Timestamp wall() const override {
        return contracts::Timestamp::from_microseconds(1'700'000'000'000'000 + now_ * 1000);
    }
    void advance(std::chrono::milliseconds by) { now_ += by.count(); }

 private:
    std::atomic<std::int64_t> now_{3'600'000};
};

// Fails the test when it does not hold within ten seconds.
inline void eventually_holds(const std::function<bool()>& holds) {
    const auto deadline = std::chrono::steady_clock::now() + 10s;
    while (!holds() && std::chrono::steady_clock::now() < deadline)
        std::this_thread::sleep_for(1ms);
    REQUIRE(holds());
}

struct CommandBench {
    TemporaryDirectory directory;
    SteppedClock clock;
    runtime::daemon::MetricsRegistry metrics;
    contracts::DeviceId device = contracts::DeviceId::parse("dev").value();
    std::shared_ptr<runtime::podman::FakeContainerRuntime> runtime =
        runtime::podman::FakeContainerRuntime::create_runtime();
    std::shared_ptr<runtime::nats::FakeNatsServer> server = runtime::nats::FakeNatsServer::create();
    std::unique_ptr<runtime::nats::NatsConnection> connection =
        runtime::nats::FakeNatsConnection::create(server);
    RuntimeFactory runtimes = [this] { return runtime; };

    CommandBench() {
        REQUIRE(connection->start({}));
        runtime->add_image("i");
    }

    // A running container of the deployment's service; its name.
    std::string run_service(const std::string& deployment, const std::string& service,
                            const std::string& suffix = "") {
        runtime::podman::ContainerSpec spec;
        spec.name = "hf.dev." + deployment + "." + service + suffix;
        spec.image = "i";
        spec.labels = owned_labels(device);
        spec.labels[std::string(contracts::kDeploymentLabel)] = deployment;
        spec.labels[std::string(contracts::kServiceLabel)] = service;
        REQUIRE(runtime->create(spec));
        REQUIRE(runtime->start(spec.name));
        return spec.name;
    }

    static CommandCall call(const std::string& payload, const std::string& id,
                            const std::string& reply = "reply.1") {
        CommandCall result;
        result.headers.request_id = id;
        result.headers.operator_sub = "ada@workshop";
        result.payload = payload;
        result.reply = reply;
        return result;
    }

    [[nodiscard]] std::vector<std::string> answers(const std::string& subject = "reply.1") const {
        std::vector<std::string> payloads;
        for (const auto& message : server->published(subject))
            payloads.push_back(message.payload);
        return payloads;
    }
};

}  // namespace harmony::agent::testing
