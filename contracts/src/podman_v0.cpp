#include "harmony/contracts/podman_v0.hpp"

#include <set>

#include "codecs.hpp"
#include "podman_values.hpp"

namespace harmony::contracts {

namespace {

constexpr EnumNames<RestartPolicy, 3> kRestartPolicies{
    {{RestartPolicy::Always, "always"}, {RestartPolicy::OnFailure, "on-failure"}, {RestartPolicy::No, "no"}}};

bool has_nul(const std::string& text) {
    return text.find('\0') != std::string::npos;
}

void read_args(const Field& field, std::vector<std::string>& out) {
    field.items(kMaxContainerArgs, [&](const Field& entry) {
        auto& arg = out.emplace_back();
        entry.text(arg, 0, kMaxArgBytes);
        if (has_nul(arg)) entry.reject("a text without NUL bytes");
    });
}

// A value may be a password: no message shows it.
void read_env(const Field& field, std::map<std::string, std::string>& out) {
    field.members(kMaxContainerEnv, [&](const std::string& key, const Field& entry) {
        if (!is_environment_name(key)) {
            return entry.reject_because(
                "expected a variable's name without '=', spaces and control characters");
        }
        if (!entry.json().is_string()) return entry.reject("a text", Secrecy::Secret);
        const auto& value = entry.json().get_ref<const std::string&>();
        if (value.size() > kMaxEnvValueBytes || has_nul(value)) {
            return entry.reject("at most " + std::to_string(kMaxEnvValueBytes) + " bytes without NUL",
                                Secrecy::Secret);
        }
        out.emplace(key, value);
    });
}

// Items that are written as one text each and parsed by their own type.
template <class Value>
void read_parsed(const Field& field, std::size_t max_items, std::vector<Value>& out) {
    field.items(max_items, [&](const Field& entry) {
        std::string text;
        entry.text(text, 1, kMaxMappingBytes);
        if (!entry.present()) return;
        if (auto parsed = Value::parse(text)) {
            out.push_back(*std::move(parsed));
        } else {
            entry.reject_because(parsed.error().message());
        }
    });
}

// What services and init containers have in common.
template <class Container>
void read_container(const Field& field, Container& out) {
    const auto name = field.required("name");
    name.text(out.name, 1, kMaxServiceNameBytes);
    if (name.present()) {
        if (auto checked = check_name(name.path(), out.name, kMaxServiceNameBytes); !checked) {
            return name.reject(
                "1 to 63 lower-case letters, digits and '-', beginning and ending with a letter or digit");
        }
    }
    const auto image = field.required("image");
    image.text(out.image, 1, kMaxImageBytes);
    if (image.present() && !is_image_reference(out.image)) {
        return image.reject("an image: [<registry>[:<port>]/]<path>[:<tag>][@<digest>]");
    }
    read_args(field.optional("args"), out.args);
    read_env(field.optional("env"), out.env);
    read_parsed(field.optional("volumes"), kMaxContainerVolumes, out.volumes);
}

void read_service(const Field& field, PodmanService& out) {
    if (!field.object()) return;
    read_container(field, out);
    read_parsed(field.optional("ports"), kMaxContainerPorts, out.ports);
    field.optional("restart_policy").enumeration(out.restart_policy, kRestartPolicies);
}

void read_seconds(const Field& field, std::chrono::seconds& out, std::chrono::seconds min,
                  std::chrono::seconds max) {
    std::int64_t seconds = out.count();
    field.integer(seconds, min.count(), max.count());
    out = std::chrono::seconds{seconds};
}

void read_init_container(const Field& field, PodmanInitContainer& out) {
    if (!field.object()) return;
    read_container(field, out);
    read_seconds(field.optional("timeout"), out.timeout, std::chrono::seconds{1}, kMaxInitTimeout);
}

void read_lifecycle(const Field& field, PodmanLifecycle& out) {
    if (!field.object()) return;
    const auto signal = field.optional("stop_signal");
    signal.text(out.stop_signal, 1, kMaxStopSignalBytes);
    if (signal.present() && !is_stop_signal(out.stop_signal))
        signal.reject("a signal such as SIGTERM or SIGINT");
    read_seconds(field.optional("grace_period_secs"), out.grace_period, std::chrono::seconds{0},
                 kMaxGracePeriod);
}

void require_distinct_names(const Field& field, const PodmanV0& score) {
    std::set<std::string_view> seen;
    const auto check = [&](std::string_view list, const auto& containers) {
        for (std::size_t i = 0; i < containers.size(); ++i) {
            if (seen.insert(containers[i].name).second) continue;
            field.required(std::string(list) + "[" + std::to_string(i) + "].name")
                .reject_because("found " + in_quotes(containers[i].name) +
                                ", expected a name that no other container of this score has");
        }
    };
    check("services", score.services);
    check("init_containers", score.init_containers);
}

void require_distinct_host_ports(const Field& field, const PodmanV0& score) {
    std::vector<const PortMapping*> taken;
    for (std::size_t s = 0; s < score.services.size(); ++s) {
        for (std::size_t p = 0; p < score.services[s].ports.size(); ++p) {
            const auto& port = score.services[s].ports[p];
            const auto clash = std::find_if(taken.begin(), taken.end(),
                                            [&](const PortMapping* other) { return port.overlaps(*other); });
            if (clash != taken.end()) {
                field.required("services[" + std::to_string(s) + "].ports[" + std::to_string(p) + "]")
                    .reject_because("found " + in_quotes(port.format()) + ", whose host port is taken by " +
                                    in_quotes((*clash)->format()));
            }
            taken.push_back(&port);
        }
    }
}

template <class Container>
Json write_container(const Container& container) {
    Json result{{"name", container.name}, {"image", container.image}};
    if (!container.args.empty()) result["args"] = container.args;
    if (!container.env.empty()) result["env"] = container.env;
    for (const auto& volume : container.volumes)
        result["volumes"].push_back(volume.format());
    return result;
}

}  // namespace

std::string_view to_string(RestartPolicy policy) {
    return name_of(kRestartPolicies, policy);
}

void read_podman_v0(const Field& field, PodmanV0& out) {
    if (!field.object()) return;
    const auto services = field.required("services");
    services.items(kMaxServices,
                   [&](const Field& entry) { read_service(entry, out.services.emplace_back()); });
    if (services.present() && out.services.empty())
        services.reject_because("holds no items, expected at least 1");
    field.optional("init_containers").items(kMaxInitContainers, [&](const Field& entry) {
        read_init_container(entry, out.init_containers.emplace_back());
    });
    read_lifecycle(field.optional("lifecycle"), out.lifecycle);
    if (field.failed()) return;
    require_distinct_names(field, out);
    require_distinct_host_ports(field, out);
}

Result<PodmanV0> PodmanV0::decode(std::string_view json, std::string_view path) {
    return decode_document<PodmanV0>(json, kMaxScoreBytes, read_podman_v0, path);
}

Result<PodmanV0> PodmanV0::from_score(const Score& score) {
    if (score.type != kPodmanV0Type) {
        return fail(ErrorKind::InvalidInput,
                    "type: found " + in_quotes(score.type) + ", expected " + std::string(kPodmanV0Type));
    }
    return decode(score.data, "data");
}

std::string PodmanV0::encode() const {
    Json result{
        {"services", Json::array()},
        {"lifecycle",
         {{"stop_signal", lifecycle.stop_signal}, {"grace_period_secs", lifecycle.grace_period.count()}}}};
    for (const auto& service : services) {
        auto entry = write_container(service);
        for (const auto& port : service.ports)
            entry["ports"].push_back(port.format());
        entry["restart_policy"] = to_string(service.restart_policy);
        result["services"].push_back(std::move(entry));
    }
    for (const auto& container : init_containers) {
        auto entry = write_container(container);
        entry["timeout"] = container.timeout.count();
        result["init_containers"].push_back(std::move(entry));
    }
    return dump_canonical(result);
}

Score PodmanV0::to_score() const {
    return {std::string(kPodmanV0Type), encode()};
}

void require_known_score(const Field& field, const Score& score) {
    if (field.failed()) return;
    if (score.type != kPodmanV0Type) return field.required("type").reject(kPodmanV0Type);
    PodmanV0 typed;
    read_podman_v0(field.required("data"), typed);
}

Result<void> check_score(const Score& score, std::string_view path) {
    const auto below = [&](std::string_view member) {
        return path.empty() ? std::string(member) : std::string(path) + "." + std::string(member);
    };
    if (score.type != kPodmanV0Type) {
        return fail(ErrorKind::InvalidInput, below("type") + ": found " + in_quotes(score.type) +
                                                 ", expected " + std::string(kPodmanV0Type));
    }
    if (auto typed = PodmanV0::decode(score.data, below("data")); !typed) return fail(typed.error());
    return {};
}

}  // namespace harmony::contracts
