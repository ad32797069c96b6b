// The load and the judge of the chaos test.
//
//   harmony-chaos load URL JOURNAL SEED
//       changes Deployments and devices until SIGTERM, writes the journal
//   harmony-chaos check URL JOURNAL DEVICES SINCE SECONDS
//       until everything is as it has to be; 1 and what differs where it is not within that time. SINCE, an
//       RFC 3339 time, is when the devices started: each report has to be of this life.
//
// The judge reads resources through the fleet API and the buckets through NATS, and works out for itself what
// the buckets have to hold: the operator's own index and reducer have no part in it.
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <thread>

#include "harmony/contracts/canonical_json.hpp"
#include "harmony/contracts/deployment_state.hpp"
#include "harmony/contracts/device_info.hpp"
#include "harmony/contracts/kv.hpp"
#include "harmony/contracts/podman_v0.hpp"
#include "harmony/contracts/resources.hpp"
#include "harmony/fleet_client/fleet_api_client.hpp"
#include "harmony/nats/key_value.hpp"

namespace {

using namespace harmony;
using namespace std::chrono_literals;
using runtime::fleet_client::FleetApiClient;
using runtime::nats::KeyValue;

constexpr int kNames = 20;
constexpr int kGhosts = 200;  // devices that only the load knows, for changes of labels
constexpr const char* kGhostPrefix = "ghost-";
constexpr auto kBetweenChanges = 30ms;
constexpr std::size_t kShownProblems = 10;

volatile sig_atomic_t stopping = 0;

std::unique_ptr<runtime::nats::NatsConnection> connect(const std::string& url) {
    runtime::nats::ConnectionOptions options;
    options.urls = {url};
    options.name = "harmony-chaos";
    options.reconnect = {.first_delay = 20ms, .max_delay = 200ms};
    auto connection = runtime::nats::make_nats_connection(options);
    (void)connection->start({});
    return connection;
}

// What is asked of the fleet: selector and score, not what the operator adds.
std::string fingerprint(const contracts::DeploymentSpec& spec) {
    return contracts::value_hash(spec.target_selector.encode() + spec.score.encode());
}

// ---- the load

class Load {
 public:
    Load(const std::string& url, const std::string& journal, unsigned seed)
        : connection_(connect(url)),
          api_(*connection_, 2s),
          infos_(*connection_, std::string(contracts::kDeviceInfoBucket), 2s),
          journal_(journal, std::ios::app),
          random_(seed) {}

    int run() {
        while (stopping == 0) {
            change();
            std::this_thread::sleep_for(kBetweenChanges);
        }
        // As agents do after the server's restart, which may have lost what it had confirmed.
        for (int ghost = 0; ghost < kGhosts; ++ghost) {
            while (!infos_.put(contracts::device_info_key(ghost_id(ghost)), info(ghost).encode()))
                std::this_thread::sleep_for(50ms);
        }
        connection_->close();
        return 0;
    }

 private:
    int below(int limit) { return std::uniform_int_distribution<int>(0, limit - 1)(random_); }
    static contracts::DeviceId ghost_id(int ghost) {
        return *contracts::DeviceId::parse(kGhostPrefix + std::to_string(ghost));
    }
    contracts::DeviceInfo info(int ghost) {
        contracts::DeviceInfo result;
        result.device_id = ghost_id(ghost);
        result.labels = {{"site", "s" + std::to_string(below(20))},
                         {"group", "g" + std::to_string(below(100))}};
        result.agent_version = "0";
        result.updated_at = contracts::Timestamp::now();
        return result;
    }

    contracts::Deployment deployment(const std::string& name) {
        contracts::PodmanService service;
        service.name = "app";
        service.image = "localhost/app:" + std::to_string(below(1000));
        contracts::PodmanV0 score;
        score.services = {service};
        contracts::Deployment result;
        result.metadata.name = name;
        result.spec.score = score.to_score();
        auto& selector = result.spec.target_selector;
        const int kind = below(40);
        if (kind == 0) {
            selector.match_expressions = {{"site", contracts::SelectorOperator::NotIn, {"s1", "s2", "s3"}}};
        } else if (kind < 20) {
            selector.match_labels = {{"site", "s" + std::to_string(below(20))}};
        } else {
            selector.match_expressions = {
                {"group",
                 contracts::SelectorOperator::In,
                 {"g" + std::to_string(below(50)), "g" + std::to_string(50 + below(50))}}};
        }
        return result;
    }

    void change() {
        const int kind = below(100);
        const std::string name = "chaos-" + std::to_string(below(kNames));
        if (kind < 10) {
            const int ghost = below(kGhosts);
            (void)infos_.put(contracts::device_info_key(ghost_id(ghost)), info(ghost).encode());
        } else if (kind < 25) {
            note("try delete " + name);
            const auto done = api_.delete_deployment(name);
            if (done || done.error().kind() == ErrorKind::NotFound) note("ack delete " + name);
        } else {
            const auto wanted = deployment(name);
            const std::string what = "apply " + name + " " + fingerprint(wanted.spec);
            note("try " + what);
            const auto done = api_.apply(wanted);
            // One that is being deleted refuses to be changed.
            if (done)
                note("ack " + what);
            else if (done.error().kind() == ErrorKind::Conflict)
                note("no " + what);
        }
    }

    void note(const std::string& line) { journal_ << line << std::endl; }

    std::unique_ptr<runtime::nats::NatsConnection> connection_;
    FleetApiClient api_;
    KeyValue infos_;
    std::ofstream journal_;
    std::mt19937 random_;
};

// ---- the judge

// What each name may be: what was acknowledged last, or tried since and not refused. Empty: deleted.
using Allowed = std::map<std::string, std::set<std::string>>;

Allowed read_journal(const std::string& path) {
    Allowed allowed;
    std::ifstream journal(path);
    std::string outcome, verb, name;
    while (journal >> outcome >> verb >> name) {
        std::string what;
        if (verb == "apply") journal >> what;
        auto& names = allowed.try_emplace(name, std::set<std::string>{""}).first->second;
        if (outcome == "ack") names = {what};
        if (outcome == "try") names.insert(what);
    }
    return allowed;
}

class Judge {
 public:
    Judge(const std::string& url, std::string journal, std::size_t devices, contracts::Timestamp since)
        : connection_(connect(url)),
          api_(*connection_, 10s),
          journal_(std::move(journal)),
          devices_(devices),
          since_(since) {}

    // Nothing: everything is as it has to be.
    std::vector<std::string> problems() {
        problems_.clear();
        const auto deployments = api_.all_deployments();
        const auto devices = api_.all_devices();
        if (!deployments || !devices) {
            return {"the fleet API: " + (deployments ? devices.error() : deployments.error()).text()};
        }
        judge_journal(*deployments);
        judge_devices(*devices);
        expect(*deployments, *devices);
        judge_desired();
        judge_states(*deployments);
        return problems_;
    }

 private:
    void problem(std::string text) { problems_.push_back(std::move(text)); }

    void judge_journal(const std::vector<contracts::Deployment>& deployments) {
        std::map<std::string, std::string> stored;
        for (const auto& deployment : deployments)
            stored[deployment.metadata.name] = fingerprint(deployment.spec);
        for (const auto& [name, allowed] : read_journal(journal_)) {
            const auto found = stored.find(name);
            const std::string now = found == stored.end() ? "" : found->second;
            // Deleted by the load, and its devices still let go of it: seen as a difference of the bucket.
            if (!allowed.contains(now))
                problem(std::string("lost: ").append(name).append(" is \"").append(now).append(
                    "\", which is not what was acknowledged"));
        }
    }

    void judge_devices(const std::vector<contracts::Device>& devices) {
        if (devices.size() < devices_)
            problem("only " + std::to_string(devices.size()) + " devices are known");
    }

    // The pure function of resources and labels.
    void expect(const std::vector<contracts::Deployment>& deployments,
                const std::vector<contracts::Device>& devices) {
        desired_.clear();
        reports_.clear();
        matched_.clear();
        for (const auto& device : devices) {
            const std::string& id = device.metadata.name;
            contracts::DesiredIndex index;
            for (const auto& deployment : deployments) {
                if (deployment.metadata.deletion_timestamp) continue;
                if (!deployment.spec.target_selector.matches(device.metadata.labels)) continue;
                const std::string& name = deployment.metadata.name;
                index.deployments.push_back(*deployment.name());
                const std::string key = std::string(id).append(1, '.').append(name);
                desired_[key] = deployment.spec.score.encode();
                ++matched_[name];
                if (id.rfind(kGhostPrefix, 0) != 0) reports_[key] = deployment.spec.score.hash();
            }
            desired_[id + "._index"] = index.encode();
        }
    }

    void judge_desired() {
        KeyValue bucket(*connection_, std::string(contracts::kDesiredStateBucket));
        const auto entries = bucket.load();
        if (!entries) return problem("desired-state: " + entries.error().text());
        std::size_t found = 0;
        for (const auto& entry : *entries) {
            const auto wanted = desired_.find(entry.key);
            if (wanted == desired_.end())
                problem("orphan: desired-state has " + entry.key);
            else if (wanted->second != entry.value)
                problem("wrong: desired-state of " + entry.key);
            else
                ++found;
        }
        if (found < desired_.size()) {
            problem("missing: desired-state has " + std::to_string(found) + " of " +
                    std::to_string(desired_.size()) + " keys");
        }
    }

    void judge_states(const std::vector<contracts::Deployment>& deployments) {
        KeyValue bucket(*connection_, std::string(contracts::kDeviceStateBucket));
        const auto entries = bucket.load();
        if (!entries) return problem("device-state: " + entries.error().text());
        std::map<std::string, std::int64_t> running, failed;
        std::size_t found = 0;
        for (const auto& entry : *entries) {
            const auto wanted = reports_.find(entry.key.substr(entry.key.find('.') + 1));
            const auto state = contracts::DeploymentState::decode(entry.value);
            if (!state)
                problem("device-state: " + entry.key + ": " + state.error().text());
            else if (wanted == reports_.end())
                problem("orphan: device-state has " + entry.key + ", told at " +
                        state->last_event_at.format());
            else if (state->score_hash != wanted->second)
                problem("stale: device-state of " + entry.key);
            else if (state->last_event_at < since_)
                problem("stale: " + entry.key + " was told by a former life of the device");
            else if (state->phase == contracts::Phase::Pending)
                problem("pending: " + entry.key);
            else {
                ++found;
                ++(state->phase == contracts::Phase::Running ? running : failed)[state->deployment.str()];
            }
        }
        if (found < reports_.size()) {
            problem("lost: device-state has " + std::to_string(found) + " of " +
                    std::to_string(reports_.size()) + " reports");
        }
        for (const auto& deployment : deployments) {
            const std::string& name = deployment.metadata.name;
            if (!deployment.status) {
                problem("status: " + name + " has none");
                continue;
            }
            const auto& counted = deployment.status->aggregate;
            if (counted.matched_device_count != matched_[name] || counted.succeeded != running[name] ||
                counted.failed != failed[name]) {
                problem("status: " + name + " says " + std::to_string(counted.matched_device_count) +
                        " matched, " + std::to_string(counted.succeeded) + " succeeded, " +
                        std::to_string(counted.failed) + " failed; counted " +
                        std::to_string(matched_[name]) + ", " + std::to_string(running[name]) + ", " +
                        std::to_string(failed[name]));
            }
        }
    }

    std::unique_ptr<runtime::nats::NatsConnection> connection_;
    FleetApiClient api_;
    const std::string journal_;
    const std::size_t devices_;
    const contracts::Timestamp since_;
    std::map<std::string, std::string> desired_;   // key: value
    std::map<std::string, std::string> reports_;   // device.deployment: hash of the score
    std::map<std::string, std::int64_t> matched_;  // deployment: devices
    std::vector<std::string> problems_;
};

int check(Judge& judge, std::chrono::seconds limit) {
    const auto start = std::chrono::steady_clock::now();
    for (;;) {
        const auto problems = judge.problems();
        const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
        if (problems.empty()) {
            std::printf("converged after %.1f s\n", took.count());
            return 0;
        }
        if (took > limit) {
            std::fprintf(stderr, "not converged after %.1f s, %zu differences:\n", took.count(),
                         problems.size());
            for (std::size_t i = 0; i < std::min(problems.size(), kShownProblems); ++i)
                std::fprintf(stderr, "  %s\n", problems[i].c_str());
            return 1;
        }
        std::this_thread::sleep_for(200ms);
    }
}

}  // namespace

int main(int argc, char** argv) {
    const std::string command = argc > 1 ? argv[1] : "";
    if (command == "load" && argc == 5) {
        struct sigaction action {};
        action.sa_handler = [](int) { stopping = 1; };
        sigaction(SIGTERM, &action, nullptr);
        return Load(argv[2], argv[3], static_cast<unsigned>(std::atoi(argv[4]))).run();
    }
    if (command == "check" && argc == 7) {
        const auto since = contracts::Timestamp::parse(argv[5]);
        if (since) {
            Judge judge(argv[2], argv[3], static_cast<std::size_t>(std::atoi(argv[4])), *since);
            return check(judge, std::chrono::seconds(std::atoi(argv[6])));
        }
        std::fprintf(stderr, "SINCE: %s\n", since.error().text().c_str());
    }
    std::fprintf(stderr, "usage: %s load URL JOURNAL SEED | check URL JOURNAL DEVICES SINCE SECONDS\n",
                 argv[0]);
    return 2;
}
