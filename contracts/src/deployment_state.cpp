#include "harmony/contracts/deployment_state.hpp"

#include "codecs.hpp"
#include "harmony/contracts/podman_v0.hpp"

namespace harmony::contracts {

namespace {

constexpr EnumNames<Phase, 3> kPhases{
    {{Phase::Pending, "Pending"}, {Phase::Running, "Running"}, {Phase::Failed, "Failed"}}};

// A container's name joins a device, a deployment and a service; its id is hexadecimal.
constexpr std::size_t kMaxContainerNameBytes = 1024;

void read_container(const Field& field, ContainerState& out) {
    if (!field.object()) return;
    field.required("name").text(out.name, 1, kMaxContainerNameBytes);
    field.required("id").text(out.id, 0, kMaxContainerNameBytes);
    field.required("image").text(out.image, 0, kMaxImageBytes);
}

}  // namespace

std::string_view to_string(Phase phase) {
    return name_of(kPhases, phase);
}

void read_deployment_state(const Field& field, DeploymentState& out) {
    if (!field.object()) return;
    field.required("deployment").name(out.deployment);
    field.required("phase").enumeration(out.phase, kPhases);
    field.required("last_event_at").timestamp(out.last_event_at);
    field.optional("last_error").text(out.last_error, 0, kMaxLastErrorBytes);
    field.required("score_hash").hash(out.score_hash);
    field.required("containers").items(kMaxStateContainers, [&](const Field& entry) {
        read_container(entry, out.containers.emplace_back());
    });
}

Json write_deployment_state(const DeploymentState& state) {
    Json result{{"deployment", state.deployment.str()},
                {"phase", to_string(state.phase)},
                {"last_event_at", state.last_event_at.format()},
                {"last_error", nullptr},
                {"score_hash", state.score_hash},
                {"containers", Json::array()}};
    if (state.last_error) result["last_error"] = shortened(*state.last_error, kMaxLastErrorBytes);
    for (const auto& container : state.containers) {
        result["containers"].push_back(
            {{"name", container.name}, {"id", container.id}, {"image", container.image}});
    }
    return result;
}

Result<DeploymentState> DeploymentState::decode(std::string_view json) {
    return decode_document<DeploymentState>(json, kMaxDeploymentStateBytes, read_deployment_state);
}

std::string DeploymentState::encode() const {
    return dump_canonical(write_deployment_state(*this));
}

}  // namespace harmony::contracts
