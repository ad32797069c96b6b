#include "server_check.hpp"

#include <condition_variable>
#include <cstdio>
#include <deque>
#include <harmony/plugin/json.hpp>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "harmony/contracts/commands.hpp"
#include "harmony/contracts/device_permissions.hpp"
#include "harmony/contracts/kv.hpp"
#include "harmony/fleet_access/nats_access.hpp"
#include "harmony/http/client.hpp"
#include "nats_users.hpp"

namespace harmony::fleet_nats {

namespace nats = runtime::nats;
using plugin::Check;

namespace {

constexpr const char* kArea = "nats";
constexpr const char* kVersionCheck = "nats-server is 2.10 or later";
// Each is a connection of its own; a large fleet is checked by its first devices.
constexpr std::size_t kCheckedDevices = 16;
constexpr std::chrono::milliseconds kAnswerTimeout{3'000};
constexpr std::chrono::milliseconds kReloadTimeout{5'000};
constexpr std::chrono::milliseconds kRetryDelay{50};
constexpr int kFirstMajor = 2;
constexpr int kFirstMinor = 10;

// The server's complaints in its order, which arrive on the connection's own thread.
class Complaints {
 public:
    void add(const Error& error) {
        const std::lock_guard lock(mutex_);
        texts_.push_back(error.text());
        changed_.notify_all();
    }
    std::optional<std::string> next(std::chrono::milliseconds time) {
        std::unique_lock lock(mutex_);
        if (!changed_.wait_for(lock, time, [this] { return !texts_.empty(); })) return std::nullopt;
        std::string text = std::move(texts_.front());
        texts_.pop_front();
        return text;
    }

 private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<std::string> texts_;
};

std::optional<std::string> device_problem(nats::NatsConnection& connection, Complaints& complaints,
                                          const contracts::DeviceId& device) {
    // No real device: asking for what nobody has is as refused as asking for what somebody has.
    const auto other = contracts::DeviceId::parse("verify-" + device.str().substr(0, 200) + "-x");
    if (!other) return other.error().text();
    std::vector<nats::Subscription> held;
    const auto subscribe = [&](const std::string& subject) -> std::optional<std::string> {
        auto subscription = connection.subscribe(subject, [](const nats::Message&) {});
        if (!subscription) return subscription.error().text();
        held.push_back(std::move(*subscription));
        return std::nullopt;
    };
    for (const auto& subject : contracts::device_permissions(device).subscribe) {
        if (auto problem = subscribe(subject)) return problem;
    }
    for (const auto& subject :
         {contracts::kv_subject(contracts::kDesiredStateBucket, contracts::desired_state_filter(*other)),
          contracts::command_subscription(*other), std::string("$JS.API.>")}) {
        if (auto problem = subscribe(subject)) return problem;
        if (auto flushed = connection.flush(kAnswerTimeout); !flushed) return flushed.error().text();
        const auto complaint = complaints.next(kAnswerTimeout);
        if (!complaint) return "admitted to " + subject;
        // The server answers in order, so a complaint about an own subject comes before that about another's.
        if (complaint->find(subject) == std::string::npos) return "refused its own subject: " + *complaint;
    }
    return std::nullopt;
}

}  // namespace

bool is_supported_version(const std::string& version) {
    int major = 0;
    int minor = 0;
    if (std::sscanf(version.c_str(), "%d.%d", &major, &minor) != 2) return false;
    return std::pair(major, minor) >= std::pair(kFirstMajor, kFirstMinor);
}

Check check_version(int monitor_port) {
    Check check{.name = kVersionCheck};
    const auto client = runtime::http::make_http_client(
        runtime::http::Endpoint::tcp("127.0.0.1", static_cast<std::uint16_t>(monitor_port)));
    runtime::http::RequestLimits limits;
    limits.deadline = kAnswerTimeout;
    const auto answer = client->request({.target = "/varz"}, limits);
    if (!answer) {
        check.detail = answer.error().text();
        return check;
    }
    const auto document = plugin::Json::parse(answer->body);
    return version_check(document ? (*document)["version"].string_or("") : "");
}

Check version_check(const std::string& version) {
    Check check{.name = kVersionCheck, .ok = is_supported_version(version)};
    check.detail = check.ok ? version
                            : "found \"" + version +
                                  "\"; install nats-server 2.10 or later, such as Debian 13's package";
    return check;
}

Check check_jetstream(const std::string& url, const std::string& password) {
    Check check{.name = "JetStream answers"};
    auto connection = fleet_access::connect(url, {std::string(contracts::kAdminUser), password}, {}, kArea);
    if (!connection) {
        check.detail = connection.error().summary;
        return check;
    }
    nats::Message question;
    question.subject = "$JS.API.INFO";
    const auto answer = (*connection)->request(question, kAnswerTimeout);
    if (!answer) {
        check.detail = answer.error().text();
        return check;
    }
    const auto document = plugin::Json::parse(answer->payload);
    check.ok = document && document->is_object() && document->find("error") == nullptr;
    if (!check.ok) check.detail = answer->payload;
    return check;
}

Check check_device(plugin::Call& call, const std::string& url, const contracts::DeviceId& device,
                   const std::string& password) {
    Check check{.name = device.str() + " reaches its own subjects and no others"};
    auto complaints = std::make_shared<Complaints>();
    nats::ConnectionEvents events;
    events.on_error = [complaints](const Error& error) { complaints->add(error); };
    const auto until = std::chrono::steady_clock::now() + kReloadTimeout;
    const nats::Credentials credentials{contracts::device_user(device), password};
    auto connection =
        fleet_access::connect(url, credentials, contracts::device_inbox_prefix(device), kArea, events);
    while (!connection && std::chrono::steady_clock::now() < until && call.wait(kRetryDelay)) {
        connection =
            fleet_access::connect(url, credentials, contracts::device_inbox_prefix(device), kArea, events);
    }
    if (!connection) {
        check.detail = connection.error().summary;
        return check;
    }
    const auto problem = device_problem(**connection, *complaints, device);
    check.ok = !problem;
    if (problem) check.detail = *problem;
    return check;
}

plugin::Result<std::vector<Check>> check_users(plugin::Call& call, plugin::SecretStore& store,
                                               const std::string& url, const NatsParameters& parameters,
                                               std::vector<Check> checks) {
    const auto admin = store.get(std::string(fleet_access::kAdminSecret));
    if (!admin) return plugin::failure(admin.error());
    checks.push_back(check_jetstream(url, *admin));
    std::size_t count = 0;
    for (const auto& text : parameters.devices) {
        if (count++ == kCheckedDevices) break;
        if (call.cancelled()) return plugin::cancelled_failure();
        const auto device = device_id(text);
        const auto password = store.get(fleet_access::device_secret(device));
        if (!password) return plugin::failure(password.error());
        checks.push_back(check_device(call, url, device, *password));
    }
    return checks;
}

}  // namespace harmony::fleet_nats
