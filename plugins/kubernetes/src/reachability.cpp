#include "reachability.hpp"

#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <memory>

#include "diagnostics.hpp"
#include "object_fields.hpp"

namespace harmony::cluster {
namespace {

using plugin::KubernetesAddress;
using plugin::KubernetesRoute;
using plugin::Result;

constexpr std::chrono::milliseconds kConnectTimeout{500};
constexpr std::chrono::milliseconds kPollInterval{200};
// More nodes than that say nothing new: a node port is the same on all of them.
constexpr int kMostNodes = 10;

Result<const json*> find_port(const json& service, const std::string& port) {
    std::string known;
    const json& ports = at(service, {"spec", "ports"});
    if (ports.is_array()) {
        for (const json& each : ports) {
            const std::string name = text_at(each, {"name"});
            const std::string number = std::to_string(number_at(each, {"port"}));
            if (name == port || number == port) return &each;
            known += (known.empty() ? "" : ", ") + (name.empty() ? number : name + " (" + number + ")");
        }
    }
    return plugin::invalid_parameter("port", "the Service " + text_at(service, {"metadata", "name"}) +
                                                 " has no port " + port +
                                                 "; it has: " + (known.empty() ? "none" : known));
}

void add_load_balancers(const json& service, int port, std::vector<KubernetesAddress>& found) {
    const json& ingress = at(service, {"status", "loadBalancer", "ingress"});
    if (!ingress.is_array()) return;
    for (const json& each : ingress) {
        std::string host = text_at(each, {"ip"});
        if (host.empty()) host = text_at(each, {"hostname"});
        if (!host.empty()) found.push_back({host, port, KubernetesRoute::LoadBalancer});
    }
}

void add_node_ports(const std::vector<json>& nodes, const std::string& api_host, int port,
                    std::vector<KubernetesAddress>& found) {
    for (const char* type : {"ExternalIP", "InternalIP"}) {
        for (const json& node : nodes) {
            const json& addresses = at(node, {"status", "addresses"});
            if (!addresses.is_array()) continue;
            for (const json& each : addresses) {
                if (text_at(each, {"type"}) == type)
                    found.push_back({text_at(each, {"address"}), port, KubernetesRoute::NodePort});
            }
        }
    }
    found.push_back({api_host, port, KubernetesRoute::NodePort});
}

std::string text_of(const std::vector<KubernetesAddress>& addresses) {
    std::string text;
    for (const auto& each : addresses)
        text += (text.empty() ? "" : ", ") + each.host + ":" + std::to_string(each.port);
    return text;
}

class Socket {
 public:
    explicit Socket(const addrinfo& to)
        : fd_(::socket(to.ai_family, to.ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, to.ai_protocol)) {}
    Socket(const Socket&) = delete;
    Socket& operator=(const Socket&) = delete;
    ~Socket() {
        if (fd_ >= 0) ::close(fd_);
    }
    [[nodiscard]] int fd() const { return fd_; }

 private:
    int fd_;
};

bool connects(const addrinfo& to, std::chrono::milliseconds timeout) {
    const Socket socket(to);
    if (socket.fd() < 0) return false;
    if (::connect(socket.fd(), to.ai_addr, to.ai_addrlen) == 0) return true;
    if (errno != EINPROGRESS) return false;
    pollfd waiting{socket.fd(), POLLOUT, 0};
    if (::poll(&waiting, 1, static_cast<int>(timeout.count())) != 1) return false;
    int error = 0;
    socklen_t size = sizeof error;
    return ::getsockopt(socket.fd(), SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error == 0;
}

bool accepts(const KubernetesAddress& address, std::chrono::milliseconds timeout) {
    addrinfo wanted{};
    wanted.ai_socktype = SOCK_STREAM;
    addrinfo* list = nullptr;
    if (::getaddrinfo(address.host.c_str(), std::to_string(address.port).c_str(), &wanted, &list) != 0)
        return false;
    const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(list, ::freeaddrinfo);
    for (const addrinfo* each = list; each != nullptr; each = each->ai_next) {
        if (connects(*each, timeout)) return true;
    }
    return false;
}

}  // namespace

Result<std::vector<KubernetesAddress>> addresses_of(const json& service, const std::string& port,
                                                    const std::vector<json>& nodes,
                                                    const std::string& api_host) {
    auto entry = find_port(service, port);
    if (!entry) return plugin::failure(std::move(entry.error()));
    const int number = static_cast<int>(number_at(**entry, {"port"}));
    std::vector<KubernetesAddress> found;
    add_load_balancers(service, number, found);
    const int node_port = static_cast<int>(number_at(**entry, {"nodePort"}));
    if (node_port > 0) add_node_ports(nodes, api_host, node_port, found);
    const std::string cluster_ip = text_at(service, {"spec", "clusterIP"});
    if (!cluster_ip.empty() && cluster_ip != "None")
        found.push_back({cluster_ip, number, KubernetesRoute::ClusterIp});
    return found;
}

const KubernetesAddress* first_answering(const std::vector<KubernetesAddress>& addresses, bool inside) {
    for (const auto& each : addresses) {
        if (each.route == KubernetesRoute::ClusterIp && !inside) continue;
        if (accepts(each, kConnectTimeout)) return &each;
    }
    return nullptr;
}

std::vector<json> list_nodes(ClusterSession& session) {
    auto connected = session.connection();
    if (!connected) return {};
    const api::ResourceType nodes{"", "v1", "nodes", "Node", false};
    auto page = (*connected)->client->list(nodes, {}, {.limit = kMostNodes}, session.limits());
    return page ? std::move(page->items) : std::vector<json>();
}

Result<KubernetesAddress> reach_service(ClusterSession& session,
                                        const plugin::KubernetesServicePort& wanted) {
    auto ref = session.ref("v1", "Service", wanted.name_space, wanted.service);
    if (!ref) return plugin::failure(std::move(ref.error()));
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(wanted.timeout_s);
    const std::vector<json> nodes = list_nodes(session);
    while (true) {
        auto service = session.read(*ref);
        if (!service) return plugin::failure(std::move(service.error()));
        std::vector<KubernetesAddress> found;
        if (*service) {
            auto addresses = addresses_of(**service, wanted.port, nodes, (*session.connection())->host);
            if (!addresses) return plugin::failure(std::move(addresses.error()));
            found = std::move(*addresses);
        }
        const auto* answering = first_answering(found, (*session.connection())->inside);
        if (answering != nullptr) return *answering;
        if (std::chrono::steady_clock::now() >= end) {
            const std::string name = "the Service " + wanted.service + " in namespace " + ref->name_space;
            if (!*service) return plugin::failure("kubernetes.not-found", name + " does not exist");
            return plugin::failure(
                "kubernetes.unreachable-service",
                "no address of " + name + " accepts connections; tried: " +
                    (found.empty() ? "none, since it has no address of its own" : text_of(found)),
                "check that its pods are ready: kubectl get endpoints " + wanted.service + " -n " +
                    ref->name_space);
        }
        if (!session.call().wait(kPollInterval)) return plugin::cancelled_failure();
    }
}

}  // namespace harmony::cluster
