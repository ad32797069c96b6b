// Measures a large simulated fleet from outside: a NATS server, an operator and harmony-fleet-simulator run.
//
//   harmony-bench-scale URL PASSWORD_FILE COMMAND ARGUMENT...      PASSWORD_FILE "-": a server without users
//
//   wait-devices N            until the operator knows N devices and has written each one's index
//   deploy-groups N DEVICES   N Deployments, group-<i> for the devices with label group=g<i>; until all is
//   written fan-out DEVICES ROUNDS [raw]   one Deployment for all; then its change, with `raw` beside raw
//   publishes label-change N GROUPS     N devices, one after the other, move to the next group raw-hop N a
//   put to its arrival at a subscriber, the hop of which a change needs two heartbeats SECONDS        counts
//   them on a plain subscription: the count and this process' CPU seconds repaired                  puts a
//   key that belongs to nothing (first call: "repaired plant"), until it is gone
//
// Prints "name <tab> values" for e2e/bench/run.
#include <sys/resource.h>

#include <atomic>
#include <condition_variable>
#include <mutex>

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
constexpr auto kLongest = 300s;

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

// Counts what is written to desired-state; quiet: nothing came for half a second.
class DesiredWrites {
 public:
    explicit DesiredWrites(Session& session, bool keep = false) {
        runtime::nats::SubscribeOptions options;
        options.max_pending_messages = 8'000'000;
        options.max_pending_bytes = 1 << 30;
        subscription_ = must(session.connection->subscribe(
                                 "$KV.desired-state.>",
                                 [this, keep](const Message& message) {
                                     last_ = Clock::now().time_since_epoch().count();
                                     ++count_;
                                     if (keep && !message.payload.empty())
                                         values_.push_back({message.subject, message.payload});
                                 },
                                 options),
                             "the observer");
        must(session.connection->flush(5s), "flush");
    }
    [[nodiscard]] std::uint64_t count() const { return count_; }
    [[nodiscard]] double last_after(Clock::time_point start) const {
        const Clock::time_point last{Clock::duration(last_.load())};
        return std::chrono::duration<double, std::milli>(last - start).count();
    }
    void wait(std::uint64_t count) {
        wait_for("the arrival of " + std::to_string(count) + " writes", kLongest,
                 [&] { return count_ >= count; });
    }
    // Only after the last of them has come.
    std::vector<RawValue> take() { return std::exchange(values_, {}); }

 private:
    std::atomic<std::uint64_t> count_{0};
    std::atomic<std::int64_t> last_{0};
    std::vector<RawValue> values_;
    runtime::nats::Subscription subscription_;  // last: ends first
};

void wait_devices(Session& session, std::int64_t devices) {
    const auto start = Clock::now();
    wait_for("the fleet's registration", kLongest, [&] {
        const auto status = session.api.status();
        return status && status->ready && status->devices >= devices;
    });
    wait_for("every device's index", kLongest, [&] {
        const auto reply =
            session.connection->request({"$JS.API.STREAM.INFO.KV_desired-state", "", "", {}}, 5s);
        if (!reply) return false;
        const auto at = reply->payload.find("\"messages\":");
        return at != std::string::npos && std::atoll(reply->payload.c_str() + at + 11) >= devices;
    });
    std::printf("registered\t%.0f\n", milliseconds_since(start));
}

void deploy_groups(Session& session, int groups, std::uint64_t devices) {
    DesiredWrites writes(session);
    std::vector<double> applies;
    const auto start = Clock::now();
    for (int group = 0; group < groups; ++group) {
        const std::string number = std::to_string(group);
        const auto begin = Clock::now();
        (void)must(session.api.apply(deployment("group-" + number, R"({"group":"g)" + number + "\"}",
                                                "localhost/harmony/app:1")),
                   "apply");
        applies.push_back(milliseconds_since(begin));
    }
    writes.wait(2 * devices);
    std::printf("groups-written\t%.0f\n", writes.last_after(start));
    print("group-apply", applies);
}

void fan_out(Session& session, std::uint64_t devices, int rounds, bool with_raw) {
    DesiredWrites writes(session, with_raw);
    auto start = Clock::now();
    (void)must(session.api.apply(deployment(kEveryone, "{}", "localhost/harmony/app:0")), "apply");
    writes.wait(2 * devices);
    std::printf("fan-out-first\t%.0f\n", writes.last_after(start));
    (void)writes.take();
    std::vector<double> ours, raw;
    for (int round = 1; round <= rounds; ++round) {
        auto expected = writes.count() + devices;
        start = Clock::now();
        (void)must(
            session.api.apply(deployment(kEveryone, "{}", "localhost/harmony/app:" + std::to_string(round))),
            "apply");
        writes.wait(expected);
        ours.push_back(writes.last_after(start));
        const auto values = writes.take();
        if (!with_raw) continue;
        expected = writes.count() + values.size();
        start = Clock::now();
        publish_raw(session.url, session.password_file, values);
        writes.wait(expected);
        raw.push_back(writes.last_after(start));
        (void)writes.take();
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
        if (!changed.wait_for(lock, 2s, [&] { return indexed; })) continue;
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
    const auto start = Clock::now();
    wait_for("the removal of what belongs to nothing", kLongest, [&] {
        const auto entry = desired.get(kOrphan);
        return entry && !*entry;
    });
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
    if (command == "wait-devices") {
        wait_devices(session, number(4));
    } else if (command == "deploy-groups") {
        deploy_groups(session, number(4), static_cast<std::uint64_t>(number(5)));
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
