#include "agent_fixture.hpp"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iostream>
#include <stdexcept>
#include <thread>

#include "harmony/agent/container_identity.hpp"
#include "harmony/contracts/desired_state.hpp"
#include "harmony/contracts/device_permissions.hpp"
#include "harmony/contracts/kv.hpp"
#include "harmony/daemon/files.hpp"
#include "harmony/nats/key_value.hpp"

extern char** environ;

namespace harmony::agent::testing {

using namespace std::chrono_literals;
namespace nats = runtime::nats;

namespace {

template <class T>
T need(Result<T> result, const std::string& what) {
    if (!result) throw std::runtime_error(what + ": " + result.error().text());
    if constexpr (!std::is_void_v<T>) return *std::move(result);
}

std::string quoted_list(const std::vector<std::string>& subjects) {
    std::string text;
    for (const std::string& subject : subjects)
        text += (text.empty() ? "\"" : ", \"") + subject + "\"";
    return "[" + text + "]";
}

// The permissions of the contract, as the broker's configuration.
std::string user_line(const contracts::DeviceId& device) {
    const auto permissions = contracts::device_permissions(device);
    return "    { user: \"" + contracts::device_user(device) +
           "\", password: \"d\", permissions: { publish: " + quoted_list(permissions.publish) +
           ", subscribe: " + quoted_list(permissions.subscribe) +
           ", allow_responses: { max: " + std::to_string(permissions.responses.max_messages) +
           ", expires: \"" + std::to_string(permissions.responses.expires.count()) + "s\" } } }\n";
}

}  // namespace

bool eventually(const std::function<bool()>& holds) {
    const auto deadline = std::chrono::steady_clock::now() + 60s;
    while (!holds()) {
        if (std::chrono::steady_clock::now() > deadline) return false;
        std::this_thread::sleep_for(20ms);
    }
    return true;
}

bool podman_is_missing() {
    const std::string reason = runtime::podman_testing::podman_missing_reason();
    if (!reason.empty()) std::cout << "SKIPPED: " << reason << '\n';
    return !reason.empty();
}

Fleet::Fleet() {
    std::string pattern = std::filesystem::temp_directory_path() / "harmony-agent-XXXXXX";
    if (!mkdtemp(pattern.data())) throw std::runtime_error("no temporary directory");
    directory_ = pattern;
    suffix_ = std::to_string(getpid());
    std::string users =
        "authorization {\n  users: [\n    { user: \"admin\", password: \"a\" }\n"
        "    { user: \"operator\", password: \"x\" }\n";
    for (const char* name : {"one", "two"})
        users += user_line(need(contracts::DeviceId::parse(device(name)), "device"));
    nats = std::make_unique<runtime::nats_testing::NatsServerFixture>(
        runtime::nats_testing::NatsServerOptions{.jetstream = true, .extra_config = users + "  ]\n}\n"});
    admin_ = nats->connect({"admin", "a"});
    make_buckets();
    runtime_ = runtime::podman::make_podman_runtime({.socket_path = podman.socket_path()});
}

Fleet::~Fleet() {
    while (!agents_.empty())
        (void)stop_agent(agents_.back().device, SIGKILL);
    for (const std::string& name : devices_) {
        for (const auto& container : containers(name))
            (void)runtime_->remove(container.id);
    }
    std::error_code ignored;
    std::filesystem::remove_all(directory_, ignored);
}

void Fleet::make_buckets() {
    for (const auto& wanted : contracts::bucket_settings()) {
        nats::BucketSettings settings;
        settings.name = wanted.name;
        settings.history = wanted.history;
        settings.storage =
            wanted.storage == contracts::BucketStorage::Memory ? nats::Storage::Memory : nats::Storage::File;
        settings.time_to_live = wanted.ttl;
        settings.max_value_bytes = wanted.max_value_bytes;
        need(nats::ensure_bucket(*admin_, settings, 10s), "bucket");
    }
}

void Fleet::start_agent(const std::string& device, const std::string& further_agent_lines,
                        const std::string& further_podman_lines) {
    const std::string text =
        "[agent]\ndevice_id = \"" + device + "\"\nstate_dir = \"" + state_directory(device) +
        "\"\nreconcile_interval_s = " + std::to_string(reconcile_interval_s) +
        "\nheartbeat_interval_s = 1\n" + further_agent_lines + "\n[labels]\nsite = \"lab\"\n" +
        further_labels + "[nats]\nurls = [\"" + nats->url() +
        "\"]\n[credentials]\ntype = \"toml-shared\"\nnats_user = \"device-" + device +
        "\"\nnats_pass = \"d\"\n[podman]\nsocket = \"" + podman.socket_path() + "\"\n" +
        further_podman_lines + "\n";
    need(runtime::daemon::write_file_durably(config_file(device), text), "config");
    agents_.push_back({device, spawn({"--config", config_file(device)}, directory_ + "/" + device + ".log")});
    devices_.insert(device);
}

pid_t Fleet::spawn(std::vector<std::string> arguments, const std::string& output) const {
    arguments.insert(arguments.begin(), HARMONY_AGENT_PROGRAM);
    std::vector<char*> values;
    for (std::string& argument : arguments)
        values.push_back(argument.data());
    values.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 1, output.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    posix_spawn_file_actions_adddup2(&actions, 1, 2);
    pid_t pid = 0;
    const int failed = posix_spawn(&pid, values[0], &actions, nullptr, values.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    if (failed != 0) throw std::runtime_error("the agent could not be started");
    return pid;
}

std::string Fleet::config_file(const std::string& device) const {
    return directory_ + "/" + device + ".toml";
}

std::string Fleet::state_directory(const std::string& device) const {
    return directory_ + "/" + device + ".state";
}

std::string Fleet::log_of(const std::string& device) const {
    std::ifstream file(directory_ + "/" + device + ".log");
    return {std::istreambuf_iterator<char>(file), {}};
}

int Fleet::check_config(const std::string& device, std::string& output) {
    const std::string file = directory_ + "/" + device + ".check";
    std::filesystem::remove(file);
    const pid_t pid = spawn({"--config", config_file(device), "--check-config"}, file);
    int status = 0;
    waitpid(pid, &status, 0);
    output = need(runtime::daemon::read_file(file), "output");
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

std::string Fleet::file_of(const std::string& device, const std::string& name) const {
    std::ifstream file(directory_ + "/" + device + ".state/" + name);
    return {std::istreambuf_iterator<char>(file), {}};
}

pid_t Fleet::agent_pid(const std::string& device) const {
    for (const Process& process : agents_) {
        if (process.device == device) return process.pid;
    }
    return 0;
}

int Fleet::stop_agent(const std::string& device, int signal) {
    const pid_t pid = agent_pid(device);
    if (pid == 0) throw std::runtime_error("no agent of " + device);
    kill(pid, signal);
    int status = 0;
    waitpid(pid, &status, 0);
    std::erase_if(agents_, [&](const Process& process) { return process.pid == pid; });
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

void Fleet::write_index(const std::string& device) {
    contracts::DesiredIndex index;
    for (const std::string& name : index_[device])
        index.deployments.push_back(need(contracts::DeploymentName::parse(name), "name"));
    nats::KeyValue bucket(*admin_, std::string(contracts::kDesiredStateBucket));
    need(bucket.put(device + "._index", index.encode()), "index");
}

void Fleet::deploy(const std::string& device, const std::string& deployment, const std::string& score_data) {
    const contracts::Score score{"PodmanV0", score_data};
    nats::KeyValue bucket(*admin_, std::string(contracts::kDesiredStateBucket));
    need(bucket.put(device + "." + deployment, score.encode()), "score");
    if (index_[device].insert(deployment).second) write_index(device);
}

void Fleet::withdraw(const std::string& device, const std::string& deployment) {
    index_[device].erase(deployment);
    write_index(device);
    nats::KeyValue bucket(*admin_, std::string(contracts::kDesiredStateBucket));
    need(bucket.del(device + "." + deployment), "deletion");
}

std::optional<std::string> Fleet::value(const std::string& bucket, const std::string& key) {
    auto entry = nats::KeyValue(*admin_, bucket).get(key);
    if (!entry || !*entry) return std::nullopt;
    return (*entry)->value;
}

std::optional<contracts::DeploymentState> Fleet::state(const std::string& device,
                                                       const std::string& deployment) {
    const auto text = value("device-state", "state." + device + "." + deployment);
    if (!text) return std::nullopt;
    return need(contracts::DeploymentState::decode(*text), "state");
}

bool Fleet::reaches(const std::string& device, const std::string& deployment, contracts::Phase phase) {
    return eventually([&] {
        const auto now = state(device, deployment);
        return now && now->phase == phase;
    });
}

std::vector<runtime::podman::Container> Fleet::containers(const std::string& device) {
    auto listed = runtime_->list(owned_labels(need(contracts::DeviceId::parse(device), "device")));
    return listed ? *std::move(listed) : std::vector<runtime::podman::Container>{};
}

}  // namespace harmony::agent::testing
