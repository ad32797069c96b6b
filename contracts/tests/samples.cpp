#include "samples.hpp"

#include <catch2/catch.hpp>
#include <fstream>
#include <iterator>

#include "harmony/contracts/commands.hpp"
#include "harmony/contracts/deployment_state.hpp"
#include "harmony/contracts/device_info.hpp"
#include "harmony/contracts/fleet_api.hpp"
#include "harmony/contracts/heartbeat.hpp"
#include "harmony/contracts/label_selector.hpp"

namespace harmony::contracts::testing {

namespace {

template <class Document>
Sample sample(std::string type, std::string name, const Document& document) {
    const auto reencode = [](std::string_view json) -> Result<std::string> {
        auto decoded = Document::decode(json);
        if (!decoded) return fail(decoded.error());
        return decoded->encode();
    };
    return {std::move(type), std::move(name), document.encode(), reencode};
}

Inventory inventory_sample() {
    return {"edge-01",
            "aarch64",
            "Debian GNU/Linux 12 (bookworm)",
            "6.1.0-28-arm64",
            4,
            4'294'967'296,
            31'268'536'320,
            "podman",
            "4.3.1",
            {"192.0.2.17", "2001:db8::17"}};
}

LabelSelector selector_sample() {
    return {{{"site", "lyon"}},
            {{"role", SelectorOperator::In, {"gateway", "sensor"}},
             {"ring", SelectorOperator::NotIn, {"canary"}},
             {"fleet.nationtech.io/gpu", SelectorOperator::Exists, {}},
             {"retired", SelectorOperator::DoesNotExist, {}}}};
}

DeploymentState state_sample() {
    return {deployment("web"),
            Phase::Failed,
            time("2025-03-01T12:00:00.000123Z"),
            "web: image registry.example/web:2 was not found",
            "00112233445566ff",
            {{"device-edge-01-web-app", "4f0c", "registry.example/web:2"}}};
}

std::vector<Condition> conditions_sample() {
    return {{"Ready", ConditionStatus::False, "DevicesFailed", "1 of 3 devices failed",
             time("2025-03-01T12:00:01.000000Z")}};
}

void add_device_documents(std::vector<Sample>& out) {
    DeviceInfo info{device("edge-01"),
                    {{"site", "lyon"}},
                    inventory_sample(),
                    "0.1.0",
                    time("2025-03-01T11:59:00.000000Z")};
    out.push_back(sample("device_info", "full", info));
    info.inventory.reset();
    info.labels.clear();
    out.push_back(sample("device_info", "minimal", info));
    out.push_back(sample("deployment_state", "full", state_sample()));
    auto state = state_sample();
    state.phase = Phase::Pending;
    state.last_error.reset();
    state.containers.clear();
    out.push_back(sample("deployment_state", "minimal", state));
    out.push_back(sample("heartbeat", "full", Heartbeat{"0.1.0", 1'740'830'400, "00112233445566ff"}));
    out.push_back(sample("score", "full", podman_sample().to_score()));
    out.push_back(sample("desired_index", "full", DesiredIndex{{deployment("database"), deployment("web")}}));
    out.push_back(sample("desired_index", "minimal", DesiredIndex{}));
    out.push_back(sample("podman_v0", "full", podman_sample()));
    PodmanV0 smallest;
    smallest.services = {PodmanService{"app", "nginx", {}, {}, {}, {}, RestartPolicy::Always}};
    out.push_back(sample("podman_v0", "minimal", smallest));
}

void add_command_documents(std::vector<Sample>& out) {
    out.push_back(sample("ping_reply", "full", PingReply{device("edge-01"), "0.1.0", 3600}));
    out.push_back(sample("logs_request", "full",
                         LogsRequest{deployment("web"), "app", 50, true, time("2025-03-01T12:00:00.000000Z"),
                                     FollowLease::Renew}));
    LogsRequest all;
    all.deployment = deployment("web");
    out.push_back(sample("logs_request", "minimal", all));
    LogsReply lines{"web-app", time("2025-03-01T12:00:00.000000Z"), {"first", "s\u00e9cond"}, true};
    out.push_back(sample("logs_reply", "minimal", lines));
    lines.service = "app";
    lines.sequence = 7;
    lines.lost_lines = 3;
    lines.event = LogsEvent::Resumed;
    lines.end = LogsEnd::LeaseExpired;
    out.push_back(sample("logs_reply", "full", lines));
    out.push_back(sample("exec_request", "full", ExecRequest{deployment("web"), "app", {"ls", "-l"}}));
    out.push_back(sample("exec_request", "host", ExecRequest{std::nullopt, std::nullopt, {"uptime"}, true}));
    out.push_back(sample("exec_reply", "full", ExecReply{2, "out\n", "err\n", false}));
    out.push_back(sample("error", "full", RemoteError{RemoteErrorKind::NotFound, "no such deployment"}));
}

void add_api_documents(std::vector<Sample>& out) {
    out.push_back(sample("label_selector", "full", selector_sample()));
    out.push_back(sample("label_selector", "minimal", LabelSelector{}));
    const auto full = deployment_sample();
    out.push_back(sample("deployment", "full", full));
    Deployment smallest;
    smallest.metadata.name = "web";
    smallest.spec.score = full.spec.score;
    out.push_back(sample("deployment", "minimal", smallest));
    out.push_back(sample("device", "full", device_sample()));
    Device known;
    known.metadata.name = "edge-02";
    out.push_back(sample("device", "minimal", known));
    out.push_back(sample("fleet_api_apply_request", "full", ApplyRequest{smallest, true}));
    out.push_back(sample("fleet_api_apply_reply", "full", ApplyReply{ApplyChange::Created, smallest}));
    out.push_back(sample("fleet_api_name_request", "full", NameRequest{"web"}));
    out.push_back(sample("fleet_api_deployment_reply", "full", DeploymentReply{smallest}));
    out.push_back(sample("fleet_api_delete_reply", "full", DeleteReply{"web", true}));
    out.push_back(sample("fleet_api_device_reply", "full", DeviceReply{known, {state_sample()}}));
    out.push_back(sample("fleet_api_list_request", "full", ListRequest{20, "web"}));
    out.push_back(sample("fleet_api_deployment_list", "full", DeploymentList{{smallest}, "web"}));
    out.push_back(sample("fleet_api_device_list", "full", DeviceList{{known}, "edge-02"}));
    out.push_back(sample("fleet_api_device_list", "minimal", DeviceList{}));
    out.push_back(
        sample("fleet_api_status_reply", "full",
               FleetStatusReply{"0.1.0",
                                "fleet-system",
                                false,
                                "no broker",
                                12,
                                3,
                                2,
                                1,
                                1,
                                {{"device-info", "info.edge-03", "labels: missing, expected an object"}}}));
}

}  // namespace

DeviceId device(std::string_view id) {
    return DeviceId::parse(id).value();
}
DeploymentName deployment(std::string_view name) {
    return DeploymentName::parse(name).value();
}
Timestamp time(std::string_view text) {
    return Timestamp::parse(text).value();
}

PodmanV0 podman_sample() {
    PodmanV0 score;
    score.services = {PodmanService{
        "app",
        "registry.example:5000/team/web:1.2",
        {"--port", "80"},
        {{"MODE", "production"}},
        {PortMapping{"", 8080, 80, PortProtocol::Tcp}, PortMapping{"127.0.0.1", 5353, 53, PortProtocol::Udp}},
        {VolumeMount{"/srv/web", "/data", true}},
        RestartPolicy::OnFailure}};
    score.init_containers = {PodmanInitContainer{"migrate",
                                                 "registry.example:5000/team/web:1.2",
                                                 {"migrate"},
                                                 {{"MODE", "production"}},
                                                 {VolumeMount{"/srv/web", "/data", false}},
                                                 std::chrono::seconds{60}}};
    score.lifecycle = {"SIGINT", std::chrono::seconds{10}};
    return score;
}

Deployment deployment_sample() {
    Deployment result;
    result.metadata = {"web",
                       "fleet-system",
                       "6a1f",
                       {{"team", "edge"}},
                       {{"example.com/note", "by hand"}},
                       3,
                       "17",
                       time("2025-03-01T10:00:00.000000Z"),
                       time("2025-03-02T10:00:00.000000Z"),
                       {std::string(kFinalizer)}};
    result.spec = {selector_sample(), podman_sample().to_score(),
                   Rolling{{25, true}, std::chrono::seconds{10}, {2, false}}, true};
    auto& status = result.status.emplace();
    status.observed_generation = 3;
    status.aggregate.matched_device_count = 3;
    status.aggregate.succeeded = 1;
    status.aggregate.failed = 1;
    status.aggregate.pending = 1;
    status.aggregate.last_error =
        AggregateError{"edge-01", "image not found", time("2025-03-01T12:00:00.000000Z")};
    status.rollout = RolloutStatus{2, 1};
    status.failures = {*status.aggregate.last_error};
    status.conditions = conditions_sample();
    return result;
}

Device device_sample() {
    Device result;
    result.metadata.name = "edge-01";
    result.metadata.uid = "6a20";
    result.metadata.labels = {{"site", "lyon"}};
    result.metadata.annotations = {{"example.com/note", "by hand"}};
    result.metadata.generation = 1;
    result.metadata.resource_version = "18";
    result.metadata.creation_timestamp = time("2025-03-01T10:00:00.000000Z");
    result.metadata.deletion_timestamp = time("2025-03-02T10:00:00.000000Z");
    result.metadata.finalizers = {std::string(kFinalizer)};
    result.inventory = inventory_sample();
    result.status = DeviceStatus{true, time("2025-03-01T12:00:00.000000Z"), "0.1.0", conditions_sample()};
    return result;
}

std::vector<Sample> samples() {
    std::vector<Sample> result;
    add_device_documents(result);
    add_command_documents(result);
    add_api_documents(result);
    return result;
}

std::string read_contract_file(const std::string& relative_path) {
    const auto path = std::string(HARMONY_SOURCE_DIR) + "/contracts/" + relative_path;
    std::ifstream stream(path, std::ios::binary);
    INFO(path);
    REQUIRE(stream.good());
    std::string bytes{std::istreambuf_iterator<char>(stream), {}};
    while (!bytes.empty() && bytes.back() == '\n')
        bytes.pop_back();
    return bytes;
}

}  // namespace harmony::contracts::testing
