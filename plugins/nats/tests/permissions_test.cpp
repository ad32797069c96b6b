// The users that are written, against a real server.
#include <catch2/catch.hpp>
#include <condition_variable>
#include <mutex>

#include "harmony/contracts/commands.hpp"
#include "harmony/contracts/fleet_api.hpp"
#include "harmony/contracts/kv.hpp"
#include "harmony/nats_testing/nats_server.hpp"
#include "server_config.hpp"

using namespace harmony;
using namespace harmony::contracts;
namespace nats = harmony::runtime::nats;
using runtime::nats_testing::NatsServerFixture;
using namespace std::chrono_literals;

namespace {

const DeviceId kOwn = DeviceId::parse("edge-north").value();
const DeviceId kOther = DeviceId::parse("edge-south").value();
const DeploymentName kDeployment = DeploymentName::parse("hello").value();

std::string users() {
    std::vector<fleet_nats::ServerUser> list{{.name = "admin", .password = "a", .unrestricted = true}};
    for (const auto& device : {kOwn, kOther}) {
        list.push_back(
            {.name = device_user(device), .password = "p", .permissions = device_permissions(device)});
    }
    return "authorization: {\n" + fleet_nats::users_config(list) + "}\n";
}

// A subject that the filter matches.
std::string matching(std::string filter) {
    if (filter.back() == '>') filter.back() = 'x';
    return filter;
}

// What happened, told by the connection's own threads.
class Signal {
 public:
    void set() {
        const std::lock_guard lock(mutex_);
        ++count_;
        changed_.notify_all();
    }
    // Takes one of them; false when none comes.
    bool take() {
        std::unique_lock lock(mutex_);
        if (!changed_.wait_for(lock, 5s, [&] { return count_ > 0; })) return false;
        --count_;
        return true;
    }

 private:
    std::mutex mutex_;
    std::condition_variable changed_;
    int count_ = 0;
};

// A device's connection beside the administrator's, who sees what gets through.
class DeviceClient {
 public:
    DeviceClient(const NatsServerFixture& server, const DeviceId& id)
        : admin_(server.connect({"admin", "a"})) {
        auto options = server.connection_options();
        options.credentials = {device_user(id), "p"};
        options.inbox_prefix = device_inbox_prefix(id);
        connection_ = nats::make_nats_connection(std::move(options));
        nats::ConnectionEvents events;
        events.on_error = [this](const Error& error) {
            if (error.kind() == ErrorKind::PermissionDenied) refused_.set();
        };
        REQUIRE(connection_->start(events));
    }
    ~DeviceClient() { connection_->close(); }
    DeviceClient(const DeviceClient&) = delete;
    DeviceClient& operator=(const DeviceClient&) = delete;

    bool publishes(const std::string& subject) {
        auto arrival = admin_->subscribe(subject, [this](const nats::Message&) { arrived_.set(); });
        REQUIRE(arrival);
        REQUIRE(admin_->flush(5s));
        publish(*connection_, subject);
        return arrived_.take();
    }
    bool is_refused_to_publish(const std::string& subject) {
        publish(*connection_, subject);
        return refused_.take();
    }
    bool receives(const std::string& filter) {
        auto subscription = subscribe(filter);
        publish(*admin_, matching(filter));
        return arrived_.take();
    }
    bool is_refused_to_subscribe(const std::string& filter) {
        auto subscription = subscribe(filter);
        return refused_.take();
    }

 private:
    static void publish(nats::NatsConnection& connection, const std::string& subject) {
        nats::Message message;
        message.subject = subject;
        REQUIRE(connection.publish(message));
        REQUIRE(connection.flush(5s));
    }
    nats::Subscription subscribe(const std::string& filter) {
        auto subscription = connection_->subscribe(filter, [this](const nats::Message&) { arrived_.set(); });
        REQUIRE(subscription);
        REQUIRE(connection_->flush(5s));
        return std::move(*subscription);
    }

    Signal arrived_;
    Signal refused_;
    std::unique_ptr<nats::NatsConnection> admin_;
    std::unique_ptr<nats::NatsConnection> connection_;
};

std::vector<std::string> published_by(const DeviceId& device) {
    return {kv_subject(kDeviceInfoBucket, device_info_key(device)),
            kv_subject(kDeviceStateBucket, device_state_key(device, kDeployment)),
            kv_subject(kDeviceHeartbeatBucket, heartbeat_key(device)),
            kv_direct_get_subject(kDesiredStateBucket, desired_state_key(device, kDeployment)),
            kv_direct_get_subject(kDesiredStateBucket, desired_index_key(device))};
}

std::vector<std::string> subscribed_by(const DeviceId& device) {
    return {kv_subject(kDesiredStateBucket, desired_state_filter(device)),
            kv_subject(kDesiredStateBucket, desired_state_key(device, kDeployment)),
            command_subscription(device), command_subject(device, CommandVerb::Ping),
            device_inbox_prefix(device) + ".>"};
}

}  // namespace

TEST_CASE("a device may use every subject of its own and none of another device") {
    NatsServerFixture server({.extra_config = users()});
    DeviceClient device(server, kOwn);
    for (const auto& subject : published_by(kOwn)) {
        INFO(subject);
        CHECK(device.publishes(subject));
    }
    for (const auto& subject : subscribed_by(kOwn)) {
        INFO(subject);
        CHECK(device.receives(subject));
    }
    for (const auto& subject : published_by(kOther)) {
        INFO(subject);
        CHECK(device.is_refused_to_publish(subject));
    }
    for (const auto& subject : subscribed_by(kOther)) {
        INFO(subject);
        CHECK(device.is_refused_to_subscribe(subject));
    }
}

TEST_CASE("a device may not use JetStream's API, the operator's API or commands of its own making") {
    NatsServerFixture server({.extra_config = users()});
    DeviceClient device(server, kOwn);
    for (const std::string& subject :
         {std::string("$JS.API.INFO"), std::string("$JS.API.STREAM.LIST"),
          std::string("$JS.API.STREAM.NAMES"), "$JS.API.STREAM.INFO." + kv_stream(kDesiredStateBucket),
          "$JS.API.STREAM.DELETE." + kv_stream(kDesiredStateBucket),
          "$JS.API.STREAM.PURGE." + kv_stream(kDeviceInfoBucket),
          "$JS.API.CONSUMER.CREATE." + kv_stream(kDesiredStateBucket),
          "$JS.API.DIRECT.GET." + kv_stream(kDesiredStateBucket),
          kv_subject(kDesiredStateBucket, desired_state_key(kOwn, kDeployment)),
          command_subject(kOther, CommandVerb::Ping), command_subject(kOwn, CommandVerb::Ping),
          std::string(kDeploymentsApply), std::string(kFleetStatus), std::string("_INBOX.x")}) {
        INFO(subject);
        CHECK(device.is_refused_to_publish(subject));
    }
    for (const std::string& subject :
         {std::string("$JS.API.>"), std::string("fleet-api.v1.>"), std::string("_INBOX.>"),
          std::string("device-commands.>"), std::string(">"), std::string("$KV.>"),
          std::string("$KV.device-info.>")}) {
        INFO(subject);
        CHECK(device.is_refused_to_subscribe(subject));
    }
}

TEST_CASE("a wrong password is refused, and so is none") {
    NatsServerFixture server({.extra_config = users()});
    for (const nats::Credentials& credentials :
         {nats::Credentials{device_user(kOwn), "x"}, nats::Credentials{},
          nats::Credentials{"device-nobody", "p"}}) {
        auto options = server.connection_options();
        options.credentials = credentials;
        options.retry_first_connect = false;
        const auto started = nats::make_nats_connection(std::move(options))->start({});
        REQUIRE_FALSE(started);
        CHECK(started.error().kind() == ErrorKind::PermissionDenied);
    }
}
