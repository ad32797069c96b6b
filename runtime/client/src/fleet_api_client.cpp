#include "harmony/fleet_client/fleet_api_client.hpp"

#include <algorithm>
#include <thread>
#include <utility>

namespace harmony::runtime::fleet_client {

namespace {

using std::chrono::milliseconds;

constexpr milliseconds kFirstPause{20};
constexpr milliseconds kLongestPause{500};

// The attempts at one request until its deadline.
class Attempts {
 public:
    explicit Attempts(milliseconds deadline) : end_(Clock::now() + deadline) {}

    [[nodiscard]] milliseconds left() const {
        return std::max(std::chrono::duration_cast<milliseconds>(end_ - Clock::now()), milliseconds(1));
    }
    // After a pause; false when the deadline comes before its end.
    bool again() {
        if (Clock::now() + pause_ >= end_) return false;
        std::this_thread::sleep_for(pause_);
        pause_ = std::min(2 * pause_, kLongestPause);
        return true;
    }

 private:
    using Clock = std::chrono::steady_clock;

    Clock::time_point end_;
    milliseconds pause_ = kFirstPause;
};

}  // namespace

template <class Reply>
Result<Reply> FleetApiClient::call(std::string_view subject, std::string payload) {
    nats::Message request;
    request.subject = subject;
    request.payload = std::move(payload);
    Attempts attempts(deadline_);
    while (true) {
        const auto answer = connection_.request(request, attempts.left());
        if (!answer) {
            if (answer.error().kind() == ErrorKind::NotFound) {
                return fail(ErrorKind::Unavailable,
                            request.subject + ": no operator listens on this NATS server");
            }
            return fail(answer.error().wrap(request.subject));
        }
        const auto refused = contracts::find_remote_error(answer->payload);
        if (refused && *refused) {
            const bool later = (*refused)->kind == contracts::RemoteErrorKind::RuntimeUnavailable;
            if (later && attempts.again()) continue;
            return fail((*refused)->to_error());
        }
        auto reply = Reply::decode(answer->payload);
        if (!reply) {
            return fail(ErrorKind::Corrupt,
                        request.subject + ": the reply breaks the contract: " + reply.error().text());
        }
        return reply;
    }
}

Result<contracts::ApplyReply> FleetApiClient::apply(const contracts::Deployment& deployment, bool dry_run) {
    return call<contracts::ApplyReply>(contracts::kDeploymentsApply,
                                       contracts::ApplyRequest{deployment, dry_run}.encode());
}

Result<contracts::Deployment> FleetApiClient::deployment(const std::string& name) {
    auto reply =
        call<contracts::DeploymentReply>(contracts::kDeploymentsGet, contracts::NameRequest{name}.encode());
    if (!reply) return fail(reply.error());
    return std::move(reply->deployment);
}

Result<contracts::DeploymentList> FleetApiClient::deployments(const contracts::ListRequest& page) {
    return call<contracts::DeploymentList>(contracts::kDeploymentsList, page.encode());
}

Result<contracts::DeleteReply> FleetApiClient::delete_deployment(const std::string& name) {
    return call<contracts::DeleteReply>(contracts::kDeploymentsDelete, contracts::NameRequest{name}.encode());
}

Result<contracts::DeviceList> FleetApiClient::devices(const contracts::ListRequest& page) {
    return call<contracts::DeviceList>(contracts::kDevicesList, page.encode());
}

Result<contracts::DeviceReply> FleetApiClient::device(const std::string& id) {
    return call<contracts::DeviceReply>(contracts::kDevicesGet, contracts::NameRequest{id}.encode());
}

Result<contracts::DeleteReply> FleetApiClient::delete_device(const std::string& id) {
    return call<contracts::DeleteReply>(contracts::kDevicesDelete, contracts::NameRequest{id}.encode());
}

Result<contracts::FleetStatusReply> FleetApiClient::status() {
    return call<contracts::FleetStatusReply>(contracts::kFleetStatus, "{}");
}

namespace {

template <class Item, class List>
Result<std::vector<Item>> every_page(const List& list) {
    std::vector<Item> all;
    contracts::ListRequest page;
    page.limit = contracts::kListMaxLimit;
    do {
        auto reply = list(page);
        if (!reply) return fail(reply.error());
        for (Item& item : reply->items)
            all.push_back(std::move(item));
        page.continue_token = reply->continue_token;
    } while (page.continue_token);
    return all;
}

}  // namespace

Result<std::vector<contracts::Deployment>> FleetApiClient::all_deployments() {
    return every_page<contracts::Deployment>(
        [this](const contracts::ListRequest& page) { return deployments(page); });
}

Result<std::vector<contracts::Device>> FleetApiClient::all_devices() {
    return every_page<contracts::Device>(
        [this](const contracts::ListRequest& page) { return devices(page); });
}

}  // namespace harmony::runtime::fleet_client
