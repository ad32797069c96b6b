// A client of one Kubernetes API server, or several behind one address.
//
// The only door to it: everything above sees JSON objects, Answers and callbacks. make_kubernetes_client()
// builds the real one on Boost.Beast, FakeKubernetesClient (fake_client.hpp) serves unit tests.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "harmony/kubernetes/access.hpp"
#include "harmony/kubernetes/failure.hpp"
#include "harmony/kubernetes/resource.hpp"
#include "harmony/kubernetes/watch.hpp"

namespace harmony::runtime::kubernetes {

using Json = nlohmann::json;

struct CallLimits {
    std::chrono::milliseconds deadline{30'000};  // from the call to the last byte, repetitions included
    // Repetitions where the server was not reached, is restarting or says to come back (Retry-After), and
    // repeating is safe: always before a request was sent, afterwards unless it is a create.
    int attempts = 5;
    std::stop_token stop = {};
};

struct ListOptions {
    std::string label_selector = {};
    std::string field_selector = {};
    int limit = 500;
    std::string continue_token = {};  // of the page before
};

struct ListPage {
    std::vector<Json> items;
    std::string resource_version;
    std::string continue_token;  // empty on the last page
};

struct WriteOptions {
    std::string field_manager = "harmony";
    bool dry_run = false;          // admitted and defaulted by the server, not stored
    bool force = false;            // server-side apply only: take over fields that other managers own
    std::string subresource = {};  // `status`, for example
};

enum class PatchKind { Apply, MergePatch, JsonPatch };
enum class Propagation { Background, Foreground, Orphan };

struct DeleteOptions {
    Propagation propagation = Propagation::Background;
    std::optional<int> grace_period_s = {};
    std::string uid = {};  // delete only the object with this uid; another one is a Conflict
    bool dry_run = false;
};

struct LogOptions {
    std::string container = {};  // needed where the pod has several
    std::optional<int> tail_lines = {};
    bool previous = false;  // of the container that ended before this one
};

struct PodRef {
    std::string name_space;
    std::string name;
};

struct ExecRequest {
    std::vector<std::string> command;
    std::string container = {};
    bool with_stdin = false;
};
struct PortForwardRequest {
    std::uint16_t port = 0;
};
using ChannelRequest = std::variant<ExecRequest, PortForwardRequest>;

struct ChannelMessage {
    std::uint8_t channel = 0;
    std::string bytes;
};

// A WebSocket of v4.channel.k8s.io. One thread at a time. Ends when destroyed; the client must outlive it.
class ChannelStream {
 public:
    virtual ~ChannelStream() = default;
    [[nodiscard]] virtual Answer<void> send(std::uint8_t channel, std::string_view bytes,
                                            std::chrono::milliseconds deadline) = 0;
    // Nothing: the server has closed it. Timeout leaves the stream as it was.
    [[nodiscard]] virtual Answer<std::optional<ChannelMessage>> receive(
        std::chrono::milliseconds deadline) = 0;
};

// Thread-safe. Calls block, and may be made by any number of threads at once; they and all watches share one
// connection pool and one thread. Destroy it after the last call has returned.
class KubernetesClient {
 public:
    virtual ~KubernetesClient() = default;

    // The resources of `v1` or `GROUP/VERSION`. NotFound: the server does not have that version.
    [[nodiscard]] virtual Answer<std::vector<ResourceType>> discover(const std::string& api_version,
                                                                     const CallLimits& limits = {}) = 0;
    [[nodiscard]] virtual Answer<Json> get(const ObjectRef& ref, const CallLimits& limits = {}) = 0;
    // One page. Gone: the continue token is too old, begin again. A name space that is empty means all.
    [[nodiscard]] virtual Answer<ListPage> list(const ResourceType& type, const std::string& name_space,
                                                const ListOptions& options = {},
                                                const CallLimits& limits = {}) = 0;
    // The object's own name and generateName apply; ref.name is needed only with a subresource.
    [[nodiscard]] virtual Answer<Json> create(const ObjectRef& ref, const Json& object,
                                              const WriteOptions& options = {},
                                              const CallLimits& limits = {}) = 0;
    // Conflict: metadata.resourceVersion of the object is not the stored one.
    [[nodiscard]] virtual Answer<Json> replace(const ObjectRef& ref, const Json& object,
                                               const WriteOptions& options = {},
                                               const CallLimits& limits = {}) = 0;
    // Apply creates what is absent; Conflict names every field and its manager.
    [[nodiscard]] virtual Answer<Json> patch(const ObjectRef& ref, PatchKind kind, const Json& body,
                                             const WriteOptions& options = {},
                                             const CallLimits& limits = {}) = 0;
    // Returns when the server has accepted it; finalizers may keep the object.
    [[nodiscard]] virtual Answer<void> remove(const ObjectRef& ref, const DeleteOptions& options = {},
                                              const CallLimits& limits = {}) = 0;
    // Never fails once it began: goes on trying. Configuration: a scope that can't be a path.
    [[nodiscard]] virtual Answer<std::unique_ptr<Watch>> watch(const WatchScope& scope,
                                                               WatchHandlers handlers,
                                                               const WatchOptions& options = {}) = 0;
    // At most a MiB.
    [[nodiscard]] virtual Answer<std::string> logs(const PodRef& pod, const LogOptions& options = {},
                                                   const CallLimits& limits = {}) = 0;
    [[nodiscard]] virtual Answer<std::unique_ptr<ChannelStream>> channels(const PodRef& pod,
                                                                          const ChannelRequest& request,
                                                                          const CallLimits& limits = {}) = 0;
};

// Connects at the first call. Configuration: certificates or keys that are none.
[[nodiscard]] Answer<std::unique_ptr<KubernetesClient>> make_kubernetes_client(const ClusterAccess& access);

}  // namespace harmony::runtime::kubernetes
