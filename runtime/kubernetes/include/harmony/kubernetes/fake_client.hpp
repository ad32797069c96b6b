// An API server in memory for unit tests: objects with resource versions, server-side apply with field
// managers, finalizers, paging and watches. It has no schemas, no permissions and no pods. Link
// harmony::kubernetes_fake.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "harmony/kubernetes/client.hpp"

namespace harmony::runtime::kubernetes {

struct FakeCall {
    std::string verb;      // get, list, watch, create, update, patch, delete
    std::string resource;  // deployments.apps, deployments.apps/status
    std::string name_space;
    std::string name;
    std::chrono::milliseconds deadline;  // that the caller gave it
    int attempts;
};

// Shared by the clients of a test. Thread-safe. Watch handlers run inside the call that changes something.
class FakeKubernetesServer {
 public:
    [[nodiscard]] static std::shared_ptr<FakeKubernetesServer> create();
    virtual ~FakeKubernetesServer() = default;

    [[nodiscard]] virtual std::unique_ptr<KubernetesClient> connect() = 0;
    virtual void add_types(const std::string& api_version, std::vector<ResourceType> types) = 0;

    [[nodiscard]] virtual std::vector<FakeCall> calls() const = 0;
    // The n-th next call (1: the very next) with that verb fails so, and changes nothing.
    virtual void fail(std::string_view verb, int nth, Failure failure) = 0;
    // Every watch sees this trouble; after Gone it replays.
    virtual void interrupt_watches(const Failure& failure) = 0;
    virtual void set_logs(const PodRef& pod, std::string text) = 0;

 protected:
    FakeKubernetesServer() = default;
};

}  // namespace harmony::runtime::kubernetes
