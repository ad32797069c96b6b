#include "harmony/kubernetes_manifests/pod.hpp"

#include "members.hpp"

namespace harmony::kubernetes_manifests {
namespace {

Json to_json(const ContainerPort& port) {
    return {{"name", port.name}, {"containerPort", port.port}, {"protocol", name_of(port.protocol)}};
}

Json to_json(const EnvironmentVariable& variable) {
    Json object{{"name", variable.name}};
    if (const auto* text = std::get_if<std::string>(&variable.value)) object["value"] = *text;
    if (const auto* field = std::get_if<FieldRef>(&variable.value))
        object["valueFrom"] = {{"fieldRef", {{"fieldPath", field->path}}}};
    return object;
}

Json to_json(const VolumeMount& mount) {
    Json object{{"name", mount.volume}, {"mountPath", mount.path}};
    if (mount.read_only) object["readOnly"] = true;
    return object;
}

Json to_json(const HttpProbe& probe) {
    Json object{{"httpGet", {{"path", probe.path}, {"port", probe.port}}},
                {"periodSeconds", probe.period_s},
                {"timeoutSeconds", probe.timeout_s},
                {"failureThreshold", probe.failure_threshold}};
    if (probe.initial_delay_s != 0) object["initialDelaySeconds"] = probe.initial_delay_s;
    return object;
}

void put_probe(Json& object, const char* name, const std::optional<HttpProbe>& probe) {
    if (probe) object[name] = to_json(*probe);
}

Json quantities(const std::string& cpu, const std::string& memory) {
    Json object = Json::object();
    put_filled(object, "cpu", cpu);
    put_filled(object, "memory", memory);
    return object;
}

Json to_json(const Resources& resources) {
    Json object = Json::object();
    put_filled(object, "requests", quantities(resources.cpu_request, resources.memory_request));
    put_filled(object, "limits", quantities(resources.cpu_limit, resources.memory_limit));
    return object;
}

struct SourceWriter {
    Json& volume;
    void operator()(const SecretVolume& source) const {
        volume["secret"] = {{"secretName", source.secret}, {"defaultMode", source.mode}};
    }
    void operator()(const ConfigMapVolume& source) const {
        volume["configMap"] = {{"name", source.config_map}};
    }
    void operator()(const EmptyDirVolume& source) const {
        Json object = Json::object();
        if (source.in_memory) object["medium"] = "Memory";
        put_filled(object, "sizeLimit", source.size_limit);
        volume["emptyDir"] = std::move(object);
    }
    void operator()(const ClaimVolume& source) const {
        volume["persistentVolumeClaim"] = {{"claimName", source.claim}};
    }
};

Json to_json(const Volume& volume) {
    Json object{{"name", volume.name}};
    std::visit(SourceWriter{object}, volume.source);
    return object;
}

template <class Value>
Json list_of(const std::vector<Value>& values) {
    Json array = Json::array();
    for (const Value& value : values)
        array.push_back(to_json(value));
    return array;
}

}  // namespace

Json to_json(const Container& container) {
    Json object{{"name", container.name},
                {"image", container.image},
                {"imagePullPolicy", container.pull_policy},
                {"securityContext",
                 {{"allowPrivilegeEscalation", false},
                  {"capabilities", {{"drop", {"ALL"}}}},
                  {"readOnlyRootFilesystem", container.read_only_root}}}};
    put_filled(object, "command", container.command);
    put_filled(object, "args", container.args);
    put_filled(object, "env", list_of(container.environment));
    put_filled(object, "ports", list_of(container.ports));
    put_filled(object, "volumeMounts", list_of(container.mounts));
    put_filled(object, "resources", to_json(container.resources));
    put_probe(object, "startupProbe", container.startup);
    put_probe(object, "readinessProbe", container.readiness);
    put_probe(object, "livenessProbe", container.liveness);
    return object;
}

Json to_json(const PodSpec& spec) {
    Json object{{"containers", list_of(spec.containers)},
                {"automountServiceAccountToken", spec.automount_token},
                {"terminationGracePeriodSeconds", spec.termination_grace_s},
                {"securityContext",
                 {{"runAsNonRoot", true},
                  {"runAsUser", spec.user},
                  {"runAsGroup", spec.group},
                  {"fsGroup", spec.fs_group},
                  {"seccompProfile", {{"type", "RuntimeDefault"}}}}}};
    put_filled(object, "volumes", list_of(spec.volumes));
    put_filled(object, "serviceAccountName", spec.service_account);
    Json pull_secrets = Json::array();
    for (const std::string& name : spec.image_pull_secrets)
        pull_secrets.push_back({{"name", name}});
    put_filled(object, "imagePullSecrets", pull_secrets);
    return object;
}

Json to_json(const PodTemplate& pod) {
    Json metadata = Json::object();
    put_filled(metadata, "labels", pod.labels);
    put_filled(metadata, "annotations", pod.annotations);
    return {{"metadata", std::move(metadata)}, {"spec", to_json(pod.spec)}};
}

}  // namespace harmony::kubernetes_manifests
