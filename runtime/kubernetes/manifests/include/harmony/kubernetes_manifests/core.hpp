// Kinds of the API group v1, without pods.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "harmony/kubernetes_manifests/metadata.hpp"

namespace harmony::kubernetes_manifests {

struct Namespace {
    Metadata metadata;
};

struct Secret {
    Metadata metadata;
    std::map<std::string, std::string> data{};  // any bytes: encoded when written
    std::string type = "Opaque";
};

struct ConfigMap {
    Metadata metadata;
    std::map<std::string, std::string> data{};  // UTF-8
};

struct ServiceAccount {
    Metadata metadata;
    bool automount_token = false;  // for pods that do not say it themselves
};

enum class Protocol { Tcp, Udp };

struct ServicePort {
    std::string name;
    int port = 0;
    std::string target{};  // the name of a container's port; empty: the same number
    int node_port = 0;     // 0: none, or one that the cluster chooses
    Protocol protocol = Protocol::Tcp;
};

enum class ServiceType { ClusterIp, NodePort, LoadBalancer };

struct Service {
    Metadata metadata;
    Labels selector{};
    std::vector<ServicePort> ports{};
    ServiceType type = ServiceType::ClusterIp;
    bool headless = false;        // no address of its own: its name leads to the pods
    bool also_not_ready = false;  // leads to pods that are not ready, too
};

struct PersistentVolumeClaim {
    Metadata metadata;
    std::string storage;                         // 5Gi
    std::optional<std::string> storage_class{};  // none: the cluster's default one
};

[[nodiscard]] Json to_json(const Namespace& object);
[[nodiscard]] Json to_json(const Secret& object);
[[nodiscard]] Json to_json(const ConfigMap& object);
[[nodiscard]] Json to_json(const ServiceAccount& object);
[[nodiscard]] Json to_json(const Service& object);
// One pod at a time (ReadWriteOnce).
[[nodiscard]] Json to_json(const PersistentVolumeClaim& object);

[[nodiscard]] const char* name_of(Protocol protocol);  // "TCP"

}  // namespace harmony::kubernetes_manifests
