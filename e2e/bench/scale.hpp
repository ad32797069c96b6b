// What the measurements of a large simulated fleet share.
#pragma once

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "harmony/contracts/podman_v0.hpp"
#include "harmony/contracts/resources.hpp"
#include "harmony/nats/connection.hpp"

namespace harmony::bench {

using Clock = std::chrono::steady_clock;

[[noreturn]] inline void give_up(const std::string& what) {
    std::fprintf(stderr, "%s\n", what.c_str());
    std::exit(1);
}

template <class Value, class Failure>
Value must(tl::expected<Value, Failure> result, const std::string& what) {
    if (!result) give_up(what + ": " + result.error().text());
    if constexpr (!std::is_void_v<Value>) return *std::move(result);
}

inline double milliseconds_since(Clock::time_point start) {
    return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

template <class Condition>
void wait_for(const std::string& what, std::chrono::seconds limit, Condition done) {
    const auto deadline = Clock::now() + limit;
    while (!done()) {
        if (Clock::now() > deadline)
            give_up(what + " did not happen within " + std::to_string(limit.count()) + " s");
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
}

// As the administrator; "-" is a server without users.
inline std::unique_ptr<runtime::nats::NatsConnection> connect(const std::string& url,
                                                              const std::string& password_file) {
    runtime::nats::ConnectionOptions options;
    options.urls = {url};
    options.name = "harmony-bench";
    options.retry_first_connect = false;
    if (password_file != "-") {
        options.credentials.user = "admin";
        std::ifstream password(password_file);
        if (!std::getline(password, options.credentials.password)) give_up("cannot read " + password_file);
    }
    auto connection = runtime::nats::make_nats_connection(options);
    must(connection->start({}), "connect");
    return connection;
}

// For every device whose labels match; `labels` is JSON.
inline contracts::Deployment deployment(const std::string& name, const std::string& labels,
                                        const std::string& image, const std::string& rollout = "") {
    contracts::PodmanService service;
    service.name = "app";
    service.image = image;
    service.args = {"--listen", "0.0.0.0:8080", "--upstream", "https://gateway.example.net/v1/ingest"};
    service.env = {{"LOG_LEVEL", "info"}, {"REGION", "north"}, {"BUFFER", "/var/lib/app/buffer"}};
    contracts::PodmanV0 score;
    score.services = {service};
    const std::string document =
        R"({"apiVersion":"fleet.nationtech.io/v1alpha1","kind":"Deployment","metadata":{"name":")" + name +
        R"("},"spec":{"targetSelector":{"matchLabels":)" + labels + R"(},"score":)" +
        score.to_score().encode() + rollout + "}}";
    return must(contracts::Deployment::decode(document), "a Deployment of the measurement");
}

struct RawValue {
    std::string subject;
    std::string payload;
};
// Asynchronous JetStream publishes of nats.c alone, 4096 in flight; returns when all are acknowledged.
void publish_raw(const std::string& url, const std::string& password_file,
                 const std::vector<RawValue>& values);

}  // namespace harmony::bench
