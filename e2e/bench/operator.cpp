// Measures what the operator decides, beside the store it keeps its resources in, at growing fleets.
//
//   harmony-bench-operator [DEVICES...]        default: 1000 10000 100000 1000000
//
// There is a Deployment for each hundred devices, and at least ten. Half of them select a group and half a
// site, so that each selects some 200 devices, and two select each device. No broker: writes are taken and
// acknowledged at once. Each fleet is a process of its own. Prints "name-DEVICES <tab> value":
//   restore              s, the store read into the operator
//   cold-start           s, that and every key of an empty bucket handed to the writer
//   memory               MiB resident, with every device reported and alive
//   reports, heartbeats  a second, on one core
//   label-change-p50, -worst   ms, a device's info with another group to its writes handed to the writer
//   label-stored-p50     ms, until it is in the store too
//   apply-group-p50      ms, another score for one group, stored, to its writes
//   apply-all            s, a Deployment for every device, stored, to its writes
//   rollout-start        ms, the same with another score and strategy Rolling, to the first step's writes
//   rollout-step-p50     ms, one device reported to the next one's writes
#include <malloc.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include "harmony/contracts/podman_v0.hpp"
#include "harmony/operator/operator_logic.hpp"
#include "harmony/operator/sqlite_resource_store.hpp"
#include "statistics.hpp"

namespace {

using namespace harmony;
using Clock = std::chrono::steady_clock;
using contracts::Timestamp;

constexpr int kSamples = 1000;
constexpr int kTurn = 4096;
constexpr int kDevicesForEachDeployment = 100;

double seconds_since(Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
}

template <class Value, class Failure>
Value must(tl::expected<Value, Failure> result, const char* what) {
    if (!result) {
        std::fprintf(stderr, "%s: %s\n", what, result.error().text().c_str());
        std::exit(1);
    }
    if constexpr (!std::is_void_v<Value>) return *std::move(result);
}

// Takes whatever it is given; the operator is told at the next turn that it is done.
class Taker final : public op::DesiredWriter {
 public:
    void write(op::WriteBatchAction batch) override {
        written += batch.writes.size();
        done.push_back({batch.number, true});
        last_write = Clock::now();
    }
    void load() override { load_wanted = true; }
    void ensure_buckets() override {}
    void check(std::uint64_t) override {}
    void stop() override {}

    std::size_t written = 0;
    std::vector<op::BatchDone> done;
    bool load_wanted = false;
    Clock::time_point last_write;
};

struct Names {
    int devices;
    int deployments;

    static std::string padded(const char* prefix, int number) {
        char text[32];
        std::snprintf(text, sizeof text, "%s-%07d", prefix, number);
        return text;
    }
    int halves() const { return deployments / 2; }
    contracts::DeviceId device(int number) const {
        return contracts::DeviceId::parse(padded("edge", number)).value();
    }
    std::string group(int number) const { return padded("group", number % halves()); }
    std::string site(int number) const { return padded("site", number / 7 % halves()); }
    contracts::DeviceInfo info(int number, const std::string& group) const {
        contracts::DeviceInfo result;
        result.device_id = device(number);
        result.labels = {{"group", group},
                         {"site", site(number)},
                         {"arch", number % 3 == 0 ? "amd64" : "arm64"},
                         {"ring", number % 10 == 0 ? "canary" : "stable"}};
        auto& inventory = result.inventory.emplace();
        inventory.hostname = result.device_id.str();
        inventory.architecture = "aarch64";
        inventory.operating_system = "Debian GNU/Linux 12 (bookworm)";
        inventory.kernel = "6.1.0-18-arm64";
        inventory.runtime = "podman";
        inventory.runtime_version = "4.3.1";
        result.agent_version = "0.1.0";
        return result;
    }
};

contracts::Score score(const std::string& image) {
    contracts::PodmanService service;
    service.name = "main";
    service.image = image;
    contracts::PodmanV0 payload;
    payload.services = {service};
    return payload.to_score();
}

contracts::Deployment deployment(const std::string& name, const contracts::Labels& labels,
                                 const std::string& image) {
    contracts::Deployment result;
    result.metadata.name = name;
    result.spec.target_selector.match_labels = labels;
    result.spec.score = score(image);
    return result;
}

class Bench {
 public:
    explicit Bench(int devices) : names_{devices, std::max(10, devices / kDevicesForEachDeployment)} {
        std::string pattern = (std::filesystem::temp_directory_path() / "harmony-bench-XXXXXX").string();
        if (mkdtemp(pattern.data()) == nullptr) std::exit(1);
        directory_ = pattern;
    }
    ~Bench() {
        logic_.reset();
        std::filesystem::remove_all(directory_);
    }
    Bench(const Bench&) = delete;
    Bench& operator=(const Bench&) = delete;

    void run() {
        fill();
        cold_start();
        everyone_reports();
        change_labels();
        apply_group();
        apply_all();
        roll();
    }

 private:
    void say(const char* name, double value) const {
        std::printf("%s-%d\t%.3f\n", name, names_.devices, value);
        std::fflush(stdout);
    }
    std::string file() const { return directory_ + "/resources.sqlite"; }
    static Timestamp now() { return Timestamp::now(); }

    void fill() const {
        const auto store = must(op::open_sqlite_resource_store(file()), "store");
        must(store->transaction([&]() -> Result<void> {
            for (int number = 0; number < names_.devices; ++number) {
                if (auto put = store->put_device(names_.info(number, names_.group(number)), now()); !put)
                    return put;
            }
            return {};
        }),
             "devices");
        must(store->transaction([&]() -> Result<void> {
            for (int number = 0; number < names_.halves(); ++number) {
                for (const auto& [key, value] :
                     {std::pair("group", names_.group(number)), std::pair("site", names_.site(number * 7))}) {
                    auto merged = op::merge_apply(deployment(value, {{key, value}}, "registry.example/app:1"),
                                                  std::nullopt, "bench", now());
                    if (!merged) return fail(merged.error());
                    if (auto put = store->put_deployment(merged->stored); !put) return put;
                }
            }
            return {};
        }),
             "deployments");
    }

    // Turns until nothing is left to write.
    void turn_until_settled() {
        do {
            logic_->advance(now());
            for (const op::BatchDone& done : std::exchange(taker_.done, {}))
                logic_->handle(done, now());
        } while (!logic_->reducer().settled() || !taker_.done.empty());
    }

    void cold_start() {
        const auto start = Clock::now();
        auto store = must(op::open_sqlite_resource_store(file()), "store");
        op::OperatorPorts ports;
        ports.reply = [this](const std::string&, std::string payload) { reply_ = std::move(payload); };
        ports.look_up = [](op::LookupJob) { return true; };
        ports.connected = [] { return true; };
        logic_ = std::make_unique<op::OperatorLogic>(std::move(store), op::OperatorOptions{"bench", "1", {}},
                                                     std::move(ports), health_, metrics_, now());
        logic_->set_writer(taker_);
        must(logic_->restore(now()), "restore");
        say("restore", seconds_since(start));
        for (const auto source :
             {op::Source::DeviceInfo, op::Source::DeviceState, op::Source::DeviceHeartbeat})
            logic_->handle(op::CaughtUp{source}, now());
        logic_->advance(now());
        logic_->handle(op::Event(op::SnapshotBegan{}), now());
        logic_->handle(op::Event(op::SnapshotEnded{}), now());
        logic_->handle(op::BucketLoaded{}, now());
        turn_until_settled();
        say("cold-start", seconds_since(start));
    }

    op::Event report(int number, const std::string& deployment, const contracts::Score& about) {
        contracts::DeploymentState state;
        state.deployment = contracts::DeploymentName::parse(deployment).value();
        state.phase = contracts::Phase::Running;
        state.score_hash = about.hash();
        state.last_event_at = event_ = Timestamp::after(event_, now());
        return op::StateReported{names_.device(number), std::move(state)};
    }

    // Seconds that it takes to hear of every device. In portions of a turn's size, so that the events
    // themselves are neither measured nor in the memory.
    template <class Make>
    double told(const Make& make) {
        double seconds = 0;
        for (int first = 0; first < names_.devices; first += kTurn) {
            std::vector<op::Event> events;
            for (int number = first; number < std::min(first + kTurn, names_.devices); ++number)
                make(number, events);
            const auto start = Clock::now();
            for (op::Event& event : events)
                logic_->handle(std::move(event), now());
            logic_->advance(now());
            seconds += seconds_since(start);
        }
        return seconds;
    }

    void everyone_reports() {
        const auto about = score("registry.example/app:1");
        say("reports", 2.0 * names_.devices / told([&](int number, std::vector<op::Event>& events) {
                           events.push_back(report(number, names_.group(number), about));
                           events.push_back(report(number, names_.site(number), about));
                       }));
        say("heartbeats",
            names_.devices / told([&](int number, std::vector<op::Event>& events) {
                events.push_back(op::HeartbeatSeen{names_.device(number), digest(number), now()});
            }));
        malloc_trim(0);
        std::size_t pages = 0;
        std::ifstream statm("/proc/self/statm");
        statm >> pages >> pages;
        say("memory", static_cast<double>(pages) * static_cast<double>(sysconf(_SC_PAGESIZE)) / 1048576.0);
    }

    std::string digest(int number) const {
        const std::string hash = score("registry.example/app:1").hash();
        return contracts::desired_digest(
            {{contracts::DeploymentName::parse(names_.group(number)).value(), hash},
             {contracts::DeploymentName::parse(names_.site(number)).value(), hash}});
    }

    void change_labels() {
        std::vector<double> written;
        std::vector<double> stored;
        for (int sample = 0; sample < kSamples; ++sample) {
            const int number = static_cast<int>((std::int64_t{sample} * 7919) % names_.devices);
            auto info = names_.info(number, names_.group(number + 1 + sample));
            const std::size_t before = taker_.written;
            const auto start = Clock::now();
            logic_->handle(std::move(info), now());
            logic_->advance(now());
            stored.push_back(seconds_since(start) * 1e3);
            if (taker_.written > before)
                written.push_back(
                    std::chrono::duration<double, std::milli>(taker_.last_write - start).count());
            turn_until_settled();
        }
        say("label-change-p50", bench::percentile(written, 0.5));
        say("label-change-worst", bench::percentile(written, 1));
        say("label-stored-p50", bench::percentile(stored, 0.5));
    }

    void apply(const contracts::Deployment& document) {
        runtime::nats::Message request;
        request.subject = contracts::kDeploymentsApply;
        request.payload = contracts::ApplyRequest{document, false}.encode();
        request.reply = "reply";
        logic_->handle(std::move(request), now());
        if (const auto error = contracts::find_remote_error(reply_); !error || *error) {
            std::fprintf(stderr, "apply: %s\n", reply_.c_str());
            std::exit(1);
        }
        turn_until_settled();
    }

    void apply_group() {
        std::vector<double> samples;
        for (int sample = 0; sample < 100; ++sample) {
            const std::string group = names_.group(sample);
            const auto start = Clock::now();
            apply(
                deployment(group, {{"group", group}}, "registry.example/app:" + std::to_string(sample + 2)));
            samples.push_back(seconds_since(start) * 1e3);
        }
        say("apply-group-p50", bench::percentile(samples, 0.5));
    }

    void apply_all() {
        const auto start = Clock::now();
        apply(deployment("everywhere", {}, "registry.example/base:1"));
        say("apply-all", seconds_since(start));
    }

    void roll() {
        const auto first = score("registry.example/base:1");
        const auto second = score("registry.example/base:2");
        for (int number = 0; number < names_.devices; ++number) {
            logic_->handle(op::HeartbeatSeen{names_.device(number), "0000000000000000", now()}, now());
            logic_->handle(report(number, "everywhere", first), now());
        }
        turn_until_settled();
        auto document = deployment("everywhere", {}, "registry.example/base:2");
        document.spec.rollout = contracts::Rolling{{1, true}, std::chrono::seconds{0}, {1, true}};
        const auto start = Clock::now();
        apply(document);
        say("rollout-start", seconds_since(start) * 1e3);
        std::vector<double> samples;
        for (int number = 0; number < std::min(kSamples, names_.devices / 100); ++number) {
            const auto begun = Clock::now();
            logic_->handle(report(number, "everywhere", second), now());
            logic_->advance(now());
            samples.push_back(std::chrono::duration<double, std::milli>(taker_.last_write - begun).count());
            turn_until_settled();
        }
        say("rollout-step-p50", bench::percentile(samples, 0.5));
    }

    Names names_;
    std::string directory_;
    runtime::daemon::HealthRegistry health_;
    runtime::daemon::MetricsRegistry metrics_;
    Taker taker_;
    std::unique_ptr<op::OperatorLogic> logic_;
    std::string reply_;
    Timestamp event_;
};

int measure(int devices) {
    const pid_t child = fork();
    if (child == 0) {
        { Bench(devices).run(); }
        std::fflush(stdout);
        _exit(0);
    }
    int status = 0;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

}  // namespace

int main(int count, char** values) {
    std::vector<int> fleets;
    for (int place = 1; place < count; ++place)
        fleets.push_back(std::atoi(values[place]));
    if (fleets.empty()) fleets = {1'000, 10'000, 100'000, 1'000'000};
    for (const int devices : fleets) {
        if (devices < 1) {
            std::fprintf(stderr, "usage: %s [DEVICES...]\n", values[0]);
            return 2;
        }
        if (const int failed = measure(devices); failed != 0) return failed;
    }
    return 0;
}
