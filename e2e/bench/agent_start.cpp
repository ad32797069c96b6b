// How long an agent takes from its start to answering, and what the least possible client takes.
//
//   harmony-bench-agent-start measure URL PASSWORD_FILE DEVICE ROUNDS CREDENTIALS AGENT ARGUMENT...
//   harmony-bench-agent-start client URL CREDENTIALS DEVICE
//
// `client` connects as the device, has its two subscriptions, answers pings, and does nothing else until it
// is killed. CREDENTIALS is the device's TOML file. Prints agent-start and client-start: p50 and p99 in
// milliseconds.
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harmony/contracts/commands.hpp"
#include "harmony/contracts/device_permissions.hpp"
#include "harmony/contracts/kv.hpp"
#include "harmony/daemon/credentials_file.hpp"
#include "measurement.hpp"
#include "statistics.hpp"

namespace {

using namespace harmony;
using namespace harmony::bench;
using namespace std::chrono_literals;

int be_client(const std::string& url, const std::string& credentials_file,
              const contracts::DeviceId& device) {
    const auto credentials = must(runtime::daemon::read_credentials_file(credentials_file), "credentials");
    runtime::nats::ConnectionOptions options;
    options.urls = {url};
    options.credentials = {credentials.user, credentials.password};
    options.inbox_prefix = contracts::device_inbox_prefix(device);
    options.io_buffer_bytes = 8 * 1024;  // as the agent
    options.write_at_once = true;
    const auto connection = runtime::nats::make_nats_connection(options);
    must(connection->start({}), "connect");
    const auto hints = must(
        connection->subscribe(
            contracts::kv_subject(contracts::kDesiredStateBucket, contracts::desired_state_filter(device)),
            [](const runtime::nats::Message&) {}),
        "subscribe");
    const auto commands =
        must(connection->subscribe(contracts::command_subscription(device),
                                   [&](const runtime::nats::Message& message) {
                                       (void)connection->publish({message.reply, "{}", "", {}});
                                   }),
             "subscribe");
    for (;;)
        pause();
}

pid_t start(std::vector<std::string> arguments) {
    std::vector<char*> values;
    for (std::string& argument : arguments)
        values.push_back(argument.data());
    values.push_back(nullptr);
    const pid_t child = fork();
    if (child != 0) return child;
    const int null = open("/dev/null", O_WRONLY);
    dup2(null, 1);
    dup2(null, 2);
    execv(values[0], values.data());
    _exit(127);
}

// Nobody listening is told at once, so that asking again and again finds the moment.
double until_it_answers(runtime::nats::NatsConnection& connection, const contracts::DeviceId& device,
                        const std::vector<std::string>& program) {
    const std::string subject = contracts::command_subject(device, contracts::CommandVerb::Ping);
    const auto begin = Clock::now();
    const pid_t child = start(program);
    wait_for("an answer", 10s, [&] { return connection.request({subject, "", "", {}}, 1s).has_value(); });
    const double took = milliseconds_since(begin);
    kill(child, SIGTERM);
    waitpid(child, nullptr, 0);
    wait_for("its end", 10s, [&] { return !connection.request({subject, "", "", {}}, 1s).has_value(); });
    return took;
}

int measure(int argc, char** argv) {
    const auto connection = connect(argv[2], argv[3]);
    const auto device = must(contracts::DeviceId::parse(argv[4]), "the device's id");
    const std::vector<std::string> agent(argv + 7, argv + argc);
    const std::vector<std::string> client{argv[0], "client", argv[2], argv[6], argv[4]};
    std::vector<double> agents, clients;
    for (int round = 0; round < std::atoi(argv[5]); ++round) {
        clients.push_back(until_it_answers(*connection, device, client));
        agents.push_back(until_it_answers(*connection, device, agent));
    }
    print("agent-start", agents);
    print("client-start", clients);
    connection->close();
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    const std::string command = argc > 1 ? argv[1] : "";
    if (command == "client" && argc == 5) {
        return be_client(argv[2], argv[3], must(contracts::DeviceId::parse(argv[4]), "the device's id"));
    }
    if (command == "measure" && argc > 7) return measure(argc, argv);
    std::fprintf(stderr,
                 "usage: %s measure URL PASSWORD_FILE DEVICE ROUNDS CREDENTIALS AGENT... | client URL "
                 "CREDENTIALS DEVICE\n",
                 argv[0]);
    return 2;
}
