// What the measurements of a large simulated fleet share.
#pragma once

#include <string>
#include <vector>

#include "harmony/contracts/podman_v0.hpp"
#include "harmony/contracts/resources.hpp"
#include "measurement.hpp"

namespace harmony::bench {

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
