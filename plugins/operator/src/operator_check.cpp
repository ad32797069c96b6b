#include "operator_check.hpp"

#include "harmony/fleet_client/fleet_api_client.hpp"
#include "release_tag.hpp"

namespace harmony::fleet_operator {

namespace {

constexpr std::chrono::milliseconds kStatusDeadline{5'000};

}  // namespace

plugin::Check check_api(runtime::nats::NatsConnection& connection, const OperatorParameters& parameters) {
    plugin::Check check{.name = "the operator answers through NATS"};
    runtime::fleet_client::FleetApiClient api(connection, kStatusDeadline);
    const auto status = api.status();
    if (!status) {
        check.detail = status.error().text();
    } else if (status->name_space != parameters.name_space) {
        check.detail = "the operator that answers serves the namespace " + status->name_space +
                       ", expected " + parameters.name_space;
    } else if (parameters.from_tag && version_of_tag(*parameters.from_tag) != status->operator_version) {
        check.detail = "version " + status->operator_version + " answers, expected " + *parameters.from_tag;
    } else {
        check.ok = status->ready;
        check.detail = status->ready ? "version " + status->operator_version : status->message;
    }
    return check;
}

}  // namespace harmony::fleet_operator
