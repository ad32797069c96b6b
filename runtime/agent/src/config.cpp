#include "harmony/agent/config.hpp"

#include "harmony/daemon/config_reader.hpp"
#include "harmony/daemon/credentials_file.hpp"
#include "harmony/daemon/files.hpp"

namespace harmony::agent {

namespace daemon = runtime::daemon;

namespace {

constexpr std::string_view kSharedType = "toml-shared";
constexpr std::string_view kZitadelType = "zitadel-jwt";

std::string read_absolute_path(daemon::ConfigReader& reader, std::string_view field,
                               std::string_view fallback) {
    std::string path = reader.string(field, fallback);
    if (path.empty() || path.front() != '/') {
        reader.problem(field, "found \"" + path + "\", expected an absolute path");
    }
    return path;
}

std::chrono::seconds read_seconds(daemon::ConfigReader& reader, std::string_view field, std::int64_t fallback,
                                  std::int64_t max) {
    return std::chrono::seconds(reader.integer(field, fallback, 1, max));
}

void read_agent_table(daemon::ConfigReader& reader, AgentConfig& config) {
    const std::string device = reader.required_string("agent.device_id");
    if (!device.empty()) {
        if (auto id = contracts::DeviceId::parse(device)) {
            config.device_id = *std::move(id);
        } else {
            reader.problem("agent.device_id", id.error().message());
        }
    }
    config.runtime_enabled = reader.boolean("agent.runtime_enabled", true);
    config.state_dir = read_absolute_path(reader, "agent.state_dir", kDefaultStateDirectory);
    config.health_enabled = reader.boolean("agent.health_enabled", true);
    config.status_address = daemon::read_status_address(reader, "agent");
    config.heartbeat_interval = read_seconds(reader, "agent.heartbeat_interval_s", 30, 3600);
    config.reconcile_interval = read_seconds(reader, "agent.reconcile_interval_s", 30, 3600);
    config.resync_interval = read_seconds(reader, "agent.resync_interval_s", 300, 24 * 3600);
    config.log_level = reader.one_of("agent.log_level", {"debug", "info", "warning", "error"}, "info");
    config.labels = reader.string_map("labels");
    if (auto valid = contracts::check_labels("labels", config.labels); !valid) {
        reader.problem("labels", valid.error().message());
    }
}

Result<runtime::podman::RegistryAuths> read_registry_auths(const std::string& path) {
    const auto text = daemon::read_secret_file(path);
    if (!text) return fail(text.error().wrap("podman.registry_auth_file"));
    auto auths = runtime::podman::RegistryAuths::decode(*text, path);
    if (!auths) return fail(auths.error().wrap("podman.registry_auth_file"));
    return auths;
}

void read_podman_table(daemon::ConfigReader& reader, AgentConfig& config) {
    config.podman_socket = read_absolute_path(reader, "podman.socket", kDefaultPodmanSocket);
    if (reader.has("podman.registry_auth_file")) {
        config.registry_auth_file = read_absolute_path(reader, "podman.registry_auth_file", "");
    }
    config.insecure_registries = reader.string_list("podman.insecure_registries");
    for (const std::string& registry : config.insecure_registries) {
        if (!registry.empty() && runtime::podman::registry_of(registry + "/x") == registry) continue;
        reader.problem("podman.insecure_registries",
                       "found \"" + registry +
                           "\", expected <host>[:<port>] as in an image's name, "
                           "such as registry.example.com:5000");
    }
}

// The name is known so that its fields are checked and nobody is connected with other credentials instead.
void refuse_zitadel(daemon::ConfigReader& reader) {
    (void)read_absolute_path(reader, "credentials.key_path", "");
    (void)reader.required_string("credentials.oidc_issuer_url");
    (void)reader.required_string("credentials.audience");
    reader.problem(
        "credentials.type",
        "found \"zitadel-jwt\", which this build has no token exchange for; expected \"toml-shared\"");
}

}  // namespace

Result<AgentConfig> read_agent_config(const std::string& path) {
    const auto text = daemon::read_file(path);
    if (!text) return fail(text.error());
    auto reader = daemon::ConfigReader::parse(*text, path);
    if (!reader) return fail(reader.error());

    AgentConfig config;
    read_agent_table(*reader, config);
    config.nats_urls = reader->string_list("nats.urls", true);
    read_podman_table(*reader, config);
    config.exec_host_enabled = reader->boolean("exec.host_enabled", false);

    std::string credentials_file;
    bool inline_credentials = false;
    const std::string type =
        reader->one_of("credentials.type", {std::string(kSharedType), std::string(kZitadelType)});
    if (type == kZitadelType) {
        refuse_zitadel(*reader);
    } else if (reader->has("credentials.file")) {
        credentials_file = read_absolute_path(*reader, "credentials.file", "");
    } else {
        inline_credentials = true;
        config.credentials.user = reader->required_string("credentials.nats_user");
        config.credentials.password = reader->required_string("credentials.nats_pass");
    }
    if (auto done = reader->finish(); !done) return fail(done.error());
    if (inline_credentials) {
        if (auto guarded = daemon::read_secret_file(path); !guarded) {
            return fail(guarded.error().wrap("the file holds credentials"));
        }
        return config;
    }
    auto credentials = daemon::read_credentials_file(credentials_file);
    if (!credentials) return fail(credentials.error());
    config.credentials = {std::move(credentials->user), std::move(credentials->password)};
    return config;
}

Result<void> check_registry_auths(const AgentConfig& config) {
    if (config.registry_auth_file.empty()) return {};
    if (auto auths = read_registry_auths(config.registry_auth_file); !auths) return fail(auths.error());
    return {};
}

runtime::podman::PodmanOptions podman_options(const AgentConfig& config) {
    runtime::podman::PodmanOptions options;
    options.socket_path = config.podman_socket;
    options.insecure_registries = config.insecure_registries;
    if (!config.registry_auth_file.empty()) {
        options.registry_auths = [file = config.registry_auth_file] { return read_registry_auths(file); };
    }
    return options;
}

}  // namespace harmony::agent
