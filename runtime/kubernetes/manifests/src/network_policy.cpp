#include "harmony/kubernetes_manifests/network_policy.hpp"

#include <algorithm>

#include "members.hpp"

namespace harmony::kubernetes_manifests {
namespace {

bool is_number(const std::string& text) {
    return !text.empty() && text.size() <= 5 &&
           std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

Json selector_of(const Labels& labels) {
    Json selector = Json::object();
    put_filled(selector, "matchLabels", labels);
    return selector;
}

Json to_json(const PolicyPort& port) {
    Json object{{"protocol", name_of(port.protocol)}};
    if (is_number(port.port)) {
        object["port"] = std::stoi(port.port);
    } else {
        object["port"] = port.port;
    }
    return object;
}

Json to_json(const PolicyPeer& peer) {
    Json object{{"podSelector", selector_of(peer.pods)}};
    if (peer.all_namespaces) object["namespaceSelector"] = Json::object();
    return object;
}

Json rules_of(const std::vector<PolicyRules>& rules, const char* peers_name) {
    Json list = Json::array();
    for (const PolicyRules& rule : rules) {
        Json object = Json::object();
        for (const PolicyPort& port : rule.ports)
            object["ports"].push_back(to_json(port));
        for (const PolicyPeer& peer : rule.peers)
            object[peers_name].push_back(to_json(peer));
        list.push_back(std::move(object));
    }
    return list;
}

}  // namespace

Json to_json(const NetworkPolicy& object) {
    Json json = object_of("networking.k8s.io/v1", "NetworkPolicy", object.metadata);
    Json spec{{"podSelector", selector_of(object.pods)}, {"policyTypes", Json::array()}};
    if (object.ingress) {
        spec["policyTypes"].push_back("Ingress");
        spec["ingress"] = rules_of(*object.ingress, "from");
    }
    if (object.egress) {
        spec["policyTypes"].push_back("Egress");
        spec["egress"] = rules_of(*object.egress, "to");
    }
    json["spec"] = std::move(spec);
    return json;
}

}  // namespace harmony::kubernetes_manifests
