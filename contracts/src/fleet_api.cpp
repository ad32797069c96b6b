#include "harmony/contracts/fleet_api.hpp"

#include "codecs.hpp"

namespace harmony::contracts {

namespace {

constexpr EnumNames<FleetApiMethod, 8> kSubjects{{{FleetApiMethod::DeploymentsApply, kDeploymentsApply},
                                                  {FleetApiMethod::DeploymentsGet, kDeploymentsGet},
                                                  {FleetApiMethod::DeploymentsList, kDeploymentsList},
                                                  {FleetApiMethod::DeploymentsDelete, kDeploymentsDelete},
                                                  {FleetApiMethod::DevicesList, kDevicesList},
                                                  {FleetApiMethod::DevicesGet, kDevicesGet},
                                                  {FleetApiMethod::DevicesDelete, kDevicesDelete},
                                                  {FleetApiMethod::Status, kFleetStatus}}};

constexpr EnumNames<ApplyChange, 3> kChanges{{{ApplyChange::Created, "Created"},
                                              {ApplyChange::Configured, "Configured"},
                                              {ApplyChange::Unchanged, "Unchanged"}}};

constexpr std::size_t kMaxSmallRequestBytes = 4096;

void read_item(const Field& field, Deployment& out) {
    read_deployment(field, out);
}
void read_item(const Field& field, Device& out) {
    read_device(field, out);
}
Json write_item(const Deployment& item) {
    return write_deployment(item);
}
Json write_item(const Device& item) {
    return write_device(item);
}

void read_list_request(const Field& root, ListRequest& out) {
    root.optional("limit").integer(out.limit, INT64_MIN, INT64_MAX);
    out.limit = std::clamp<std::int64_t>(out.limit, 1, kListMaxLimit);
    root.optional("continue").text(out.continue_token, 1, kMaxContinueBytes);
}

void read_status_reply(const Field& root, FleetStatusReply& out) {
    root.required("operator_version").text(out.operator_version, 1, kMaxAgentVersionBytes);
    root.required("namespace").text(out.name_space, 0, kMaxNameBytes);
    root.required("ready").boolean(out.ready);
    root.required("message").text(out.message, 0, kMaxErrorMessageBytes);
    root.required("uptime_s").integer(out.uptime_s, 0, INT64_MAX);
    root.required("devices").integer(out.devices, 0, INT64_MAX);
    root.required("devices_online").integer(out.devices_online, 0, INT64_MAX);
    root.required("deployments").integer(out.deployments, 0, INT64_MAX);
    root.optional("ignored_count").integer(out.ignored_count, 0, INT64_MAX);
    root.optional("ignored_entries").items(kMaxIgnoredEntries, [&](const Field& entry) {
        if (!entry.object()) return;
        auto& ignored = out.ignored_entries.emplace_back();
        entry.required("bucket").text(ignored.bucket, 1, kMaxNameBytes);
        entry.required("key").text(ignored.key, 0, kMaxErrorMessageBytes);
        entry.required("message").text(ignored.message, 0, kMaxErrorMessageBytes);
    });
}

}  // namespace

std::string_view fleet_api_subject(FleetApiMethod method) {
    return name_of(kSubjects, method);
}

Result<FleetApiMethod> parse_fleet_api_subject(std::string_view subject) {
    for (const auto& [method, name] : kSubjects) {
        if (name == subject) return method;
    }
    const bool below = subject.starts_with(std::string(kFleetApiPrefix) + ".");
    return fail(
        below ? ErrorKind::NotFound : ErrorKind::InvalidInput,
        "subject: found " + in_quotes(subject) + ", expected a method of " + std::string(kFleetApiPrefix));
}

std::string_view to_string(ApplyChange change) {
    return name_of(kChanges, change);
}

Result<ApplyRequest> ApplyRequest::decode(std::string_view json) {
    return decode_document<ApplyRequest>(json, kMaxDocumentBytes, [](const Field& root, ApplyRequest& out) {
        read_deployment(root.required("deployment"), out.deployment);
        root.optional("dry_run").boolean(out.dry_run);
    });
}

std::string ApplyRequest::encode() const {
    return dump_canonical(Json{{"deployment", write_deployment(deployment)}, {"dry_run", dry_run}});
}

Result<ApplyReply> ApplyReply::decode(std::string_view json) {
    return decode_reply<ApplyReply>(json, [](const Field& root, ApplyReply& out) {
        root.required("change").enumeration(out.change, kChanges);
        read_deployment(root.required("deployment"), out.deployment);
    });
}

std::string ApplyReply::encode() const {
    return dump_canonical(Json{{"change", to_string(change)}, {"deployment", write_deployment(deployment)}});
}

Result<NameRequest> NameRequest::decode(std::string_view json) {
    return decode_document<NameRequest>(json, kMaxSmallRequestBytes, [](const Field& root, NameRequest& out) {
        DeploymentName checked;
        root.required("name").name(checked);
        out.name = checked.str();
    });
}

std::string NameRequest::encode() const {
    return dump_canonical(Json{{"name", name}});
}

Result<DeploymentReply> DeploymentReply::decode(std::string_view json) {
    return decode_reply<DeploymentReply>(json, [](const Field& root, DeploymentReply& out) {
        read_deployment(root.required("deployment"), out.deployment);
    });
}

std::string DeploymentReply::encode() const {
    return dump_canonical(Json{{"deployment", write_deployment(deployment)}});
}

Result<DeleteReply> DeleteReply::decode(std::string_view json) {
    return decode_reply<DeleteReply>(json, [](const Field& root, DeleteReply& out) {
        root.required("name").text(out.name, 1, kMaxNameBytes);
        root.required("pending").boolean(out.pending);
    });
}

std::string DeleteReply::encode() const {
    return dump_canonical(Json{{"name", name}, {"pending", pending}});
}

Result<DeviceReply> DeviceReply::decode(std::string_view json) {
    return decode_reply<DeviceReply>(json, [](const Field& root, DeviceReply& out) {
        read_device(root.required("device"), out.device);
        root.required("deployments").items(kMaxDeploymentsPerDevice, [&](const Field& entry) {
            read_deployment_state(entry, out.deployments.emplace_back());
        });
    });
}

std::string DeviceReply::encode() const {
    Json states = Json::array();
    for (const auto& state : deployments)
        states.push_back(write_deployment_state(state));
    return dump_canonical(Json{{"device", write_device(device)}, {"deployments", std::move(states)}});
}

Result<ListRequest> ListRequest::decode(std::string_view json) {
    if (json.empty()) return ListRequest{};
    return decode_document<ListRequest>(json, kMaxSmallRequestBytes, read_list_request);
}

std::string ListRequest::encode() const {
    Json result{{"limit", std::clamp<std::int64_t>(limit, 1, kListMaxLimit)}};
    if (continue_token) result["continue"] = *continue_token;
    return dump_canonical(result);
}

template <class Item>
Result<ListReply<Item>> ListReply<Item>::decode(std::string_view json) {
    return decode_reply<ListReply>(json, [](const Field& root, ListReply& out) {
        root.required("items").items(static_cast<std::size_t>(kListMaxLimit),
                                     [&](const Field& entry) { read_item(entry, out.items.emplace_back()); });
        root.optional("continue").text(out.continue_token, 1, kMaxContinueBytes);
    });
}

template <class Item>
std::string ListReply<Item>::encode() const {
    Json result{{"continue", nullptr}, {"items", Json::array()}};
    if (continue_token) result["continue"] = *continue_token;
    for (const auto& item : items)
        result["items"].push_back(write_item(item));
    return dump_canonical(result);
}

template struct ListReply<Deployment>;
template struct ListReply<Device>;

ListReplyBuilder::ListReplyBuilder(std::int64_t limit, std::size_t max_bytes)
    : room_(std::clamp<std::int64_t>(limit, 1, kListMaxLimit)), max_bytes_(max_bytes) {}

bool ListReplyBuilder::add(std::string_view encoded_item) {
    // The envelope with the longest token, each of its bytes escaped.
    constexpr std::size_t kEnvelopeBytes = 64 + 6 * kMaxContinueBytes;
    if (room_ == 0) return false;
    if (!items_.empty()) {
        if (items_.size() + 1 + encoded_item.size() + kEnvelopeBytes > max_bytes_) return false;
        items_ += ',';
    }
    items_ += encoded_item;
    --room_;
    return true;
}

std::string ListReplyBuilder::finish(const std::optional<std::string>& continue_token) const {
    const auto token = continue_token ? dump_canonical(Json(*continue_token)) : std::string("null");
    return R"({"continue":)" + token + R"(,"items":[)" + items_ + "]}";
}

Result<FleetStatusReply> FleetStatusReply::decode(std::string_view json) {
    return decode_reply<FleetStatusReply>(json, read_status_reply);
}

std::string FleetStatusReply::encode() const {
    Json ignored = Json::array();
    for (const auto& entry : ignored_entries) {
        ignored.push_back({{"bucket", entry.bucket},
                           {"key", shortened(entry.key, kMaxErrorMessageBytes)},
                           {"message", shortened(entry.message, kMaxErrorMessageBytes)}});
    }
    return dump_canonical(Json{{"operator_version", operator_version},
                               {"namespace", name_space},
                               {"ready", ready},
                               {"message", shortened(message, kMaxErrorMessageBytes)},
                               {"uptime_s", uptime_s},
                               {"devices", devices},
                               {"devices_online", devices_online},
                               {"deployments", deployments},
                               {"ignored_count", ignored_count},
                               {"ignored_entries", std::move(ignored)}});
}

}  // namespace harmony::contracts
