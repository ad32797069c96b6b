// Measures a ping of a device beside raw NATS requests of the same size, in one run.
//
//   harmony-bench-ping URL PASSWORD_FILE DEVICE ROUNDS STRANGER CREDENTIALS
//
// PASSWORD_FILE holds the admin's password. STRANGER is a device without an agent, CREDENTIALS its TOML file.
// Prints p50 and p99 in milliseconds:
//   ping             through the fleet client: headers, deadline, decoding
//   raw-request      of as many bytes, for a reply of as many, from a plain subscription of the admin
//   raw-device       the same from a plain subscription of a device's user, whose permissions the server
//   checks
// Each of them is answered by a process of its own, as the agent is, through the same server. They take
// turns, and none always follows the same other, because what went before leaves the processor warm.
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <functional>

#include "harmony/contracts/commands.hpp"
#include "harmony/contracts/device_permissions.hpp"
#include "harmony/daemon/credentials_file.hpp"
#include "harmony/fleet_client/fleet_commands_client.hpp"
#include "measurement.hpp"
#include "statistics.hpp"

namespace {

using namespace harmony;
using namespace harmony::bench;
using namespace std::chrono_literals;
using runtime::nats::Message;

constexpr const char* kRawSubject = "bench.raw";
constexpr int kWarmUps = 100;

struct Bench {
    std::string url;
    std::string password_file;
    contracts::DeviceId device;
    contracts::DeviceId stranger;
    std::string credentials_file;
};

[[noreturn]] void answer_for_ever(runtime::nats::NatsConnection& connection, const std::string& subject,
                                  const std::string& reply) {
    const auto responder =
        must(connection.subscribe(subject,
                                  [&](const Message& message) {
                                      (void)connection.publish({message.reply, reply, "", {}});
                                  }),
             "the responder");
    for (;;)
        pause();
}

// A process that does `work`.
template <class Work>
pid_t start(Work work) {
    const pid_t child = fork();
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        work();
    }
    if (child < 0) give_up("fork");
    return child;
}

std::unique_ptr<runtime::nats::NatsConnection> connect_as_stranger(const Bench& bench) {
    const auto credentials =
        must(runtime::daemon::read_credentials_file(bench.credentials_file), "credentials");
    runtime::nats::ConnectionOptions options;
    options.urls = {bench.url};
    options.credentials = {credentials.user, credentials.password};
    options.inbox_prefix = contracts::device_inbox_prefix(bench.stranger);
    options.write_at_once = true;
    auto connection = runtime::nats::make_nats_connection(options);
    must(connection->start({}), "connect as a device");
    return connection;
}

// As many bytes as a ping's headers have, which is all that it sends.
std::string bytes_of_a_ping() {
    std::string bytes = "NATS/1.0\r\n";
    const std::string deadline = contracts::Timestamp::now().format();
    for (const auto& [name, value] : {std::pair(contracts::kRequestIdHeader, std::string(16, '0')),
                                      std::pair(contracts::kDeadlineHeader, deadline),
                                      std::pair(contracts::kOperatorSubHeader, std::string("bench"))})
        bytes.append(name).append(": ").append(value).append("\r\n");
    return bytes + "\r\n";
}

void measure(const Bench& bench, int rounds) {
    const auto connection = connect(bench.url, bench.password_file);
    runtime::fleet_client::FleetCommandsClient commands(*connection, "bench");
    const std::string bytes = bytes_of_a_ping();
    const auto raw_request = [&](const std::string& subject) {
        return connection->request({subject, bytes, "", {}}, 2s).has_value();
    };
    const std::string as_device = contracts::command_subject(bench.stranger, contracts::CommandVerb::Ping);
    struct Subject {
        const char* name;
        std::function<void()> once;
        std::vector<double> samples;
    };
    std::array<Subject, 3> subjects{{
        {"ping", [&] { (void)must(commands.ping(bench.device), "ping"); }, {}},
        {"raw-request",
         [&] {
             if (!raw_request(kRawSubject)) give_up("a raw request failed");
         },
         {}},
        {"raw-device",
         [&] {
             if (!raw_request(as_device)) give_up("a raw request failed");
         },
         {}},
    }};
    wait_for("a responder", 10s, [&] { return raw_request(kRawSubject) && raw_request(as_device); });
    // Forwards and backwards by turns: each follows each of the others as often.
    for (int round = -kWarmUps; round < rounds; ++round) {
        for (std::size_t turn = 0; turn < subjects.size(); ++turn) {
            Subject& subject = subjects[round % 2 == 0 ? turn : subjects.size() - 1 - turn];
            const auto begin = Clock::now();
            subject.once();
            if (round >= 0) subject.samples.push_back(milliseconds_since(begin));
        }
    }
    for (Subject& subject : subjects)
        print(subject.name, subject.samples);
    connection->close();
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 7) {
        std::fprintf(stderr, "usage: %s URL PASSWORD_FILE DEVICE ROUNDS STRANGER CREDENTIALS\n", argv[0]);
        return 2;
    }
    const Bench bench{argv[1], argv[2], must(contracts::DeviceId::parse(argv[3]), "DEVICE"),
                      must(contracts::DeviceId::parse(argv[5]), "STRANGER"), argv[6]};
    // Before this process has threads of its own.
    const pid_t plain = start([&] {
        const auto connection = connect(bench.url, bench.password_file);
        answer_for_ever(
            *connection, kRawSubject,
            must(runtime::fleet_client::FleetCommandsClient(*connection).ping(bench.device), "ping")
                .encode());
    });
    const pid_t device = start([&] {
        const auto connection = connect_as_stranger(bench);
        const auto admin = connect(bench.url, bench.password_file);
        answer_for_ever(
            *connection, contracts::command_subscription(bench.stranger),
            must(runtime::fleet_client::FleetCommandsClient(*admin).ping(bench.device), "ping").encode());
    });
    measure(bench, std::atoi(argv[4]));
    for (const pid_t child : {plain, device}) {
        kill(child, SIGKILL);
        waitpid(child, nullptr, 0);
    }
    return 0;
}
