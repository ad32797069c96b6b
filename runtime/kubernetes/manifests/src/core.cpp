#include "harmony/kubernetes_manifests/core.hpp"

#include "base64.hpp"
#include "members.hpp"

namespace harmony::kubernetes_manifests {
namespace {

const char* name_of(ServiceType type) {
    switch (type) {
        case ServiceType::ClusterIp:
            return "ClusterIP";
        case ServiceType::NodePort:
            return "NodePort";
        case ServiceType::LoadBalancer:
            return "LoadBalancer";
    }
    return "ClusterIP";
}

Json to_json(const ServicePort& port) {
    Json object{{"port", port.port}, {"protocol", name_of(port.protocol)}};
    put_filled(object, "name", port.name);
    put_filled(object, "targetPort", port.target);
    if (port.node_port != 0) object["nodePort"] = port.node_port;
    return object;
}

}  // namespace

const char* name_of(Protocol protocol) {
    return protocol == Protocol::Udp ? "UDP" : "TCP";
}

Json to_json(const Metadata& metadata) {
    Json object{{"name", metadata.name}};
    put_filled(object, "namespace", metadata.name_space);
    put_filled(object, "labels", metadata.labels);
    put_filled(object, "annotations", metadata.annotations);
    return object;
}

Json to_json(const Namespace& object) {
    return object_of("v1", "Namespace", object.metadata);
}

Json to_json(const Secret& object) {
    Json json = object_of("v1", "Secret", object.metadata);
    json["type"] = object.type;
    for (const auto& [name, bytes] : object.data)
        json["data"][name] = base64(bytes);
    return json;
}

Json to_json(const ConfigMap& object) {
    Json json = object_of("v1", "ConfigMap", object.metadata);
    put_filled(json, "data", object.data);
    return json;
}

Json to_json(const ServiceAccount& object) {
    Json json = object_of("v1", "ServiceAccount", object.metadata);
    json["automountServiceAccountToken"] = object.automount_token;
    return json;
}

Json to_json(const Service& object) {
    Json json = object_of("v1", "Service", object.metadata);
    Json spec{{"type", name_of(object.type)}};
    put_filled(spec, "selector", object.selector);
    Json ports = Json::array();
    for (const ServicePort& port : object.ports)
        ports.push_back(to_json(port));
    put_filled(spec, "ports", ports);
    if (object.headless) spec["clusterIP"] = "None";
    if (object.also_not_ready) spec["publishNotReadyAddresses"] = true;
    json["spec"] = std::move(spec);
    return json;
}

Json to_json(const PersistentVolumeClaim& object) {
    Json json = object_of("v1", "PersistentVolumeClaim", object.metadata);
    json["spec"] = {{"accessModes", {"ReadWriteOnce"}},
                    {"resources", {{"requests", {{"storage", object.storage}}}}}};
    if (object.storage_class) json["spec"]["storageClassName"] = *object.storage_class;
    return json;
}

}  // namespace harmony::kubernetes_manifests
