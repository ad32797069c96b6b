// A plan of Device resources and the fake API server that its requests reach.
#pragma once

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "harmony/contracts/resources.hpp"
#include "harmony/kubernetes/fake_client.hpp"
#include "harmony/operator/device_resources_plan.hpp"

namespace harmony::op::testing {

using namespace harmony::contracts;
namespace kubernetes = harmony::runtime::kubernetes;
using kubernetes::Reason;
using Json = nlohmann::json;

inline const Timestamp kStart = Timestamp::parse("2026-01-01T00:00:00Z").value();

inline Timestamp after(std::int64_t seconds) {
    return Timestamp::from_microseconds(kStart.microseconds() + seconds * 1'000'000);
}

inline DeviceId id(const std::string& name) {
    return DeviceId::parse(name).value();
}

inline DeviceInfo info(const std::string& name, Labels labels = {{"site", "lyon"}}) {
    return {id(name), std::move(labels),
            Inventory{"host", "x86_64", "Debian", "6.1", 4, 1, 2, "podman", "4.3.1", {}}, "0.1.0", kStart};
}

inline DeviceResourceSettings settings() {
    DeviceResourceSettings result;
    result.stack = "blue";
    return result;
}

inline const Json kEmptyText(std::string{});

// A plan, and the cluster that its requests reach: the fake API server.
struct Fleet {
    explicit Fleet(const DeviceResourceSettings& chosen = settings()) : stack(chosen.stack), plan(chosen) {}

    // As at a start: the cluster told what it holds, the fleet what it knows.
    void begin() {
        replay();
        plan.all_told();
        plan.lead(true);
    }
    void replay() {
        plan.replay_begins();
        const auto page = client->list(device_resource_type(), "").value();
        for (const Json& object : page.items)
            plan.observed(id(object["metadata"]["name"]), observe_device(object, stack).value());
        plan.replay_ends();
    }

    // Does what is due now, and says how many requests that were.
    int settle(Timestamp now) {
        int requests = 0;
        while (auto request = plan.next(now)) {
            ++requests;
            REQUIRE(requests < 100'000);
            plan.done(*request, perform(*request), now);
        }
        return requests;
    }
    // Lets time pass until so many seconds after the start.
    int settle_until(std::int64_t seconds, std::int64_t& clock) {
        int requests = 0;
        for (; clock < seconds; ++clock)
            requests += settle(after(clock));
        return requests;
    }

    kubernetes::Answer<std::optional<ObservedDevice>> perform(const DeviceRequest& request) {
        const kubernetes::ObjectRef ref{device_resource_type(), {}, request.device.str()};
        if (request.kind == DeviceRequestKind::Delete) {
            kubernetes::DeleteOptions options;
            options.uid = request.uid;
            auto removed = client->remove(ref, options);
            if (!removed) return kubernetes::refuse(removed.error());
            return std::nullopt;
        }
        kubernetes::WriteOptions options;
        const bool status = request.kind == DeviceRequestKind::Status;
        options.field_manager = status ? device_status_manager(stack) : device_object_manager(stack);
        options.force = status;
        const Json body =
            status ? make_device_status(request.device, request.status) : Json::parse(request.body);
        auto written = client->patch(ref, kubernetes::PatchKind::Apply, body, options);
        if (!written) return kubernetes::refuse(written.error());
        return seen(*written, !status, request);
    }

    // The fake keeps no managedFields: what we applied is what we own.
    std::optional<ObservedDevice> seen(Json object, bool object_applied, const DeviceRequest& request) {
        if (object_applied) applied[request.device] = Json::parse(request.body)["metadata"]["labels"];
        note_managers(object);
        return observe_device(object, stack);
    }
    void note_managers(Json& object) {
        const auto found = applied.find(id(object["metadata"]["name"]));
        if (found == applied.end()) return;
        Json fields;
        for (const auto& [key, ignored] : found->second.items())
            fields["f:metadata"]["f:labels"]["f:" + key] = Json::object();
        object["metadata"]["managedFields"] = Json::array(
            {{{"manager", device_object_manager(stack)}, {"operation", "Apply"}, {"fieldsV1", fields}}});
    }
    Json get(const std::string& name) { return client->get({device_resource_type(), {}, name}).value(); }
    [[nodiscard]] bool exists(const std::string& name) {
        return client->get({device_resource_type(), {}, name}).has_value();
    }

    std::string stack;
    std::shared_ptr<kubernetes::FakeKubernetesServer> server = kubernetes::FakeKubernetesServer::create();
    std::unique_ptr<kubernetes::KubernetesClient> client = server->connect();
    std::map<DeviceId, Json> applied;
    DeviceResourcePlan plan;
};

inline Json condition(const Json& device, const std::string& type) {
    for (const Json& entry : device["status"]["conditions"]) {
        if (entry["type"] == type) return entry;
    }
    return nullptr;
}

// Somebody else changes an object, and the watch tells.
inline void change_by_hand(Fleet& fleet, const std::string& name, const Json& merge) {
    const kubernetes::ObjectRef ref{device_resource_type(), {}, name};
    Json object = fleet.client->patch(ref, kubernetes::PatchKind::MergePatch, merge).value();
    fleet.note_managers(object);
    fleet.plan.observed(id(name), observe_device(object, fleet.stack).value());
}

}  // namespace harmony::op::testing
