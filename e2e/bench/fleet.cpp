// Measures a running fleet from outside, beside its baselines, in one run.
//
//   harmony-bench-fleet NATS_URL PASSWORD_FILE DEVICE SITE PODMAN_SOCKET IMAGE FOLDER
//
// PASSWORD_FILE holds the admin's password, FOLDER lies on the operator's disk. Prints "name <tab> p50 <tab>
// p99" in milliseconds:
//   ping           a ping of the device through the fleet client
//   raw-request    the same reply, requested from a plain subscription of another process
//   to-start       `apply` of a Deployment for the site to the agent's first report about it: it has begun
//   raw-chain      what no implementation gets around: a request, an fsync, a put that a subscriber sees, a
//   direct
//                  get, a put that a subscriber sees, each with nothing around it
//   to-running     `apply` of a Deployment for the site to its container running, as podman dates it
//   podman         libpod's own create and start of the same container
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <string>
#include <thread>

#include "harmony/contracts/kv.hpp"
#include "harmony/contracts/podman_v0.hpp"
#include "harmony/fleet_client/fleet_api_client.hpp"
#include "harmony/fleet_client/fleet_commands_client.hpp"
#include "harmony/nats/direct_get.hpp"
#include "harmony/nats/key_value.hpp"
#include "harmony/podman/container_runtime.hpp"
#include "statistics.hpp"

namespace {

using namespace harmony;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr int kPings = 2000;
constexpr int kDeployments = 40;
constexpr const char* kRawSubject = "bench.raw";

double milliseconds_since(Clock::time_point start) {
    return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

[[noreturn]] void give_up(const std::string& what) {
    std::fprintf(stderr, "%s\n", what.c_str());
    std::exit(1);
}

template <class Value, class Failure>
Value must(tl::expected<Value, Failure> result, const char* what) {
    if (!result) give_up(std::string(what) + ": " + result.error().text());
    if constexpr (!std::is_void_v<Value>) return *std::move(result);
}

// Until `done` holds; gives up after 20 s.
template <class Condition>
void wait_for(const char* what, Condition done) {
    const auto start = Clock::now();
    while (!done()) {
        if (milliseconds_since(start) > 20'000) give_up(std::string(what) + " did not happen within 20 s");
        std::this_thread::sleep_for(500us);
    }
}

std::unique_ptr<runtime::nats::NatsConnection> connect(const std::string& url, const char* password_file) {
    runtime::nats::ConnectionOptions options;
    options.urls = {url};
    options.credentials.user = "admin";
    std::ifstream password(password_file);
    if (!std::getline(password, options.credentials.password)) {
        give_up(std::string("cannot read ") + password_file);
    }
    options.name = "harmony-bench";
    options.retry_first_connect = false;
    options.write_at_once = true;
    auto connection = runtime::nats::make_nats_connection(options);
    must(connection->start({}), "connect");
    return connection;
}

// The other end of the raw request is a process of its own, as the agent is. It answers with the bytes of a
// ping's reply until it is killed.
pid_t start_responder(const std::string& url, const char* password_file, const contracts::DeviceId& device) {
    const pid_t child = fork();
    if (child != 0) return child;
    const auto connection = connect(url, password_file);
    const std::string reply =
        must(runtime::fleet_client::FleetCommandsClient(*connection).ping(device), "the first ping").encode();
    const auto responder =
        must(connection->subscribe(kRawSubject,
                                   [&](const runtime::nats::Message& message) {
                                       (void)connection->publish({message.reply, reply, "", {}});
                                   }),
             "the responder");
    for (;;)
        pause();
}

void measure_ping(runtime::nats::NatsConnection& connection, const contracts::DeviceId& device) {
    runtime::fleet_client::FleetCommandsClient commands(connection, "bench");
    wait_for("a responder", [&] { return connection.request({kRawSubject, "", "", {}}, 2s).has_value(); });
    std::vector<double> pings, raw;
    for (int i = 0; i < kPings; ++i) {
        auto start = Clock::now();
        (void)must(commands.ping(device), "ping");
        pings.push_back(milliseconds_since(start));
        start = Clock::now();
        (void)must(connection.request({kRawSubject, "", "", {}}, 2s), "raw request");
        raw.push_back(milliseconds_since(start));
    }
    bench::print("ping", pings);
    bench::print("raw-request", raw);
}

contracts::Deployment deployment(const std::string& site, const std::string& image, int round) {
    contracts::PodmanService service;
    service.name = "idle";
    service.image = image;
    service.env = {{"ROUND", std::to_string(round)}};
    contracts::PodmanV0 score;
    score.services = {service};
    const std::string document =
        R"({"apiVersion":"fleet.nationtech.io/v1alpha1","kind":"Deployment","metadata":{"name":"bench"},)"
        R"("spec":{"targetSelector":{"matchLabels":{"site":")" +
        site + R"("}},"score":)" + score.to_score().encode() + "}}";
    return must(contracts::Deployment::decode(document), "the bench Deployment");
}

// When the first value came on a subject.
class FirstArrival {
 public:
    FirstArrival(runtime::nats::NatsConnection& connection, const std::string& subject)
        : subscription_(must(connection.subscribe(subject,
                                                  [this](const runtime::nats::Message& message) {
                                                      if (message.payload.empty() || at_ != 0) return;
                                                      at_ = Clock::now().time_since_epoch().count();
                                                  }),
                             "subscribe")) {
        must(connection.flush(2s), "flush");
    }
    [[nodiscard]] bool came() const { return at_ != 0; }
    [[nodiscard]] double after(Clock::time_point start) {
        wait_for("an arrival", [&] { return came(); });
        return std::chrono::duration<double, std::milli>(Clock::time_point(Clock::duration(at_.load())) -
                                                         start)
            .count();
    }

 private:
    std::atomic<std::int64_t> at_{0};
    runtime::nats::Subscription subscription_;
};

void write_through(const std::string& path) {
    const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    const std::string page(4096, 'x');
    if (file < 0 || ::write(file, page.data(), page.size()) < 0 || ::fsync(file) != 0)
        give_up("fsync in " + path);
    ::close(file);
}

double raw_chain(runtime::nats::NatsConnection& connection, const std::string& folder) {
    const std::string key = "bench-raw.app";
    const std::string subject = contracts::kv_subject(contracts::kDesiredStateBucket, key);
    FirstArrival desired(connection, subject);
    FirstArrival state(connection, contracts::kv_subject(contracts::kDeviceStateBucket, "state." + key));
    const std::string value(400, 'x');
    const auto start = Clock::now();
    (void)must(connection.request({kRawSubject, value, "", {}}, 2s), "raw request");
    write_through(folder + "/fsync");
    must(connection.publish({subject, value, "", {}}), "publish");
    while (!desired.came())
        std::this_thread::yield();
    (void)must(runtime::nats::direct_get(connection, contracts::kDesiredStateBucket, key, 2s), "direct get");
    must(connection.publish(
             {contracts::kv_subject(contracts::kDeviceStateBucket, "state." + key), value, "", {}}),
         "publish");
    return state.after(start);
}

// The first report may come while this thread still waits for the reply to apply.
void measure_start_of_work(runtime::nats::NatsConnection& connection, const std::string& device,
                           const std::string& site, const std::string& image, const std::string& folder) {
    runtime::fleet_client::FleetApiClient api(connection);
    std::vector<double> to_start, raw;
    runtime::nats::KeyValue states(connection, std::string(contracts::kDeviceStateBucket));
    const std::string reported =
        contracts::kv_subject(contracts::kDeviceStateBucket, "state." + device + ".bench");
    for (int round = 0; round < kDeployments; ++round) {
        {
            FirstArrival arrival(connection, reported);
            const auto start = Clock::now();
            (void)must(api.apply(deployment(site, image, round)), "apply");
            to_start.push_back(arrival.after(start));
        }
        (void)must(api.delete_deployment("bench"), "delete");
        // The agent has finished with the one before: what it still removes would be waited for.
        wait_for("removal", [&] {
            const auto report = states.get("state." + device + ".bench");
            return report && !*report && !api.deployment("bench");
        });
        raw.push_back(raw_chain(connection, folder));
    }
    for (const char* key : {"desired-state.bench-raw.app", "device-state.state.bench-raw.app"}) {
        runtime::nats::Message gone{std::string("$KV.") + key, "", "", {{"KV-Operation", "DEL"}}};
        must(connection.publish(gone), "clean up");
    }
    bench::print("to-start", to_start);
    bench::print("raw-chain", raw);
}

void measure_deployments(runtime::nats::NatsConnection& connection, runtime::podman::ContainerRuntime& podman,
                         const std::string& device, const std::string& site, const std::string& image) {
    runtime::fleet_client::FleetApiClient api(connection);
    const runtime::podman::Labels ours{{"io.nationtech.harmony/device", device},
                                       {"io.nationtech.harmony/deployment", "bench"}};
    std::vector<double> to_running, baseline;
    for (int round = 0; round < kDeployments; ++round) {
        auto start = Clock::now();
        (void)must(api.apply(deployment(site, image, round)), "apply");
        wait_for("a running container", [&] {
            const auto containers = podman.list(ours);
            return containers && containers->size() == 1 &&
                   containers->front().status == runtime::podman::ContainerStatus::Running;
        });
        to_running.push_back(milliseconds_since(start));
        (void)must(api.delete_deployment("bench"), "delete");
        wait_for("removal", [&] {
            const auto containers = podman.list(ours);
            return containers && containers->empty() && !api.deployment("bench");
        });

        runtime::podman::ContainerSpec spec;
        spec.name = "harmony-bench-baseline";
        spec.image = image;
        spec.environment = {{"ROUND", std::to_string(round)}};
        start = Clock::now();
        const std::string id = must(podman.create(spec), "podman create");
        must(podman.start(id), "podman start");
        baseline.push_back(milliseconds_since(start));
        must(podman.remove(id), "podman remove");
    }
    bench::print("to-running", to_running);
    bench::print("podman", baseline);
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 8) {
        std::fprintf(stderr, "usage: %s NATS_URL PASSWORD_FILE DEVICE SITE PODMAN_SOCKET IMAGE FOLDER\n",
                     argv[0]);
        return 2;
    }
    const auto device = must(contracts::DeviceId::parse(argv[3]), "the device's id");
    const auto podman = runtime::podman::make_podman_runtime({argv[5]});
    const pid_t responder = start_responder(argv[1], argv[2], device);
    const auto connection = connect(argv[1], argv[2]);
    measure_ping(*connection, device);
    measure_start_of_work(*connection, argv[3], argv[4], argv[6], argv[7]);
    kill(responder, SIGKILL);
    waitpid(responder, nullptr, 0);
    measure_deployments(*connection, *podman, argv[3], argv[4], argv[6]);
    connection->close();
    return 0;
}
