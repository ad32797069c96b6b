// Measures a Deployment of one container on a running fleet, beside its baselines, in one run.
//
//   harmony-bench-fleet NATS_URL PASSWORD_FILE DEVICE SITE PODMAN_SOCKET IMAGE FOLDER
//
// PASSWORD_FILE holds the admin's password, FOLDER lies on the operator's disk. Prints "name <tab> p50 <tab>
// p99" in milliseconds:
//   to-start       `apply` of a Deployment for the site to the agent's first report about it: it has begun
//   raw-chain      what no implementation gets around, each with nothing around it: a request, an fsync,
//                  a put that a subscriber sees, a direct get, another such put
//   to-running     `apply` of a Deployment for the site to its container running, as podman lists it
//   podman         libpod's own create and start of the same container
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>

#include "harmony/contracts/kv.hpp"
#include "harmony/contracts/podman_v0.hpp"
#include "harmony/fleet_client/fleet_api_client.hpp"
#include "harmony/nats/direct_get.hpp"
#include "harmony/nats/key_value.hpp"
#include "harmony/podman/container_runtime.hpp"
#include "measurement.hpp"
#include "statistics.hpp"

namespace {

using namespace harmony;
using namespace std::chrono_literals;
using namespace harmony::bench;

constexpr int kDeployments = 40;
constexpr const char* kRawSubject = "bench.raw";
constexpr auto kPatience = 20s;

// The other end of the raw request is a process of its own, as the operator is.
pid_t start_responder(const std::string& url, const char* password_file) {
    const pid_t child = fork();
    if (child != 0) return child;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    const auto connection = connect(url, password_file);
    const auto responder =
        must(connection->subscribe(kRawSubject,
                                   [&](const runtime::nats::Message& message) {
                                       (void)connection->publish({message.reply, "{}", "", {}});
                                   }),
             "the responder");
    for (;;)
        pause();
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
        : subscription_(must(
              connection.subscribe(subject, [this](const runtime::nats::Message& message) { note(message); }),
              "subscribe")) {
        must(connection.flush(2s), "flush");
    }
    // Milliseconds from `start` to it; waits for it.
    [[nodiscard]] double after(Clock::time_point start) {
        std::unique_lock lock(mutex_);
        if (!came_.wait_for(lock, kPatience, [&] { return at_.has_value(); })) give_up("nothing arrived");
        return std::chrono::duration<double, std::milli>(*at_ - start).count();
    }

 private:
    void note(const runtime::nats::Message& message) {
        if (message.payload.empty()) return;  // a deletion
        const std::lock_guard lock(mutex_);
        if (!at_) at_ = Clock::now();
        came_.notify_all();
    }

    std::mutex mutex_;
    std::condition_variable came_;
    std::optional<Clock::time_point> at_;
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
    (void)desired.after(start);
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
        wait_for("removal", kPatience, [&] {
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
        wait_for("a running container", kPatience, [&] {
            const auto containers = podman.list(ours);
            return containers && containers->size() == 1 &&
                   containers->front().status == runtime::podman::ContainerStatus::Running;
        });
        to_running.push_back(milliseconds_since(start));
        (void)must(api.delete_deployment("bench"), "delete");
        wait_for("removal", kPatience, [&] {
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
    const auto podman = runtime::podman::make_podman_runtime({argv[5]});
    const pid_t responder = start_responder(argv[1], argv[2]);
    const auto connection = connect(argv[1], argv[2]);
    wait_for("the responder", kPatience, [&] {
        return connection->request({kRawSubject, "", "", {}}, 2s).has_value();
    });
    measure_start_of_work(*connection, argv[3], argv[4], argv[6], argv[7]);
    kill(responder, SIGKILL);
    waitpid(responder, nullptr, 0);
    measure_deployments(*connection, *podman, argv[3], argv[4], argv[6]);
    connection->close();
    return 0;
}
