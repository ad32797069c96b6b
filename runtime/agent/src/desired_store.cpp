#include "harmony/agent/desired_store.hpp"

#include <nlohmann/json.hpp>

#include "harmony/contracts/canonical_json.hpp"

namespace harmony::agent {

namespace {

using Json = nlohmann::json;

// All that a device may hold, each byte escaped.
constexpr std::size_t kMaxFileBytes =
    2 * contracts::kMaxDeploymentsPerDevice * contracts::kMaxDesiredStateBytes;

}  // namespace

std::string digest_of(const HeldDesired& held) {
    contracts::DesiredHashes hashes;
    for (const auto& [deployment, value] : held)
        hashes.emplace(deployment, contracts::value_hash(value));
    return contracts::desired_digest(hashes);
}

DesiredStore::DesiredStore(std::string path, contracts::DeviceId device, runtime::daemon::Disk& disk)
    : path_(std::move(path)), device_(std::move(device)), disk_(disk) {}

Result<std::optional<HeldDesired>> DesiredStore::load() const {
    const auto text = disk_.read(path_, kMaxFileBytes);
    if (!text && text.error().kind() == ErrorKind::NotFound) return std::optional<HeldDesired>{};
    if (!text && text.error().kind() == ErrorKind::InvalidInput)
        return fail(ErrorKind::Corrupt, text.error().text());
    if (!text) return fail(text.error());
    const Json document = Json::parse(*text, nullptr, false);
    const auto corrupt = [&](const std::string& what) {
        return fail(ErrorKind::Corrupt, path_ + ": " + what);
    };
    if (!document.is_object()) return corrupt("expected a JSON object");
    const auto device = document.find("device_id");
    if (device == document.end() || *device != device_.str())
        return corrupt("device_id: expected " + device_.str());
    const auto deployments = document.find("deployments");
    if (deployments == document.end() || !deployments->is_object())
        return corrupt("deployments: expected an object");
    HeldDesired held;
    for (const auto& [name, value] : deployments->items()) {
        auto deployment = contracts::DeploymentName::parse(name);
        if (!deployment) return corrupt(deployment.error().message());
        if (!value.is_string()) return corrupt("deployments." + name + ": expected a text");
        held.emplace(*std::move(deployment), value.get<std::string>());
    }
    return std::optional<HeldDesired>(std::move(held));
}

Result<void> DesiredStore::save(const HeldDesired& held) const {
    Json deployments = Json::object();
    for (const auto& [deployment, value] : held)
        deployments[deployment.str()] = value;
    const Json document{{"device_id", device_.str()}, {"deployments", std::move(deployments)}};
    return disk_.write_durably(path_, document.dump(-1, ' ', false, Json::error_handler_t::replace));
}

}  // namespace harmony::agent
