#include "operator_process.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <thread>

#include "harmony/contracts/heartbeat.hpp"
#include "harmony/contracts/kv.hpp"
#include "harmony/daemon/files.hpp"

namespace harmony::op::testing {

using namespace std::chrono_literals;

bool eventually(const std::function<bool()>& done) {
    const auto deadline = std::chrono::steady_clock::now() + 60s;
    while (std::chrono::steady_clock::now() < deadline) {
        if (done()) return true;
        std::this_thread::sleep_for(20ms);
    }
    return done();
}

OperatorHome::OperatorHome(const std::string& nats_url, const std::string& settings,
                           const std::string& name_space) {
    std::string pattern = (std::filesystem::temp_directory_path() / "harmony-operator-XXXXXX").string();
    REQUIRE(mkdtemp(pattern.data()) != nullptr);
    path_ = pattern;
    const std::string text =
        "[operator]\nnamespace = \"" + name_space + "\"\nstate_dir = \"" + path_ + "/state\"\n" + settings +
        "\n[nats]\nurls = [\"" + nats_url +
        "\"]\n[credentials]\ntype = \"toml-shared\"\nnats_user = \"operator\"\nnats_pass = \"x\"\n";
    REQUIRE(runtime::daemon::write_file_durably(config(), text));
}

OperatorHome::~OperatorHome() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
}

std::string OperatorHome::log() const {
    return runtime::daemon::read_file(path_ + "/log").value_or("no log");
}

OperatorProcess::OperatorProcess(const OperatorHome& home) {
    const std::string log = home.path() + "/log";
    const std::string config = home.config();
    pid_ = ::fork();
    REQUIRE(pid_ >= 0);
    if (pid_ > 0) return;
    const int descriptor = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    ::dup2(descriptor, 1);
    ::dup2(descriptor, 2);
    ::execl(HARMONY_FLEET_OPERATOR, HARMONY_FLEET_OPERATOR, "--config", config.c_str(), nullptr);
    ::_exit(127);
}

void OperatorProcess::kill() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = 0;
}

int OperatorProcess::terminate() {
    ::kill(pid_, SIGTERM);
    return wait();
}

int OperatorProcess::wait() {
    int status = 0;
    if (!eventually([&] { return ::waitpid(pid_, &status, WNOHANG) == pid_; })) return -1;
    pid_ = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

void Stack::wait_until_ready() {
    const bool ready = eventually([&] {
        const auto status = api.status();
        return status && status->ready;
    });
    if (!ready) FAIL(home.log());
}

std::map<std::string, std::string> Stack::desired() {
    std::map<std::string, std::string> result;
    runtime::nats::KeyValue bucket(*connection, std::string(contracts::kDesiredStateBucket));
    const auto entries = bucket.load();
    if (!entries) return result;
    for (const auto& entry : *entries)
        result[entry.key] = entry.value;
    return result;
}

void Stack::put(std::string_view bucket, const std::string& key, const std::string& value) {
    runtime::nats::KeyValue kv(*connection, std::string(bucket));
    const auto done = kv.put(key, value);
    if (!done) FAIL(done.error().text());
}

void Stack::register_device(const std::string& id, const contracts::Labels& labels) {
    contracts::DeviceInfo info;
    info.device_id = device_id(id);
    info.labels = labels;
    info.agent_version = "0.1.0";
    info.updated_at = contracts::Timestamp::now();
    put(contracts::kDeviceInfoBucket, contracts::device_info_key(info.device_id), info.encode());
}

void Stack::apply(const contracts::Deployment& deployment) {
    const auto applied = api.apply(deployment);
    if (!applied) FAIL(applied.error().text());
}

contracts::Condition Stack::condition(const std::string& deployment, std::string_view type) {
    const auto found = api.deployment(deployment);
    if (!found || !found->status) return {};
    for (const auto& condition : found->status->conditions) {
        if (condition.type == type) return condition;
    }
    return {};
}

PolledDevices::PolledDevices(Stack& stack, int count) : stack_(stack) {
    for (int number = 0; number < count; ++number) {
        const std::string id = "d" + std::to_string(number);
        stack.register_device(id, {});
        runs_[id] = "";
    }
}

void PolledDevices::poll() {
    for (const auto& [key, value] : stack_.desired()) {
        const auto parsed = contracts::parse_desired_state_key(key);
        if (!parsed || !parsed->deployment) continue;
        const std::string device = parsed->device.str();
        const auto place = value.find("img:");
        const int image = place == std::string::npos ? 0 : std::stoi(value.substr(place + 4));
        went_back = went_back || image < told_[device];
        told_[device] = std::max(told_[device], image);
        if (runs_[device] != value && !silent.contains(device)) updating_.insert_or_assign(device, value);
    }
    most_updating = std::max(most_updating, updating_.size());
    // The first half arrives.
    for (std::size_t left = (updating_.size() + 1) / 2; left > 0; --left) {
        auto arrived = updating_.extract(updating_.begin());
        runs_[arrived.key()] = arrived.mapped();
        report(arrived.key());
    }
    for (const auto& [device, score] : runs_)
        beat(device);
}

void PolledDevices::reassert() {
    for (const auto& [device, score] : runs_) {
        stack_.register_device(device, {});
        if (!score.empty()) report(device);
        beat(device);
    }
}

void PolledDevices::report(const std::string& device) {
    if (silent.contains(device)) return;
    const auto about = contracts::Score::decode(runs_.at(device)).value();
    const bool fails = failing.contains(device) && about != score("img:1");
    reported_ = contracts::Timestamp::after(reported_, contracts::Timestamp::now());
    runtime::nats::KeyValue states(*stack_.connection, std::string(contracts::kDeviceStateBucket));
    (void)states.put("state." + device + ".web",
                     state("web", fails ? contracts::Phase::Failed : contracts::Phase::Running, about,
                           reported_, fails ? failure : "")
                         .encode());
}

void PolledDevices::beat(const std::string& device) {
    if (silent.contains(device)) return;
    contracts::Heartbeat heartbeat;
    heartbeat.agent_version = "0.1.0";
    heartbeat.at = contracts::Timestamp::now().seconds();
    contracts::DesiredHashes held;
    if (!runs_.at(device).empty())
        held.emplace(deployment_name("web"), contracts::Score::decode(runs_.at(device))->hash());
    heartbeat.desired_digest = contracts::desired_digest(held);
    runtime::nats::KeyValue heartbeats(*stack_.connection, std::string(contracts::kDeviceHeartbeatBucket));
    (void)heartbeats.put("heartbeat." + device, heartbeat.encode());
}

bool PolledDevices::all_run(const contracts::Score& score) const {
    return std::all_of(runs_.begin(), runs_.end(),
                       [&](const auto& runs) { return runs.second == score.encode(); });
}

}  // namespace harmony::op::testing
