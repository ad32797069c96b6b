#include "permissions_scenario.hpp"

#include <condition_variable>
#include <mutex>

#include "harmony/contracts/commands.hpp"
#include "harmony/contracts/device_permissions.hpp"
#include "harmony/contracts/fleet_api.hpp"
#include "harmony/contracts/kv.hpp"
#include "harmony/fleet_access/nats_access.hpp"
#include "harmony/nats/direct_get.hpp"

namespace harmony::fleet_e2e {

namespace {

namespace nats = runtime::nats;
using contracts::DeviceId;

// Credentials without an agent, so that nobody else uses them.
constexpr int kOwn = 0;
constexpr int kOther = 1;
constexpr milliseconds kSignalTimeout = 3s;

contracts::DeploymentName deployment() {
    return contracts::DeploymentName::parse("hello").value_or(contracts::DeploymentName());
}

// What happened, told by the connection's own threads.
class Signal {
 public:
    void set() {
        const std::lock_guard lock(mutex_);
        ++count_;
        changed_.notify_all();
    }
    // What came before is not an answer to what is asked next.
    void forget() {
        const std::lock_guard lock(mutex_);
        count_ = 0;
    }
    // Takes one of them; false when none comes.
    bool take() {
        std::unique_lock lock(mutex_);
        if (!changed_.wait_for(lock, kSignalTimeout, [&] { return count_ > 0; })) return false;
        --count_;
        return true;
    }

 private:
    std::mutex mutex_;
    std::condition_variable changed_;
    int count_ = 0;
};

// A subject that the filter matches.
std::string matching(std::string filter) {
    if (filter.back() == '>') filter.back() = 'x';
    return filter;
}

// The device's connection, beside the administrator's, who sees what gets through.
class DeviceClient {
 public:
    explicit DeviceClient(nats::NatsConnection& admin) : admin_(admin) {}
    ~DeviceClient() {
        if (connection_) connection_->close();
    }
    DeviceClient(const DeviceClient&) = delete;
    DeviceClient& operator=(const DeviceClient&) = delete;

    Result<void> connect(const std::string& url, const DeviceId& id, const std::string& password) {
        nats::ConnectionEvents events;
        events.on_error = [this](const Error& error) {
            if (error.kind() == ErrorKind::PermissionDenied) refused_.set();
        };
        auto connection = fleet_access::connect(url, {contracts::device_user(id), password},
                                                contracts::device_inbox_prefix(id), "scenario", events);
        if (!connection) return plugin::failure(std::move(connection.error()));
        connection_ = std::move(*connection);
        return {};
    }
    nats::NatsConnection& connection() { return *connection_; }

    Result<void> may_publish(const std::string& subject) {
        arrived_.forget();
        const auto arrival = admin_.subscribe(subject, [this](const nats::Message&) { arrived_.set(); });
        if (!arrival) return failed(arrival.error());
        if (auto done = admin_.flush(kSignalTimeout); !done) return failed(done.error());
        if (auto done = publish(*connection_, subject); !done) return done;
        return arrived_.take() ? Result<void>() : failed("may not publish on its own " + subject);
    }
    Result<void> may_not_publish(const std::string& subject) {
        refused_.forget();
        if (auto done = publish(*connection_, subject); !done) return done;
        return refused_.take() ? Result<void>() : failed("may publish on " + subject);
    }
    Result<void> may_subscribe(const std::string& filter) {
        arrived_.forget();
        const auto subscription = subscribe(filter);
        if (!subscription) return failed(subscription.error());
        if (auto done = publish(admin_, matching(filter)); !done) return done;
        return arrived_.take() ? Result<void>() : failed("may not subscribe to its own " + filter);
    }
    Result<void> may_not_subscribe(const std::string& filter) {
        refused_.forget();
        const auto subscription = subscribe(filter);
        if (!subscription) return failed(subscription.error());
        return refused_.take() ? Result<void>() : failed("may subscribe to " + filter);
    }

 private:
    static Result<void> publish(nats::NatsConnection& connection, const std::string& subject) {
        nats::Message message;
        message.subject = subject;
        if (auto sent = connection.publish(message); !sent) return failed(sent.error());
        if (auto done = connection.flush(kSignalTimeout); !done) return failed(done.error());
        return {};
    }
    harmony::Result<nats::Subscription> subscribe(const std::string& filter) {
        auto subscription = connection_->subscribe(filter, [this](const nats::Message&) { arrived_.set(); });
        if (!subscription) return subscription;
        if (auto done = connection_->flush(kSignalTimeout); !done) return fail(done.error());
        return subscription;
    }

    Signal arrived_;
    Signal refused_;
    nats::NatsConnection& admin_;
    std::unique_ptr<nats::NatsConnection> connection_;
};

using Subjects = std::vector<std::string>;
using Check = Result<void> (DeviceClient::*)(const std::string&);

Result<void> each(DeviceClient& client, Check check, const Subjects& subjects) {
    for (const auto& subject : subjects) {
        if (auto done = (client.*check)(subject); !done) return done;
    }
    return {};
}

Subjects published_by(const DeviceId& device) {
    using namespace contracts;
    return {kv_subject(kDeviceInfoBucket, device_info_key(device)),
            kv_subject(kDeviceStateBucket, device_state_key(device, deployment())),
            kv_subject(kDeviceHeartbeatBucket, heartbeat_key(device)),
            kv_direct_get_subject(kDesiredStateBucket, desired_state_key(device, deployment())),
            kv_direct_get_subject(kDesiredStateBucket, desired_index_key(device))};
}

Subjects subscribed_by(const DeviceId& device) {
    using namespace contracts;
    return {kv_subject(kDesiredStateBucket, desired_state_filter(device)),
            kv_subject(kDesiredStateBucket, desired_state_key(device, deployment())),
            command_subscription(device), command_subject(device, CommandVerb::Ping),
            device_inbox_prefix(device) + ".>"};
}

Subjects published_by_nobody(const DeviceId& own, const DeviceId& other) {
    using namespace contracts;
    return {"$JS.API.INFO",
            "$JS.API.STREAM.LIST",
            "$JS.API.STREAM.NAMES",
            "$JS.API.STREAM.INFO." + kv_stream(kDesiredStateBucket),
            "$JS.API.STREAM.CREATE.other",
            "$JS.API.STREAM.DELETE." + kv_stream(kDesiredStateBucket),
            "$JS.API.STREAM.PURGE." + kv_stream(kDeviceInfoBucket),
            "$JS.API.STREAM.MSG.GET." + kv_stream(kDesiredStateBucket),
            "$JS.API.CONSUMER.CREATE." + kv_stream(kDesiredStateBucket),
            "$JS.API.DIRECT.GET." + kv_stream(kDesiredStateBucket),
            kv_subject(kDesiredStateBucket, desired_state_key(own, deployment())),
            command_subject(own, CommandVerb::Ping),
            command_subject(other, CommandVerb::Exec),
            std::string(kDeploymentsApply),
            std::string(kFleetStatus),
            "_INBOX.x"};
}

const Subjects& subscribed_by_nobody() {
    static const Subjects subjects{"$JS.API.>", "fleet-api.v1.>", "_INBOX.>",         "device-commands.>",
                                   ">",         "$KV.>",          "$KV.device-info.>"};
    return subjects;
}

// With a value that the administrator put there: permission to ask is not yet an answer.
Result<void> reads_its_own_key(Fleet& fleet, DeviceClient& client) {
    using namespace contracts;
    for (const int index : {kOwn, kOther}) {
        const std::string key = desired_state_key(fleet.device(index), deployment());
        if (auto put = fleet.bucket(kDesiredStateBucket).put(key, "of " + fleet.device(index).str()); !put)
            return failed(put.error());
    }
    const auto own = nats::direct_get(client.connection(), kDesiredStateBucket,
                                      desired_state_key(fleet.device(kOwn), deployment()), kSignalTimeout);
    if (!own) return failed(own.error());
    if (!*own) return failed("its own key is not there");
    if (auto equal = expect_equal("its own key", (*own)->value, "of " + fleet.device(kOwn).str()); !equal)
        return equal;
    const auto other =
        nats::direct_get(client.connection(), kDesiredStateBucket,
                         desired_state_key(fleet.device(kOther), deployment()), std::chrono::seconds(1));
    return other ? failed("it read the other device's key") : Result<void>();
}

Result<void> connect_own(Fleet& fleet, DeviceClient& client) {
    const auto url = fleet.url();
    if (!url) return plugin::failure(url.error());
    const auto own = fleet.device(kOwn);
    const auto password = fleet.tools().secrets.get(fleet_access::device_secret(own));
    if (!password) return plugin::failure(password.error());
    DeviceClient stranger(fleet.connection());
    if (stranger.connect(*url, fleet.device(kOther), *password))
        return failed("the device's password admits it as another device");
    return client.connect(*url, own, *password);
}

// The operator makes the buckets and is then out of the way: what is published here is none of its business.
Result<void> stop_operator(Fleet& fleet) {
    return fleet.host().stop(kOperatorDaemon);
}

}  // namespace

Result<void> DevicePermissionsScenario::run(Run& run) {
    return on_a_fleet(run, {.devices = 2, .agents = 0}, [](Fleet& fleet) {
        DeviceClient client(fleet.connection());
        const auto own = fleet.device(kOwn);
        const auto other = fleet.device(kOther);
        return fleet.steps(
            {{"the operator has made the buckets", [&] { return stop_operator(fleet); }},
             {"the device is admitted as itself and as nobody else",
              [&] { return connect_own(fleet, client); }},
             {"it publishes on every subject of its own",
              [&] { return each(client, &DeviceClient::may_publish, published_by(own)); }},
             {"it receives on every subject of its own",
              [&] { return each(client, &DeviceClient::may_subscribe, subscribed_by(own)); }},
             {"it reads its own desired state and not the other's",
              [&] { return reads_its_own_key(fleet, client); }},
             {"another device's subjects are refused",
              [&]() -> Result<void> {
                  auto done = each(client, &DeviceClient::may_not_publish, published_by(other));
                  if (!done) return done;
                  return each(client, &DeviceClient::may_not_subscribe, subscribed_by(other));
              }},
             {"JetStream's API, the operator's and everybody's subjects are refused", [&]() -> Result<void> {
                  auto done = each(client, &DeviceClient::may_not_publish, published_by_nobody(own, other));
                  if (!done) return done;
                  return each(client, &DeviceClient::may_not_subscribe, subscribed_by_nobody());
              }}});
    });
}

}  // namespace harmony::fleet_e2e
