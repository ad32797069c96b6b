#include "harmony/operator/config.hpp"

#include "harmony/contracts/names.hpp"
#include "harmony/daemon/config_reader.hpp"
#include "harmony/daemon/credentials_file.hpp"
#include "harmony/daemon/files.hpp"

namespace harmony::op {

namespace daemon = runtime::daemon;

namespace {

constexpr std::int64_t kMaxReplicas = 5;  // JetStream's own limit

void read_operator_table(daemon::ConfigReader& reader, OperatorConfig& config) {
    config.name_space = reader.required_string("operator.namespace");
    if (!config.name_space.empty()) {
        if (auto valid = contracts::check_name("namespace", config.name_space, 63); !valid) {
            reader.problem("operator.namespace", valid.error().message());
        }
    }
    config.state_dir = reader.required_string("operator.state_dir");
    if (!config.state_dir.empty() && config.state_dir.front() != '/') {
        reader.problem("operator.state_dir", "found \"" + config.state_dir + "\", expected an absolute path");
    }
    config.status = daemon::read_status_address(reader, "operator");
    const std::int64_t interval = reader.integer("operator.heartbeat_interval_s", 30, 1, 3600);
    const std::int64_t stale = reader.integer("operator.heartbeat_stale_after_s", 3 * interval, 2, 24 * 3600);
    if (stale < 2 * interval) {
        reader.problem("operator.heartbeat_stale_after_s",
                       "found " + std::to_string(stale) + ", expected at least two heartbeat intervals (" +
                           std::to_string(2 * interval) +
                           "): one late heartbeat must not make a device offline");
    }
    config.heartbeat_interval = std::chrono::seconds(interval);
    config.heartbeat_stale_after = std::chrono::seconds(stale);
    config.log_level = reader.one_of("operator.log_level", {"debug", "info", "warning", "error"}, "info");
}

void read_resources(daemon::ConfigReader& reader, OperatorConfig& config) {
    if (reader.one_of("resources.store", {"sqlite", "kubernetes"}, "sqlite") == "sqlite") return;
    KubernetesConfig& kubernetes = config.kubernetes.emplace();
    kubernetes.kubeconfig = reader.string("kubernetes.kubeconfig", "");
    kubernetes.context = reader.string("kubernetes.context", "");
    kubernetes.devices = reader.boolean("kubernetes.devices", true);
    kubernetes.lease = reader.string("kubernetes.lease", "harmony-fleet-operator");
    if (!kubernetes.kubeconfig.empty() && kubernetes.kubeconfig.front() != '/') {
        reader.problem("kubernetes.kubeconfig",
                       "found \"" + kubernetes.kubeconfig + "\", expected an absolute path");
    }
    if (kubernetes.kubeconfig.empty() && !kubernetes.context.empty())
        reader.problem("kubernetes.context", "is one of a kubeconfig, and kubernetes.kubeconfig is empty");
    if (auto valid = contracts::check_name("lease", kubernetes.lease); !valid)
        reader.problem("kubernetes.lease", valid.error().message());
}

}  // namespace

Result<OperatorConfig> read_operator_config(const std::string& path) {
    const auto text = daemon::read_file(path);
    if (!text) return fail(text.error());
    auto reader = daemon::ConfigReader::parse(*text, path);
    if (!reader) return fail(reader.error());

    OperatorConfig config;
    read_operator_table(*reader, config);
    read_resources(*reader, config);
    config.nats_urls = reader->string_list("nats.urls", true);
    config.replicas = static_cast<int>(reader->integer("kv.replicas", 1, 1, kMaxReplicas));

    (void)reader->one_of("credentials.type", {"toml-shared"});
    const bool from_file = reader->has("credentials.file");
    std::string credentials_file;
    if (from_file) {
        credentials_file = reader->required_string("credentials.file");
    } else {
        config.credentials.user = reader->required_string("credentials.nats_user");
        config.credentials.password = reader->required_string("credentials.nats_pass");
    }
    if (auto done = reader->finish(); !done) return fail(done.error());

    if (from_file) {
        auto credentials = daemon::read_credentials_file(credentials_file);
        if (!credentials) return fail(credentials.error());
        config.credentials = {std::move(credentials->user), std::move(credentials->password)};
    } else if (auto guarded = daemon::read_secret_file(path); !guarded) {
        return fail(guarded.error().wrap("the file holds credentials"));
    }
    return config;
}

}  // namespace harmony::op
