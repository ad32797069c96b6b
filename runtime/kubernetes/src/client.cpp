#include "harmony/kubernetes/client.hpp"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <random>

#include "call_shape.hpp"
#include "channel_frames.hpp"
#include "credentials.hpp"
#include "retry.hpp"
#include "transport/transport.hpp"
#include "watch.hpp"
#include "wire_failure.hpp"

namespace harmony::runtime::kubernetes {
namespace {

double random_fraction() {
    thread_local std::minstd_rand generator{std::random_device{}()};
    return std::uniform_real_distribution<>(0, 1)(generator);
}

// False: asked to stop, or the deadline would be over before.
bool pause(std::chrono::milliseconds delay, WireClock::time_point deadline, const std::stop_token& stop) {
    const auto until = WireClock::now() + delay;
    if (until >= deadline) return false;
    std::mutex mutex;
    std::condition_variable_any changed;
    std::unique_lock lock(mutex);
    changed.wait_until(lock, stop, until, [] { return false; });
    return !stop.stop_requested();
}

// Starts the request and blocks; the transport keeps the deadline.
Wired<WireReply> exchange(Transport& transport, const WireRequest& request, WireClock::time_point deadline,
                          const std::stop_token& stop) {
    struct Outcome {
        std::mutex mutex;
        std::condition_variable changed;
        std::optional<Wired<WireReply>> reply;
    };
    const auto outcome = std::make_shared<Outcome>();
    WireHandlers handlers;
    handlers.on_end = [outcome](Wired<WireReply> reply) {
        const std::unique_lock lock(outcome->mutex);
        outcome->reply = std::move(reply);
        outcome->changed.notify_all();
    };
    const Operation operation = transport.start(request, {deadline}, std::move(handlers));
    const std::stop_callback cancel(stop, [&operation] { operation->cancel(); });
    std::unique_lock lock(outcome->mutex);
    outcome->changed.wait(lock, [&] { return outcome->reply.has_value(); });
    return std::move(*outcome->reply);
}

class SocketChannels final : public ChannelStream {
 public:
    SocketChannels(std::unique_ptr<WireSocket> socket, CallName call)
        : socket_(std::move(socket)), call_(std::move(call)) {}

    Answer<void> send(std::uint8_t channel, std::string_view bytes,
                      std::chrono::milliseconds deadline) override {
        const auto sent = socket_->send(encode_channel_frame(channel, bytes), WireClock::now() + deadline);
        if (!sent) return refuse(failure_of(call_, sent.error()));
        return {};
    }

    Answer<std::optional<ChannelMessage>> receive(std::chrono::milliseconds deadline) override {
        const auto message = socket_->receive(WireClock::now() + deadline);
        if (!message) return refuse(failure_of(call_, message.error()));
        if (!*message) return std::optional<ChannelMessage>{};
        const auto frame = decode_channel_frame(**message);
        if (!frame) return refuse(frame.error());
        return ChannelMessage{frame->channel, std::string(frame->bytes)};
    }

 private:
    std::unique_ptr<WireSocket> socket_;
    const CallName call_;
};

class HttpKubernetesClient final : public KubernetesClient {
 public:
    HttpKubernetesClient(const ClusterAccess& access, std::unique_ptr<Transport> transport)
        : credentials_(access,
                       [wire = transport.get()](const std::string& certificate, const std::string& key) {
                           return wire->use_client_certificate(certificate, key);
                       }),
          transport_(std::move(transport)) {}

    Answer<std::vector<ResourceType>> discover(const std::string& api_version,
                                               const CallLimits& limits) override;
    Answer<Json> get(const ObjectRef& ref, const CallLimits& limits) override {
        return object(shape_get(ref), limits);
    }
    Answer<ListPage> list(const ResourceType& type, const std::string& name_space, const ListOptions& options,
                          const CallLimits& limits) override;
    Answer<Json> create(const ObjectRef& ref, const Json& body, const WriteOptions& options,
                        const CallLimits& limits) override {
        return object(shape_create(ref, body, options), limits);
    }
    Answer<Json> replace(const ObjectRef& ref, const Json& body, const WriteOptions& options,
                         const CallLimits& limits) override {
        return object(shape_replace(ref, body, options), limits);
    }
    Answer<Json> patch(const ObjectRef& ref, PatchKind kind, const Json& body, const WriteOptions& options,
                       const CallLimits& limits) override {
        return object(shape_patch(ref, kind, body, options), limits);
    }
    Answer<void> remove(const ObjectRef& ref, const DeleteOptions& options,
                        const CallLimits& limits) override {
        const auto reply = call(shape_remove(ref, options), limits);
        if (!reply) return refuse(reply.error());
        return {};
    }
    Answer<std::unique_ptr<Watch>> watch(const WatchScope& scope, WatchHandlers handlers,
                                         const WatchOptions& options) override {
        return start_watch(*transport_, credentials_, scope, std::move(handlers), options);
    }
    Answer<std::string> logs(const PodRef& pod, const LogOptions& options,
                             const CallLimits& limits) override {
        auto reply = call(shape_logs(pod, options), limits);
        if (!reply) return refuse(reply.error());
        return std::move(reply->body);
    }
    Answer<std::unique_ptr<ChannelStream>> channels(const PodRef& pod, const ChannelRequest& request,
                                                    const CallLimits& limits) override;

 private:
    Answer<WireReply> call(Answer<ShapedCall> shaped, const CallLimits& limits);
    Answer<WireReply> attempt(ShapedCall& shaped, WireClock::time_point deadline, const CallLimits& limits);
    Answer<Json> object(Answer<ShapedCall> shaped, const CallLimits& limits);
    Answer<void> authorize(ShapedCall& shaped, WireClock::time_point deadline);

    Credentials credentials_;
    std::unique_ptr<Transport> transport_;  // last: it waits for a plugin that still runs for a watch
};

Answer<void> HttpKubernetesClient::authorize(ShapedCall& shaped, WireClock::time_point deadline) {
    auto header = credentials_.authorization(deadline);
    if (!header) {
        Failure failure = header.error();
        failure.error = failure.error.wrap(shaped.name.text());
        return refuse(std::move(failure));
    }
    shaped.request.authorization = std::move(*header);
    return {};
}

// One attempt; credentials that may have been replaced meanwhile are tried once more.
Answer<WireReply> HttpKubernetesClient::attempt(ShapedCall& shaped, WireClock::time_point deadline,
                                                const CallLimits& limits) {
    for (bool again = true;; again = false) {
        if (const auto authorized = authorize(shaped, deadline); !authorized)
            return refuse(authorized.error());
        auto reply = exchange(*transport_, shaped.request, deadline, limits.stop);
        if (!reply) return refuse(failure_of(shaped.name, reply.error()));
        if (reply->status < 300) return std::move(*reply);
        Failure failure = decode_failure(shaped.name, reply->status, reply->body, reply->retry_after);
        if (failure.reason != Reason::Unauthorized) return refuse(std::move(failure));
        const std::string suspicion = credentials_.suspicion();
        if (credentials_.refused() && again) continue;
        failure.error = Error(failure.error.kind(), failure.error.message() + ": " + suspicion);
        return refuse(std::move(failure));
    }
}

Answer<WireReply> HttpKubernetesClient::call(Answer<ShapedCall> shaped, const CallLimits& limits) {
    if (!shaped) return refuse(shaped.error());
    if (transport_->on_io_thread()) {
        return refuse(Reason::Configuration, shaped->name.text() + ": called from a handler of a watch");
    }
    const auto deadline = WireClock::now() + limits.deadline;
    for (int number = 1;; ++number) {
        if (limits.stop.stop_requested())
            return refuse(Reason::Cancelled, shaped->name.text() + ": cancelled");
        auto reply = attempt(*shaped, deadline, limits);
        if (reply) return reply;
        const Attempt made{number, limits.attempts, shaped->request.repeatable};
        const auto delay = delay_before_retry(reply.error(), made, random_fraction());
        if (!delay) return reply;
        if (!pause(*delay, deadline, limits.stop) && !limits.stop.stop_requested()) return reply;
    }
}

Answer<Json> HttpKubernetesClient::object(Answer<ShapedCall> shaped, const CallLimits& limits) {
    const std::string name = shaped ? shaped->name.text() : std::string{};
    const auto reply = call(std::move(shaped), limits);
    if (!reply) return refuse(reply.error());
    Json parsed = Json::parse(reply->body, nullptr, false);
    if (!parsed.is_object()) return refuse(Reason::Malformed, name + ": the answer is no JSON object");
    return parsed;
}

Answer<ListPage> HttpKubernetesClient::list(const ResourceType& type, const std::string& name_space,
                                            const ListOptions& options, const CallLimits& limits) {
    auto shaped = shape_list(type, name_space, options);
    if (!shaped) return refuse(shaped.error());
    const CallName name = shaped->name;
    const auto reply = call(std::move(shaped), limits);
    if (!reply) return refuse(reply.error());
    return decode_page(name, reply->body, type.api_version(), type.kind);
}

Answer<std::vector<ResourceType>> HttpKubernetesClient::discover(const std::string& api_version,
                                                                 const CallLimits& limits) {
    const auto document = object(shape_discover(api_version), limits);
    if (!document) return refuse(document.error());
    const auto resources = document->find("resources");
    if (resources == document->end() || !resources->is_array()) {
        return refuse(Reason::Malformed, "discovery of " + api_version + ": resources is no list");
    }
    const auto slash = api_version.find('/');
    const std::string group = slash == std::string::npos ? "" : api_version.substr(0, slash);
    const std::string version = api_version.substr(slash == std::string::npos ? 0 : slash + 1);
    std::vector<ResourceType> types;
    for (const Json& resource : *resources) {
        const bool good = resource.is_object() && resource.value("name", Json{}).is_string() &&
                          resource.value("kind", Json{}).is_string() &&
                          resource.value("namespaced", Json{}).is_boolean();
        if (!good)
            return refuse(Reason::Malformed, "discovery of " + api_version + ": a resource without a name");
        std::string plural = resource["name"];
        if (plural.find('/') != std::string::npos) continue;  // a subresource
        types.push_back({group, version, std::move(plural), resource["kind"], resource["namespaced"]});
    }
    return types;
}

Answer<std::unique_ptr<ChannelStream>> HttpKubernetesClient::channels(const PodRef& pod,
                                                                      const ChannelRequest& request,
                                                                      const CallLimits& limits) {
    auto shaped = shape_channels(pod, request);
    if (!shaped) return refuse(shaped.error());
    if (transport_->on_io_thread()) {
        return refuse(Reason::Configuration, shaped->name.text() + ": called from a handler of a watch");
    }
    const auto deadline = WireClock::now() + limits.deadline;
    if (const auto authorized = authorize(*shaped, deadline); !authorized) return refuse(authorized.error());
    auto socket = transport_->open_socket(shaped->request, kChannelProtocol, deadline);
    if (!socket) return refuse(failure_of(shaped->name, socket.error()));
    return std::make_unique<SocketChannels>(std::move(*socket), shaped->name);
}

}  // namespace

Answer<std::unique_ptr<KubernetesClient>> make_kubernetes_client(const ClusterAccess& access) {
    auto transport = make_transport(access);
    if (!transport) return refuse(transport.error());
    return std::make_unique<HttpKubernetesClient>(access, std::move(*transport));
}

}  // namespace harmony::runtime::kubernetes
