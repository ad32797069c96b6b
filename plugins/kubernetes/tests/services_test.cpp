#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fake_cluster.hpp"
#include "inventory.hpp"
#include "reachability.hpp"
#include "service_objects.hpp"

using namespace harmony::cluster;
using namespace harmony::cluster::testing;
using namespace harmony::plugin;
using Catch::Contains;

namespace {

// A port of this machine that accepts connections.
class Listener {
 public:
    Listener() {
        REQUIRE(fd_ >= 0);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        REQUIRE(::bind(fd_, reinterpret_cast<sockaddr*>(&address), size) == 0);
        REQUIRE(::listen(fd_, 4) == 0);
        REQUIRE(::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
        port = ntohs(address.sin_port);
    }
    ~Listener() { ::close(fd_); }
    Listener(const Listener&) = delete;
    Listener& operator=(const Listener&) = delete;
    int port = 0;

 private:
    int fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
};

json service(int node_port, const std::string& cluster_ip = "None") {
    json object{{"metadata", {{"name", "web"}, {"labels", owner_labels("bench", {.score = "WebScore"})}}},
                {"spec", {{"clusterIP", cluster_ip}, {"ports", {{{"name", "http"}, {"port", 80}}}}}}};
    object["metadata"]["labels"][std::string(kServiceLabel)] = "fleet-web";
    if (node_port > 0) object["spec"]["ports"][0]["nodePort"] = node_port;
    return object;
}

const json kNode{
    {"status",
     {{"addresses",
       {{{"type", "InternalIP"}, {"address", "10.0.0.7"}}, {{"type", "Hostname"}, {"address", "n"}}}}}}};

}  // namespace

TEST_CASE("a Service's addresses are its balancer's, its nodes', the API server's and its own") {
    json object = service(30423, "10.96.0.9");
    object["status"] = {{"loadBalancer", {{"ingress", {{{"ip", "192.0.2.1"}}}}}}};
    const auto found = addresses_of(object, "http", {kNode}, "127.0.0.1");
    REQUIRE(found);
    CHECK(*found == std::vector<KubernetesAddress>{{"192.0.2.1", 80, KubernetesRoute::LoadBalancer},
                                                   {"10.0.0.7", 30423, KubernetesRoute::NodePort},
                                                   {"127.0.0.1", 30423, KubernetesRoute::NodePort},
                                                   {"10.96.0.9", 80, KubernetesRoute::ClusterIp}});
    CHECK(addresses_of(object, "80", {}, "127.0.0.1")->size() == 3);
    CHECK(addresses_of(service(0), "http", {kNode}, "127.0.0.1")->empty());
    const auto absent = addresses_of(object, "metrics", {}, "");
    CHECK(absent.error().path == "port");
    CHECK_THAT(absent.error().summary, Contains("it has: http (80)"));
}

TEST_CASE("the address that accepts connections is found, and without one it is said what was tried") {
    FakeCluster cluster;
    const Listener listener;
    cluster.make(kServices, service(listener.port));
    const KubernetesServicePort wanted{.service = "web", .port = "http", .timeout_s = 0};
    const auto reached = reach_service(cluster.session, wanted);
    REQUIRE(reached);
    CHECK(*reached == KubernetesAddress{"127.0.0.1", listener.port, KubernetesRoute::NodePort});

    ServiceObjects directory(cluster.session);
    CHECK(directory.resolve("fleet-web", "http").value() == Endpoint{"127.0.0.1", listener.port});
    CHECK(directory.resolve("fleet-nats", "http").error().code == ServiceDirectory::kNotFound);
    CHECK(directory.resolve("fleet-web", "metrics").error().code == ServiceDirectory::kNotFound);
    CHECK(directory.list().value() ==
          std::vector<ServicePort>{{"fleet-web", "http", "127.0.0.1", listener.port}});
}

TEST_CASE("an address of the cluster's own network counts only inside of it") {
    const Listener listener;
    const std::vector<KubernetesAddress> own{{"127.0.0.1", listener.port, KubernetesRoute::ClusterIp}};
    CHECK(first_answering(own, false) == nullptr);
    CHECK(first_answering(own, true) == &own[0]);
}

TEST_CASE("a Service that is not there, or that nothing serves, is told apart") {
    FakeCluster cluster;
    const KubernetesServicePort wanted{.service = "web", .port = "http", .timeout_s = 0};
    CHECK(reach_service(cluster.session, wanted).error().code == "kubernetes.not-found");
    int free_port = 0;
    {
        const Listener closed_again;
        free_port = closed_again.port;
    }
    cluster.make(kServices, service(free_port));
    const auto refused = reach_service(cluster.session, wanted);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == "kubernetes.unreachable-service");
    CHECK_THAT(refused.error().summary, Contains("127.0.0.1:" + std::to_string(free_port)));
}

TEST_CASE("who may not look in every namespace is told so where the default one has no such Service") {
    FakeCluster cluster;
    ServiceObjects services(cluster.session);
    const auto forbidden = api::make_failure(api::Reason::Forbidden, "not everywhere");
    cluster.server->fail("list", 1, forbidden);
    const auto resolved = services.resolve("fleet-web", "http");
    REQUIRE_FALSE(resolved);
    CHECK(resolved.error().code == "kubernetes.forbidden");
    cluster.server->fail("list", 1, forbidden);
    const auto listed = services.list();
    REQUIRE_FALSE(listed);
    CHECK(listed.error().code == "kubernetes.forbidden");
    cluster.make({"", "v1", "services", "Service", true}, service(30423));
    cluster.server->fail("list", 1, forbidden);
    CHECK(services.list().value().size() == 1);
}
