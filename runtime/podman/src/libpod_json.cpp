#include "libpod_json.hpp"

#include <ctime>
#include <nlohmann/json.hpp>

namespace harmony::runtime::podman {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kMaxShownBytes = 512;
// Podman keeps logs without limit unless told; a chatty container must not fill a device's disk.
constexpr std::int64_t kMaxLogBytes = 10 * 1024 * 1024;

Json parse(std::string_view text) {
    return Json::parse(text, nullptr, false);
}

const Json& member(const Json& object, const char* name) {
    static const Json null;
    if (!object.is_object()) return null;
    const auto found = object.find(name);
    return found == object.end() ? null : *found;
}

std::string text_of(const Json& object, const char* name) {
    const Json& value = member(object, name);
    return value.is_string() ? value.get<std::string>() : std::string{};
}

std::int64_t integer_of(const Json& object, const char* name) {
    const Json& value = member(object, name);
    return value.is_number_integer() ? value.get<std::int64_t>() : 0;
}

Labels labels_of(const Json& object) {
    Labels labels;
    if (!object.is_object()) return labels;
    for (const auto& [name, value] : object.items()) {
        if (value.is_string()) labels.emplace(name, value.get<std::string>());
    }
    return labels;
}

// "2026-01-31T12:00:00.1+01:00" to seconds since 1970; the year 1 that libpod writes for "never" becomes 0.
std::int64_t seconds_of(const std::string& time) {
    tm calendar{};
    const char* rest = strptime(time.c_str(), "%Y-%m-%dT%H:%M:%S", &calendar);
    if (rest == nullptr || calendar.tm_year < 70) return 0;
    std::int64_t seconds = timegm(&calendar);
    while (*rest == '.' || (*rest >= '0' && *rest <= '9'))
        ++rest;
    int hours = 0;
    int minutes = 0;
    if ((*rest == '+' || *rest == '-') && std::sscanf(rest + 1, "%2d:%2d", &hours, &minutes) == 2) {
        const int offset = hours * 3600 + minutes * 60;
        seconds += *rest == '+' ? -offset : offset;
    }
    return seconds;
}

ContainerStatus status_of(const std::string& word) {
    for (const auto status : {ContainerStatus::Created, ContainerStatus::Initialized,
                              ContainerStatus::Running, ContainerStatus::Paused, ContainerStatus::Stopping,
                              ContainerStatus::Stopped, ContainerStatus::Exited, ContainerStatus::Removing}) {
        if (to_string(status) == word) return status;
    }
    return word == "configured" ? ContainerStatus::Created : ContainerStatus::Unknown;
}

tl::unexpected<Error> unreadable(const char* what) {
    return fail(ErrorKind::Corrupt, std::string("podman: its answer about ") + what + " can't be read");
}

}  // namespace

int signal_number(std::string name) {
    static constexpr std::pair<const char*, int> kSignals[] = {
        {"HUP", 1},   {"INT", 2},    {"QUIT", 3},  {"ABRT", 6},    {"KILL", 9},
        {"USR1", 10}, {"USR2", 12},  {"PIPE", 13}, {"ALRM", 14},   {"TERM", 15},
        {"CONT", 18}, {"WINCH", 28}, {"PWR", 30},  {"RTMIN+3", 37}};  // as podman counts: its RTMIN is 34
    if (name.rfind("SIG", 0) == 0) name.erase(0, 3);
    for (const auto& [known, number] : kSignals) {
        if (name == known) return number;
    }
    return 0;
}

namespace {

Json encode_ports(const std::vector<PortMapping>& ports) {
    Json list = Json::array();
    for (const PortMapping& port : ports) {
        Json entry = {{"container_port", port.container_port}, {"protocol", port.protocol}};
        if (port.host_port != 0) entry["host_port"] = port.host_port;
        if (!port.host_ip.empty()) entry["host_ip"] = port.host_ip;
        list.push_back(std::move(entry));
    }
    return list;
}

Json encode_mounts(const std::vector<BindMount>& mounts) {
    Json list = Json::array();
    for (const BindMount& mount : mounts) {
        list.push_back({{"type", "bind"},
                        {"source", mount.source},
                        {"destination", mount.destination},
                        {"options", Json::array({"rbind", mount.read_only ? "ro" : "rw"})}});
    }
    return list;
}

const char* word_of(RestartPolicy policy) {
    switch (policy) {
        case RestartPolicy::Always:
            return "always";
        case RestartPolicy::OnFailure:
            return "on-failure";
        case RestartPolicy::No:
            break;
    }
    return "no";
}

}  // namespace

std::string encode_create(const ContainerSpec& spec) {
    Json body = {
        {"name", spec.name},
        {"image", spec.image},
        {"env", spec.environment},
        {"labels", spec.labels},
        {"restart_policy", word_of(spec.restart_policy)},
        {"stop_timeout", spec.stop_timeout.count()},
        {"log_configuration", {{"driver", "k8s-file"}, {"size", kMaxLogBytes}}},
    };
    if (!spec.command.empty()) body["command"] = spec.command;
    if (!spec.ports.empty()) body["portmappings"] = encode_ports(spec.ports);
    if (!spec.mounts.empty()) body["mounts"] = encode_mounts(spec.mounts);
    if (const int number = signal_number(spec.stop_signal); number != 0) body["stop_signal"] = number;
    if (!spec.hostname.empty()) body["hostname"] = spec.hostname;
    if (!spec.network_mode.empty()) body["netns"] = {{"nsmode", spec.network_mode}};
    // The caller decides about bytes that are no UTF-8; here they must not throw.
    return body.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Result<std::string> decode_created(std::string_view json) {
    std::string id = text_of(parse(json), "Id");
    if (id.empty()) return unreadable("a new container");
    return id;
}

Result<RuntimeInfo> decode_info(std::string_view json) {
    const Json document = parse(json);
    const Json& host = member(document, "host");
    if (!host.is_object()) return unreadable("itself");
    const Json& security = member(host, "security");
    return RuntimeInfo{.name = "podman",
                       .version = text_of(member(document, "version"), "Version"),
                       .architecture = text_of(host, "arch"),
                       .operating_system = text_of(host, "os"),
                       .kernel = text_of(host, "kernel"),
                       .rootless = member(security, "rootless") == true};
}

Result<std::vector<Container>> decode_list(std::string_view json) {
    const Json document = parse(json);
    if (document.is_null()) return std::vector<Container>{};
    if (!document.is_array()) return unreadable("its containers");
    std::vector<Container> containers;
    for (const Json& entry : document) {
        Container container;
        container.id = text_of(entry, "Id");
        const Json& names = member(entry, "Names");
        if (names.is_array() && !names.empty() && names[0].is_string())
            container.name = names[0].get<std::string>();
        if (container.id.empty()) return unreadable("its containers");
        container.image = text_of(entry, "Image");
        container.image_id = text_of(entry, "ImageID");
        container.status = status_of(text_of(entry, "State"));
        container.exit_code = static_cast<int>(integer_of(entry, "ExitCode"));
        container.labels = labels_of(member(entry, "Labels"));
        container.created_at = seconds_of(text_of(entry, "Created"));
        container.started_at = std::max<std::int64_t>(0, integer_of(entry, "StartedAt"));
        containers.push_back(std::move(container));
    }
    return containers;
}

Result<Container> decode_inspect(std::string_view json) {
    const Json document = parse(json);
    const Json& state = member(document, "State");
    Container container;
    container.id = text_of(document, "Id");
    if (container.id.empty() || !state.is_object()) return unreadable("a container");
    container.name = text_of(document, "Name");
    container.image = text_of(document, "ImageName");
    container.image_id = text_of(document, "Image");
    container.status = status_of(text_of(state, "Status"));
    container.exit_code = static_cast<int>(integer_of(state, "ExitCode"));
    container.error = text_of(state, "Error");
    container.labels = labels_of(member(member(document, "Config"), "Labels"));
    container.created_at = seconds_of(text_of(document, "Created"));
    container.started_at = seconds_of(text_of(state, "StartedAt"));
    container.restart_count = static_cast<int>(integer_of(document, "RestartCount"));
    container.stop_timeout = std::chrono::seconds(
        std::max<std::int64_t>(0, integer_of(member(document, "Config"), "StopTimeout")));
    return container;
}

std::string encode_exec_create(const std::vector<std::string>& argv) {
    const Json body = {{"AttachStdout", true}, {"AttachStderr", true}, {"Cmd", argv}};
    return body.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Result<ExecState> decode_exec_state(std::string_view json) {
    const Json document = parse(json);
    if (!member(document, "Running").is_boolean()) return unreadable("a command");
    return ExecState{.running = member(document, "Running") == true,
                     .exit_code = static_cast<int>(integer_of(document, "ExitCode")),
                     .pid = static_cast<int>(integer_of(document, "Pid"))};
}

int decode_container_pid(std::string_view json) {
    const Json document = parse(json);
    return static_cast<int>(integer_of(member(document, "State"), "Pid"));
}

std::string encode_label_filter(const Labels& labels) {
    Json list = Json::array();
    for (const auto& [name, value] : labels)
        list.push_back(value.empty() ? name : name + "=" + value);
    Json filter = Json::object();
    if (!list.empty()) filter["label"] = std::move(list);
    return filter.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string encode_event_filter(const EventFilter& filter) {
    Json document = {{"type", Json::array({"container"})}};
    if (!filter.label.empty()) document["label"] = Json::array({filter.label});
    return document.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Result<std::optional<RuntimeEvent>> decode_event(std::string_view line) {
    const Json document = parse(line);
    if (!document.is_object()) return unreadable("an event");
    if (text_of(document, "Type") != "container") return std::optional<RuntimeEvent>{};
    const Json& actor = member(document, "Actor");
    RuntimeEvent event;
    event.container_id = text_of(actor, "ID");
    event.attributes = labels_of(member(actor, "Attributes"));
    if (const auto name = event.attributes.find("name"); name != event.attributes.end()) {
        event.container_name = name->second;
    }
    event.action = text_of(document, "Action");
    event.at_nanoseconds = integer_of(document, "timeNano");
    return std::optional<RuntimeEvent>(std::move(event));
}

Result<PullLine> decode_pull_line(std::string_view line) {
    const Json document = parse(line);
    if (!document.is_object()) return unreadable("a pull");
    PullLine decoded{.text = text_of(document, "stream"),
                     .id = text_of(document, "id"),
                     .error = text_of(document, "error")};
    while (!decoded.text.empty() && decoded.text.back() == '\n')
        decoded.text.pop_back();
    return decoded;
}

std::string decode_error_message(std::string_view body) {
    const Json document = parse(body);
    if (std::string message = text_of(document, "message"); !message.empty()) return message;
    if (std::string cause = text_of(document, "cause"); !cause.empty()) return cause;
    return std::string(body.substr(0, kMaxShownBytes));
}

}  // namespace harmony::runtime::podman
