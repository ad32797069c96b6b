#include "harmony/fleet_access/nats_access.hpp"

#include <algorithm>
#include <utility>

#include "harmony/contracts/device_permissions.hpp"
#include "harmony/fleet_access/diagnostics.hpp"

namespace harmony::fleet_access {

using plugin::Diagnostic;
using plugin::failure;

namespace {

constexpr std::chrono::milliseconds kConnectTimeout{2'000};

tl::unexpected<Diagnostic> wrong_setup(std::string code, std::string summary, std::string hint) {
    return failure(Diagnostic{.code = std::move(code),
                              .summary = std::move(summary),
                              .hint = std::move(hint),
                              .status = HP_E_INVALID});
}

}  // namespace

std::string device_secret(const contracts::DeviceId& device) {
    return std::string(kDeviceSecretPrefix) + device.str();
}

NatsInputs::NatsInputs(plugin::ServiceDirectory& services, plugin::SecretStore& secrets,
                       std::string given_url, const std::vector<std::string>& pending, std::string area)
    : services_(services),
      secrets_(secrets),
      given_url_(std::move(given_url)),
      deferred_(std::find(pending.begin(), pending.end(), kNatsScore) != pending.end()),
      area_(std::move(area)) {}

plugin::Result<std::string> NatsInputs::url() {
    if (!given_url_.empty()) return given_url_;
    const auto endpoint = services_.resolve(std::string(kNatsDaemon), std::string(kNatsClientPort));
    if (endpoint) return "nats://" + endpoint->host + ":" + std::to_string(endpoint->port);
    if (endpoint.error().code != plugin::ServiceDirectory::kNotFound) return failure(endpoint.error());
    return url_when_missing();
}

plugin::Result<std::string> NatsInputs::url_when_missing() const {
    if (deferred_) return "nats://" + std::string(kKnownLater);
    return wrong_setup(area_ + ".nats-not-found", "this context has no NATS server",
                       "apply FleetNatsScore first or with it, or give nats_url");
}

plugin::Result<std::string> NatsInputs::secret(const std::string& name, const std::string& hint) {
    auto value = secrets_.get(name);
    if (value || value.error().code != plugin::SecretStore::kNotFound) return value;
    if (deferred_) return std::string(kKnownLater);
    return wrong_setup(area_ + ".credentials-missing", "this context has no secret " + name, hint);
}

plugin::Result<std::unique_ptr<runtime::nats::NatsConnection>> connect(
    const std::string& url, runtime::nats::Credentials credentials, std::string inbox_prefix,
    const std::string& area, runtime::nats::ConnectionEvents events) {
    const std::string user = credentials.user;
    runtime::nats::ConnectionOptions options;
    options.urls = {url};
    options.credentials = std::move(credentials);
    options.name = "harmony";
    options.inbox_prefix = std::move(inbox_prefix);
    options.connect_timeout = kConnectTimeout;
    options.retry_first_connect = false;
    auto connection = runtime::nats::make_nats_connection(std::move(options));
    if (auto started = connection->start(std::move(events)); !started) {
        return failure(diagnostic_of(started.error().wrap("NATS at " + url + " as " + user), area));
    }
    return connection;
}

plugin::Result<std::unique_ptr<runtime::nats::NatsConnection>> connect_as_admin(
    plugin::ServiceDirectory& services, plugin::SecretStore& secrets, const std::string& given_url,
    const std::string& area) {
    NatsInputs inputs(services, secrets, given_url, {}, area);
    auto url = inputs.url();
    if (!url) {
        url.error().status = HP_E_FAILED;
        url.error().hint = "apply FleetNatsScore first";
        return failure(std::move(url.error()));
    }
    auto password =
        inputs.secret(std::string(kAdminSecret), "apply FleetNatsScore: it makes the credentials");
    if (!password) {
        password.error().status = HP_E_FAILED;
        return failure(std::move(password.error()));
    }
    return connect(*url, {std::string(contracts::kAdminUser), std::move(*password)}, {}, area);
}

}  // namespace harmony::fleet_access
