// Measures a large simulated fleet from outside: a NATS server, an operator and harmony-fleet-simulator run.
//
//   harmony-bench-scale URL PASSWORD_FILE COMMAND ARGUMENT...      PASSWORD_FILE "-": a server without users
//
//   wait-ready                   until the operator is ready
//   wait-devices N               until the operator knows N devices and has written each one's index
//   deploy-groups N DEVICES BEHIND
//                                N Deployments, group-<i> for the devices with label group=g<i>, until all
//                                have reported; at most BEHIND have not reported yet what they were told
//   fan-out DEVICES ROUNDS [raw] one Deployment for all; then its change, with `raw` beside raw publishes
//   label-change N GROUPS        N devices, one after the other, move to the next group
//   raw-hop N                    a put to its arrival at a subscriber, the hop of which a change needs two
//   heartbeats SECONDS           counts them on a plain subscription: the count and this process' CPU seconds
//   repaired [plant]             with `plant` puts a key that belongs to nothing; else waits until it is gone
//
// Prints "name <tab> values" for e2e/bench/run, and on stderr how far it is. Gives up where nothing grows for
// 60 s, or one thing has not come after 300 s.
#include <sys/resource.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <unordered_set>

#include "harmony/contracts/device_info.hpp"
#include "harmony/contracts/kv.hpp"
#include "harmony/fleet_client/fleet_api_client.hpp"
#include "harmony/nats/key_value.hpp"
#include "scale.hpp"
#include "statistics.hpp"

namespace {

using namespace harmony;
using namespace harmony::bench;
using namespace std::chrono_literals;
using runtime::nats::Message;

constexpr const char* kEveryone = "everyone";
constexpr const char* kOrphan = "nobody-in-this-fleet.app";
constexpr auto kLongest = 300s;    // for one thing
constexpr auto kStandstill = 60s;  // of something that grows
// The simulated devices of e2e/bench/run read at most 3.5 s after a hint, and report twice within one more.
constexpr auto kReaction = 6s;
constexpr auto kQuiet = 2s;

struct Session {
    std::string url;
    std::string password_file;
    std::unique_ptr<runtime::nats::NatsConnection> connection;
    runtime::fleet_client::FleetApiClient api;

    Session(const char* server, const char* password)
        : url(server),
          password_file(password),
          connection(connect(url, password_file)),
          api(*connection, 60s) {}
};

// For what comes faster than it is counted.
runtime::nats::SubscribeOptions much_pending() {
    runtime::nats::SubscribeOptions options;
    options.max_pending_messages = 8'000'000;
    options.max_pending_bytes = 1 << 30;
    return options;
}

// Counts the keys of desired-state on which a value that contains a mark has come: what is written a second
// time, or has another meaning, does not count.
class DesiredWrites {
 public:
    explicit DesiredWrites(Session& session) {
        subscription_ = must(
            session.connection->subscribe(
                "$KV.desired-state.>", [this](const Message& message) { take(message); }, much_pending()),
            "the observer");
        must(session.connection->flush(5s), "flush");
    }
    // Counts from zero; `keep`: for take_values().
    void begin(const std::string& mark, bool keep = false) {
        const std::lock_guard lock(mutex_);
        mark_ = mark;
        keep_ = keep;
        subjects_.clear();
        values_.clear();
    }
    // Milliseconds from `start` to the last of them.
    double wait(std::uint64_t count, Clock::time_point start) {
        wait_for_count("devices have their desired state", kStandstill, count, [&]() -> std::uint64_t {
            const std::lock_guard lock(mutex_);
            return subjects_.size();
        });
        const std::lock_guard lock(mutex_);
        return std::chrono::duration<double, std::milli>(last_ - start).count();
    }
    std::vector<RawValue> take_values() {
        const std::lock_guard lock(mutex_);
        return std::exchange(values_, {});
    }

 private:
    void take(const Message& message) {
        const std::lock_guard lock(mutex_);
        if (mark_.empty() || message.payload.find(mark_) == std::string::npos) return;
        if (!subjects_.insert(std::hash<std::string>{}(message.subject)).second) return;
        last_ = Clock::now();
        if (keep_) values_.push_back({message.subject, message.payload});
    }

    std::mutex mutex_;
    std::string mark_;
    bool keep_ = false;
    std::unordered_set<std::size_t> subjects_;
    Clock::time_point last_;
    std::vector<RawValue> values_;
    runtime::nats::Subscription subscription_;  // last: ends first
};

// Counts what devices report: twice for each value that they hold newly, Pending and Running.
class Reports {
 public:
    explicit Reports(Session& session)
        : subscription_(must(session.connection->subscribe(
                                 "$KV.device-state.>",
                                 [this](const Message&) {
                                     ++count_;
                                     last_ = Clock::now().time_since_epoch().count();
                                 },
                                 much_pending()),
                             "subscribe")) {
        must(session.connection->flush(5s), "flush");
    }
    [[nodiscard]] std::uint64_t devices() const { return count_ / 2; }
    // Until all devices have read and reported, so that the next change meets a fleet at rest.
    void wait_until_quiet() const {
        std::this_thread::sleep_for(kReaction);
        wait_for("the devices' reports", kLongest,
                 [&] { return Clock::now() - Clock::time_point(Clock::duration(last_.load())) > kQuiet; });
    }

 private:
    std::atomic<std::uint64_t> count_{0};
    std::atomic<std::int64_t> last_{0};
    runtime::nats::Subscription subscription_;
};

std::string image(int version) {
    return "localhost/harmony/app:" + std::to_string(version);
}
// Part of every value with that image, and of no other.
std::string mark(int version) {
    return '"' + image(version) + '"';
}

std::uint64_t keys_of_desired_state(Session& session) {
    constexpr std::string_view name = "\"messages\":";
    const auto reply = session.connection->request({"$JS.API.STREAM.INFO.KV_desired-state", "", "", {}}, 5s);
    if (!reply) return 0;
    const auto at = reply->payload.find(name);
    return at == std::string::npos ? 0
                                   : std::strtoull(reply->payload.c_str() + at + name.size(), nullptr, 10);
}

void wait_ready(Session& session) {
    wait_for("a ready operator", kLongest, [&] {
        const auto status = session.api.status();
        return status && status->ready;
    });
}

void wait_devices(Session& session, std::uint64_t devices) {
    const auto start = Clock::now();
    wait_for_count("devices are registered", kStandstill, devices, [&]() -> std::uint64_t {
        const auto status = session.api.status();
        return status ? static_cast<std::uint64_t>(status->devices) : 0;
    });
    wait_for_count("devices have an index", kStandstill, devices,
                   [&] { return keys_of_desired_state(session); });
    std::printf("registered\t%.0f\n", milliseconds_since(start));
}

void deploy_groups(Session& session, int groups, std::uint64_t devices, std::uint64_t most_behind) {
    DesiredWrites writes(session);
    Reports reports(session);
    writes.begin(mark(1));
    std::vector<double> applies;
    const auto start = Clock::now();
    Progress progress;
    for (int group = 0; group < groups; ++group) {
        const std::string number = std::to_string(group);
        const std::uint64_t told =
            devices * static_cast<std::uint64_t>(group) / static_cast<std::uint64_t>(groups);
        progress.tell(number + " of " + std::to_string(groups) + " Deployments are applied");
        if (told > most_behind)
            wait_for_count("devices have reported", kStandstill, told - most_behind,
                           [&] { return reports.devices(); });
        const auto begin = Clock::now();
        (void)must(
            session.api.apply(deployment("group-" + number, R"({"group":"g)" + number + "\"}", image(1))),
            "apply");
        applies.push_back(milliseconds_since(begin));
    }
    std::printf("groups-written\t%.0f\n", writes.wait(devices, start));
    print("group-apply", applies);
    wait_for_count("devices have reported", kStandstill, devices, [&] { return reports.devices(); });
}

void fan_out(Session& session, std::uint64_t devices, int rounds, bool with_raw) {
    constexpr int first = 100;  // no version that the groups have
    DesiredWrites writes(session);
    const Reports reports(session);
    std::vector<double> ours, raw;
    for (int round = 0; round <= rounds; ++round) {
        writes.begin(mark(first + round), with_raw);
        auto start = Clock::now();
        (void)must(session.api.apply(deployment(kEveryone, "{}", image(first + round))), "apply");
        const double took = writes.wait(devices, start);
        const auto values = writes.take_values();
        reports.wait_until_quiet();
        if (round == 0) continue;  // a new Deployment, and so a new index for everybody, too
        ours.push_back(took);
        if (!with_raw) continue;
        writes.begin(mark(first + round));
        start = Clock::now();
        publish_raw(session.url, session.password_file, values);
        raw.push_back(writes.wait(devices, start));
        reports.wait_until_quiet();
    }
    print("fan-out", ours);
    if (with_raw) print("fan-out-raw", raw);
}

// The prefix and the labels are those that e2e/bench/run gives the simulator.
contracts::DeviceInfo moved(std::uint32_t device, int group) {
    contracts::DeviceInfo info;
    info.device_id = must(contracts::DeviceId::parse("sim-" + std::to_string(device)), "the device's id");
    info.labels = {{"group", "g" + std::to_string(group)}, {"moved", "yes"}};
    info.agent_version = "0.1.0";
    info.updated_at = contracts::Timestamp::now();
    return info;
}

void label_change(Session& session, int count, int groups) {
    runtime::nats::KeyValue infos(*session.connection, std::string(contracts::kDeviceInfoBucket));
    std::vector<double> samples;
    for (int i = 0; i < count; ++i) {
        const auto info = moved(static_cast<std::uint32_t>(i), i % groups);
        std::mutex mutex;
        std::condition_variable changed;
        bool indexed = false;
        Clock::time_point at;
        const std::string index = contracts::kv_subject(contracts::kDesiredStateBucket,
                                                        contracts::desired_index_key(info.device_id));
        const std::string named = "\"group-" + std::to_string(i % groups) + "\"";
        const auto watched =
            must(session.connection->subscribe(index,
                                               [&](const Message& message) {
                                                   if (message.payload.find(named) == std::string::npos)
                                                       return;
                                                   const std::lock_guard lock(mutex);
                                                   at = Clock::now();
                                                   indexed = true;
                                                   changed.notify_all();
                                               }),
                 "subscribe");
        must(session.connection->flush(5s), "flush");
        const auto start = Clock::now();
        must(session.connection->publish({contracts::kv_subject(contracts::kDeviceInfoBucket,
                                                                contracts::device_info_key(info.device_id)),
                                          info.encode(),
                                          "",
                                          {}}),
             "publish");
        must(session.connection->flush(5s), "flush");
        std::unique_lock lock(mutex);
        // A device that is in that group already shows no change.
        if (!changed.wait_for(lock, 500ms, [&] { return indexed; })) continue;
        samples.push_back(std::chrono::duration<double, std::milli>(at - start).count());
    }
    if (samples.size() < static_cast<std::size_t>(count) / 2) give_up("most label changes were not followed");
    print("label-change", samples);
}

void raw_hop(Session& session, int count) {
    std::mutex mutex;
    std::condition_variable changed;
    int arrived = 0;
    const auto watched = must(session.connection->subscribe("$KV.desired-state.raw-hop.>",
                                                            [&](const Message&) {
                                                                const std::lock_guard lock(mutex);
                                                                ++arrived;
                                                                changed.notify_all();
                                                            }),
                              "subscribe");
    must(session.connection->flush(5s), "flush");
    std::vector<double> samples;
    for (int i = 0; i < count; ++i) {
        const auto start = Clock::now();
        must(session.connection->publish({"$KV.desired-state.raw-hop.app", std::string(400, 'x'), "", {}}),
             "publish");
        must(session.connection->flush(5s), "flush");
        std::unique_lock lock(mutex);
        if (!changed.wait_for(lock, 5s, [&] { return arrived > i; })) give_up("a put did not arrive");
        samples.push_back(milliseconds_since(start));
    }
    print("raw-hop", samples);
    runtime::nats::KeyValue desired(*session.connection, std::string(contracts::kDesiredStateBucket));
    (void)desired.del("raw-hop.app");
}

double cpu_seconds() {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    const auto seconds = [](const timeval& time) {
        return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
    };
    return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

void heartbeats(Session& session, int seconds) {
    std::atomic<std::uint64_t> count{0};
    const auto watched =
        must(session.connection->subscribe("$KV.device-heartbeat.>", [&](const Message&) { ++count; }),
             "subscribe");
    must(session.connection->flush(5s), "flush");
    const double before = cpu_seconds();
    std::this_thread::sleep_for(std::chrono::seconds(seconds));
    std::printf("heartbeats\t%llu\t%.3f\n", static_cast<unsigned long long>(count.load()),
                cpu_seconds() - before);
}

void repaired(Session& session, bool plant) {
    runtime::nats::KeyValue desired(*session.connection, std::string(contracts::kDesiredStateBucket));
    if (plant) {
        (void)must(desired.put(kOrphan, "{}"), "plant");
        return;
    }
    // Heard of, not asked for again and again: that would be work for the server that the operator waits for.
    const auto start = Clock::now();
    std::atomic<bool> removed{false};
    const auto watched =
        must(session.connection->subscribe(contracts::kv_subject(contracts::kDesiredStateBucket, kOrphan),
                                           [&](const Message& message) {
                                               if (message.payload.empty()) removed = true;
                                           }),
             "subscribe");
    must(session.connection->flush(5s), "flush");
    if (const auto entry = desired.get(kOrphan); entry && !*entry) removed = true;
    wait_for("the removal of what belongs to nothing", kLongest, [&] { return removed.load(); });
    std::printf("repaired\t%.0f\n", milliseconds_since(start));
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 4) {
        std::fprintf(stderr, "usage: %s URL PASSWORD_FILE COMMAND ARGUMENT...\n", argv[0]);
        return 2;
    }
    Session session(argv[1], argv[2]);
    const std::string command = argv[3];
    const auto number = [&](int at) { return argc > at ? std::atoi(argv[at]) : 0; };
    if (command == "wait-ready") {
        wait_ready(session);
    } else if (command == "wait-devices") {
        wait_devices(session, static_cast<std::uint64_t>(number(4)));
    } else if (command == "deploy-groups") {
        deploy_groups(session, number(4), static_cast<std::uint64_t>(number(5)),
                      static_cast<std::uint64_t>(number(6)));
    } else if (command == "fan-out") {
        fan_out(session, static_cast<std::uint64_t>(number(4)), number(5), argc > 6);
    } else if (command == "label-change") {
        label_change(session, number(4), number(5));
    } else if (command == "raw-hop") {
        raw_hop(session, number(4));
    } else if (command == "heartbeats") {
        heartbeats(session, number(4));
    } else if (command == "repaired") {
        repaired(session, argc > 4);
    } else {
        give_up("no such command: " + command);
    }
    session.connection->close();
    return 0;
}
