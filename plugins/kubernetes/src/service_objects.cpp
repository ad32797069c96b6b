#include "service_objects.hpp"

#include <optional>

#include "diagnostics.hpp"
#include "inventory.hpp"
#include "object_fields.hpp"
#include "reachability.hpp"

namespace harmony::cluster {
namespace {

using plugin::Result;

std::string service_name(const json& object) {
    const Labels labels = labels_of(object);
    const auto found = labels.find(std::string(kServiceLabel));
    return found == labels.end() ? std::string() : found->second;
}

}  // namespace

Result<std::vector<json>> ServiceObjects::services(const std::string& name) {
    auto connected = session_.connection();
    if (!connected) return plugin::failure(std::move(connected.error()));
    const Labels labels = context_labels(session_.context());
    const api::ResourceType type{"", "v1", "services", "Service", true};
    const api::ListOptions options{.label_selector = selector_of(labels)};
    auto& client = *(*connected)->client;
    auto found = api::list_all(client, type, {}, options, session_.limits());
    std::optional<api::Failure> forbidden;
    if (!found && found.error().reason == api::Reason::Forbidden) {
        forbidden = found.error();
        found = api::list_all(client, type, (*connected)->name_space, options, session_.limits());
    }
    if (!found) return diagnose(found.error());
    std::erase_if(*found, [&](const json& each) {
        const std::string service = service_name(each);
        return !carries(each, labels) || service.empty() || (!name.empty() && service != name);
    });
    if (found->empty() && forbidden) return diagnose(*forbidden);
    return std::move(*found);
}

Result<plugin::Endpoint> ServiceObjects::resolve(const std::string& service, const std::string& port) {
    auto known = services(service);
    if (!known) return plugin::failure(std::move(known.error()));
    if (known->empty()) {
        return plugin::failure(std::string(kNotFound),
                               "no Service of context " + session_.context() + " is named " + service);
    }
    const std::vector<json> nodes = list_nodes(session_);
    auto addresses = addresses_of(known->front(), port, nodes, (*session_.connection())->host);
    if (!addresses || addresses->empty()) {
        return plugin::failure(
            std::string(kNotFound),
            addresses ? "the Service " + service + " has no address of its own" : addresses.error().summary);
    }
    const auto* answering = first_answering(*addresses, (*session_.connection())->inside);
    const auto& chosen = answering == nullptr ? addresses->front() : *answering;
    return plugin::Endpoint{chosen.host, chosen.port};
}

Result<std::vector<plugin::ServicePort>> ServiceObjects::list() {
    auto known = services();
    if (!known) return plugin::failure(std::move(known.error()));
    const std::vector<json> nodes = known->empty() ? std::vector<json>() : list_nodes(session_);
    std::vector<plugin::ServicePort> ports;
    for (const json& service : *known) {
        const json& entries = at(service, {"spec", "ports"});
        if (!entries.is_array()) continue;
        for (const json& entry : entries) {
            const std::string number = std::to_string(number_at(entry, {"port"}));
            const std::string name = text_at(entry, {"name"});
            auto addresses = addresses_of(service, number, nodes, (*session_.connection())->host);
            if (!addresses || addresses->empty()) continue;
            ports.push_back({service_name(service), name.empty() ? number : name, addresses->front().host,
                             addresses->front().port});
        }
    }
    return ports;
}

}  // namespace harmony::cluster
