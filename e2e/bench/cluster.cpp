// Measures an operator whose resources are a Kubernetes API server's.
//
//   harmony-bench-cluster KUBECONFIG NAMESPACE NATS_URL COMMAND ARGUMENT...
//
// API server, operator, NATS server and simulated devices run; sim-3 is a device with the label unit=unit-3.
//
//   install              the namespace and the resource definitions; until the server has them
//   changes N DEVICE     a Deployment resource for one device, changed N times
//   failover N DEVICE    N new ones for one device, five a second, while somebody kills an operator
//
// Prints "name <tab> values" for e2e/bench/run:
//   resource-change      ms, p50 and p99: a PATCH of the resource sent to the new value at a subscriber
//   resource-hops        ms, p50 and p99: what no implementation gets around: a PATCH of a ConfigMap sent to
//                        its arrival at a watch, then a put to its arrival at a subscriber
//   failover             ms: the longest from a creation that the server confirmed to its desired state
//   failover-doubled     how many of these were written more than once; none at all is a failure
#include <atomic>
#include <condition_variable>
#include <map>
#include <mutex>
#include <set>

#include "harmony/contracts/kv.hpp"
#include "harmony/contracts/resource_definitions.hpp"
#include "harmony/kubernetes/client.hpp"
#include "scale.hpp"
#include "statistics.hpp"

namespace {

using namespace harmony;
using namespace harmony::bench;
using namespace std::chrono_literals;
using runtime::kubernetes::Json;
using runtime::kubernetes::ObjectRef;
using runtime::kubernetes::PatchKind;
using runtime::kubernetes::ResourceType;
using runtime::nats::Message;

constexpr auto kPatience = 60s;
constexpr auto kBetweenCreations = 200ms;
const ResourceType kDeployments{"fleet.nationtech.io", "v1alpha1", "deployments", "Deployment", true};
const ResourceType kDefinitions{"apiextensions.k8s.io", "v1", "customresourcedefinitions",
                                "CustomResourceDefinition", false};
const ResourceType kNamespaces{"", "v1", "namespaces", "Namespace", false};
const ResourceType kConfigMaps{"", "v1", "configmaps", "ConfigMap", true};

// What a subject last carried and when, for those who wait.
class Arrivals {
 public:
    void note(std::string what) {
        const std::lock_guard lock(mutex_);
        times_[std::move(what)].push_back(Clock::now());
        changed_.notify_all();
    }
    // The first arrival of what begins so.
    Clock::time_point first(const std::string& what) {
        std::unique_lock lock(mutex_);
        if (!changed_.wait_for(lock, kPatience, [&] { return times_.count(what) != 0; }))
            give_up(what + " did not arrive within " + std::to_string(kPatience.count()) + " s");
        return times_[what].front();
    }
    std::map<std::string, std::vector<Clock::time_point>> all() {
        const std::lock_guard lock(mutex_);
        return times_;
    }

 private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::map<std::string, std::vector<Clock::time_point>> times_;
};

std::string image(int version) {
    return "localhost/harmony/app:" + std::to_string(version);
}
// The image's version in a value of desired-state; empty: none.
std::string version_in(const std::string& payload) {
    constexpr std::string_view before = "\"localhost/harmony/app:";
    const auto at = payload.find(before);
    if (at == std::string::npos) return {};
    const auto begin = at + before.size();
    return payload.substr(begin, payload.find('"', begin) - begin);
}

struct Bench {
    std::unique_ptr<runtime::kubernetes::KubernetesClient> cluster;
    std::unique_ptr<runtime::nats::NatsConnection> nats;
    std::string name_space;

    [[nodiscard]] ObjectRef ref(const ResourceType& type, const std::string& name) const {
        return {type, type.namespaced ? name_space : "", name};
    }
    void apply(const ResourceType& type, const std::string& name, const Json& object) const {
        (void)must(cluster->patch(ref(type, name), PatchKind::Apply, object, {.force = true}),
                   "apply " + name);
    }
    void apply_deployment(const std::string& name, const std::string& unit, int version) const {
        const auto document = deployment(name, R"({"unit":")" + unit + "\"}", image(version)).encode();
        Json object = Json::parse(document);
        object["metadata"] = {{"name", name}, {"namespace", name_space}};
        object.erase("status");
        apply(kDeployments, name, object);
    }
};

// sim-3 has the label unit=unit-3.
std::string unit_of(const std::string& device) {
    return "unit-" + device.substr(device.rfind('-') + 1);
}

void install(const Bench& bench) {
    bench.apply(kNamespaces, bench.name_space,
                {{"apiVersion", "v1"}, {"kind", "Namespace"}, {"metadata", {{"name", bench.name_space}}}});
    for (const Json& definition : {contracts::deployment_definition(), contracts::device_definition()})
        bench.apply(kDefinitions, definition["metadata"]["name"], definition);
    wait_for("the server's knowledge of the definitions", kPatience, [&] {
        const auto known = bench.cluster->discover("fleet.nationtech.io/v1alpha1");
        return known && known->size() >= 2 && bench.cluster->list(kDeployments, bench.name_space).has_value();
    });
}

double resource_change(const Bench& bench, Arrivals& arrivals, const std::string& unit, int version) {
    const auto start = Clock::now();
    bench.apply_deployment("changing", unit, version);
    return std::chrono::duration<double, std::milli>(arrivals.first(std::to_string(version)) - start).count();
}

// A ConfigMap with as much in it, and its watch.
class RawHops {
 public:
    explicit RawHops(const Bench& bench)
        : bench_(bench),
          watch_(must(bench.cluster->watch({kConfigMaps, bench.name_space},
                                           {.on_change =
                                                [this](runtime::kubernetes::Change, const Json& object) {
                                                    if (object.contains("data"))
                                                        arrivals_.note(object["data"].value("version", ""));
                                                }}),
                      "watch")),
          puts_(must(bench.nats->subscribe("$KV.desired-state.raw-hop.>",
                                           [this](const Message& message) {
                                               arrivals_.note("put " + message.payload.substr(0, 8));
                                           }),
                     "subscribe")) {
        must(bench.nats->flush(5s), "flush");
    }
    double once(int version) {
        std::string number = std::to_string(version);
        number.insert(0, 8 - std::min<std::size_t>(8, number.size()), '0');
        const auto start = Clock::now();
        bench_.apply(kConfigMaps, "raw",
                     {{"apiVersion", "v1"},
                      {"kind", "ConfigMap"},
                      {"metadata", {{"name", "raw"}, {"namespace", bench_.name_space}}},
                      {"data", {{"version", number}, {"filling", std::string(600, 'x')}}}});
        (void)arrivals_.first(number);
        must(bench_.nats->publish({"$KV.desired-state.raw-hop.app", number + std::string(400, 'x'), "", {}}),
             "publish");
        const auto end = arrivals_.first("put " + number);
        return std::chrono::duration<double, std::milli>(end - start).count();
    }

 private:
    const Bench& bench_;
    Arrivals arrivals_;
    std::unique_ptr<runtime::kubernetes::Watch> watch_;
    runtime::nats::Subscription puts_;
};

void changes(const Bench& bench, int count, const std::string& device) {
    Arrivals arrivals;
    const auto watched = must(
        bench.nats->subscribe("$KV.desired-state." + device + ".changing",
                              [&](const Message& message) { arrivals.note(version_in(message.payload)); }),
        "subscribe");
    must(bench.nats->flush(5s), "flush");
    RawHops hops(bench);
    std::vector<double> ours, raw;
    (void)resource_change(bench, arrivals, unit_of(device), 0);
    for (int round = 1; round <= count; ++round) {
        ours.push_back(resource_change(bench, arrivals, unit_of(device), round));
        raw.push_back(hops.once(round));
    }
    print("resource-change", ours);
    print("resource-hops", raw);
}

void failover(const Bench& bench, int count, const std::string& device) {
    Arrivals arrivals;
    const std::string subject = "$KV.desired-state." + device + ".";
    const auto watched =
        must(bench.nats->subscribe(subject + ">",
                                   [&](const Message& message) {
                                       if (!version_in(message.payload).empty())
                                           arrivals.note(message.subject.substr(subject.size()));
                                   }),
             "subscribe");
    must(bench.nats->flush(5s), "flush");
    std::map<std::string, Clock::time_point> confirmed;
    for (int number = 0; number < count; ++number) {
        const std::string name = "failover-" + std::to_string(number);
        bench.apply_deployment(name, unit_of(device), number);
        confirmed[name] = Clock::now();
        std::this_thread::sleep_for(kBetweenCreations);
    }
    double longest = 0;
    for (const auto& [name, at] : confirmed)
        longest =
            std::max(longest, std::chrono::duration<double, std::milli>(arrivals.first(name) - at).count());
    std::this_thread::sleep_for(2s);  // what is written twice may still come
    int doubled = 0;
    for (const auto& [name, times] : arrivals.all())
        if (confirmed.count(name) != 0 && times.size() > 1) ++doubled;
    std::printf("failover\t%.0f\nfailover-doubled\t%d\n", longest, doubled);
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 5) {
        std::fprintf(stderr, "usage: %s KUBECONFIG NAMESPACE NATS_URL COMMAND ARGUMENT...\n", argv[0]);
        return 2;
    }
    auto access = must(runtime::kubernetes::load_kubeconfig({{"KUBECONFIG", argv[1]}}), "kubeconfig");
    const Bench bench{must(runtime::kubernetes::make_kubernetes_client(std::move(access)), "client"),
                      connect(argv[3], "-"), argv[2]};
    const std::string command = argv[4];
    if (command == "install") {
        install(bench);
    } else if (command == "changes" && argc == 7) {
        changes(bench, std::atoi(argv[5]), argv[6]);
    } else if (command == "failover" && argc == 7) {
        failover(bench, std::atoi(argv[5]), argv[6]);
    } else {
        give_up("no such command: " + command);
    }
    bench.nats->close();
    return 0;
}
