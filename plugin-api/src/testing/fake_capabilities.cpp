#include <algorithm>
#include <harmony/plugin/testing/fake_capabilities.hpp>

namespace harmony::plugin::testing {

namespace {

bool carries(const Container& container, const ContainerRuntime::Labels& labels) {
    return std::all_of(labels.begin(), labels.end(), [&](const auto& label) {
        auto found = container.labels.find(label.first);
        return found != container.labels.end() && found->second == label.second;
    });
}

tl::unexpected<Diagnostic> no_daemon(const std::string& name) {
    return failure("process-host.not-found", "there is no daemon " + name);
}

// True when nothing but the content of reloadable files differs.
bool only_reloadable(DaemonSpec left, DaemonSpec right) {
    for (DaemonSpec* spec : {&left, &right}) {
        for (auto& file : spec->files) {
            if (file.reloadable) file.content.clear();
        }
    }
    return left == right;
}

}  // namespace

void CallRecord::fail_call(int n, Diagnostic diagnostic) {
    faults_.insert_or_assign(calls_.size() + static_cast<std::size_t>(n), std::move(diagnostic));
}

int CallRecord::count(std::string_view method) const {
    return static_cast<int>(std::count_if(calls_.begin(), calls_.end(), [&](const std::string& call) {
        return call.substr(0, call.find(' ')) == method;
    }));
}

std::optional<Diagnostic> CallRecord::note(std::string call) {
    calls_.push_back(std::move(call));
    auto fault = faults_.find(calls_.size());
    if (fault == faults_.end()) return std::nullopt;
    return fault->second;
}

DaemonAction FakeProcessHost::action_for(const DaemonSpec& spec) const {
    auto found = daemons_.find(spec.name);
    if (found == daemons_.end()) return DaemonAction::Create;
    if (found->second.spec != spec) {
        const bool reload = !spec.reload_signal.empty() && only_reloadable(found->second.spec, spec);
        return reload ? DaemonAction::Reload : DaemonAction::Update;
    }
    return found->second.daemon.state == DaemonState::Running ? DaemonAction::None : DaemonAction::Restart;
}

Daemon FakeProcessHost::start(const DaemonSpec& spec) {
    Daemon daemon{.name = spec.name, .state = DaemonState::Running, .ready = true, .pid = next_pid_++};
    auto before = daemons_.find(spec.name);
    for (const auto& port : spec.ports) {
        int number = port.port;
        if (number == 0 && before != daemons_.end()) number = before->second.daemon.ports[port.name];
        if (number == 0) number = next_port_++;
        daemon.ports[port.name] = number;
    }
    daemon.started_at = "2024-01-01T00:00:00Z";
    daemon.config_dir = "/fake/" + spec.name + "/config";
    daemon.data_dir = "/fake/" + spec.name + "/data";
    daemon.log_file = "/fake/" + spec.name + "/log";
    data_.insert(spec.name);
    daemons_.insert_or_assign(spec.name, Entry{spec, daemon});
    return daemon;
}

Result<DaemonPlan> FakeProcessHost::plan(const DaemonSpec& spec) {
    if (auto fault = note("plan " + spec.name)) return failure(*fault);
    DaemonPlan plan{.action = action_for(spec)};
    if (plan.action == DaemonAction::Update || plan.action == DaemonAction::Reload) {
        plan.diff.push_back({.path = "spec", .before = "old", .after = "new"});
    }
    return plan;
}

Result<DaemonEnsured> FakeProcessHost::ensure(const DaemonSpec& spec) {
    if (auto fault = note("ensure " + spec.name)) return failure(*fault);
    const DaemonAction action = action_for(spec);
    if (action == DaemonAction::None) return DaemonEnsured{action, daemons_.at(spec.name).daemon};
    return DaemonEnsured{action, start(spec)};
}

Result<std::optional<Daemon>> FakeProcessHost::inspect(const std::string& name) {
    if (auto fault = note("inspect " + name)) return failure(*fault);
    auto found = daemons_.find(name);
    if (found == daemons_.end()) return std::optional<Daemon>();
    return std::optional<Daemon>(found->second.daemon);
}

Result<std::vector<Daemon>> FakeProcessHost::list() {
    if (auto fault = note("list")) return failure(*fault);
    std::vector<Daemon> all;
    for (const auto& [name, entry] : daemons_)
        all.push_back(entry.daemon);
    return all;
}

Result<Daemon> FakeProcessHost::restart(const std::string& name) {
    if (auto fault = note("restart " + name)) return failure(*fault);
    auto found = daemons_.find(name);
    if (found == daemons_.end()) return no_daemon(name);
    const DaemonSpec spec = found->second.spec;
    return start(spec);
}

Result<bool> FakeProcessHost::remove(const std::string& name, bool delete_data) {
    if (auto fault = note("remove " + name)) return failure(*fault);
    const bool had_data = delete_data && data_.erase(name) > 0;
    return daemons_.erase(name) > 0 || had_data;
}

Result<std::vector<std::string>> FakeProcessHost::logs(const std::string& name, int lines) {
    if (auto fault = note("logs " + name)) return failure(*fault);
    if (!daemons_.contains(name)) return no_daemon(name);
    const auto& all = logs_[name];
    const std::size_t count = std::min(all.size(), static_cast<std::size_t>(lines));
    return std::vector<std::string>(all.end() - static_cast<std::ptrdiff_t>(count), all.end());
}

Result<Daemon> FakeProcessHost::stop(const std::string& name) {
    if (auto fault = note("stop " + name)) return failure(*fault);
    if (!daemons_.contains(name)) return no_daemon(name);
    lose(name);
    return daemons_.at(name).daemon;
}

Result<void> FakeProcessHost::signal(const std::string& name, const std::string& signal) {
    if (auto fault = note("signal " + name + " " + signal)) return failure(*fault);
    auto found = daemons_.find(name);
    if (found == daemons_.end()) return no_daemon(name);
    if (found->second.daemon.pid == 0) {
        return failure("process-host.not-running", "the daemon " + name + " does not run");
    }
    if (signal != "KILL" && signal != "TERM") return {};
    const std::int64_t restarts = found->second.daemon.restarts + 1;
    start(DaemonSpec(found->second.spec));
    daemons_.at(name).daemon.restarts = restarts;
    return {};
}

Result<std::vector<std::string>> FakeProcessHost::kept_data() {
    if (auto fault = note("kept_data")) return failure(*fault);
    std::vector<std::string> names;
    for (const auto& name : data_) {
        if (!daemons_.contains(name)) names.push_back(name);
    }
    return names;
}

void FakeProcessHost::lose(const std::string& name) {
    auto found = daemons_.find(name);
    if (found == daemons_.end()) return;
    found->second.daemon.state = DaemonState::Stopped;
    found->second.daemon.ready = false;
    found->second.daemon.pid = 0;
}

const DaemonSpec* FakeProcessHost::spec(const std::string& name) const {
    auto found = daemons_.find(name);
    return found == daemons_.end() ? nullptr : &found->second.spec;
}

std::vector<ServicePort> FakeServiceDirectory::all() const {
    std::vector<ServicePort> entries = entries_;
    if (host_ == nullptr) return entries;
    const auto daemons = host_->list();
    if (!daemons) return entries;
    for (const auto& daemon : *daemons) {
        for (const auto& [port, number] : daemon.ports) {
            entries.push_back({daemon.name, port, "127.0.0.1", number});
        }
    }
    return entries;
}

Result<Endpoint> FakeServiceDirectory::resolve(const std::string& service, const std::string& port) {
    if (auto fault = note("resolve " + service + " " + port)) return failure(*fault);
    for (const auto& entry : all()) {
        if (entry.service == service && entry.port == port) return Endpoint{entry.host, entry.number};
    }
    return failure(std::string(kNotFound),
                   "nothing named " + service + " with a port " + port + " is deployed");
}

Result<std::vector<ServicePort>> FakeServiceDirectory::list() {
    if (auto fault = note("list")) return failure(*fault);
    return all();
}

Result<std::string> FakeSecretStore::get(const std::string& name) {
    if (auto fault = note("get " + name)) return failure(*fault);
    auto found = values_.find(name);
    if (found == values_.end()) return failure(std::string(kNotFound), "there is no secret " + name);
    return found->second;
}

Result<std::vector<std::string>> FakeSecretStore::list(const std::string& prefix) {
    if (auto fault = note("list " + prefix)) return failure(*fault);
    std::vector<std::string> names;
    for (const auto& [name, value] : values_) {
        if (name.starts_with(prefix)) names.push_back(name);
    }
    return names;
}

Result<EnsuredSecret> FakeSecretStore::ensure(const std::string& name, int bytes) {
    if (auto fault = note("ensure " + name)) return failure(*fault);
    auto found = values_.find(name);
    if (found != values_.end()) return EnsuredSecret{found->second, false};
    std::string value = "generated-" + std::to_string(++generated_) + "-";
    value.resize((static_cast<std::size_t>(bytes) * 8 + 5) / 6, 'x');  // base64: six bits a character
    values_[name] = value;
    return EnsuredSecret{value, true};
}

Result<void> FakeSecretStore::put(const std::string& name, const std::string& value) {
    if (auto fault = note("put " + name)) return failure(*fault);
    values_[name] = value;
    return {};
}

Result<bool> FakeSecretStore::remove(const std::string& name) {
    if (auto fault = note("remove " + name)) return failure(*fault);
    return values_.erase(name) > 0;
}

Result<ContainerRuntimeInfo> FakeContainerRuntime::info() {
    if (auto fault = note("info")) return failure(*fault);
    return ContainerRuntimeInfo{.socket = socket_, .running = running_, .version = "4.3.1"};
}

Result<ContainerRuntimeEndpoint> FakeContainerRuntime::ensure() {
    if (auto fault = note("ensure")) return failure(*fault);
    running_ = true;
    return ContainerRuntimeEndpoint{.socket = socket_, .version = "4.3.1"};
}

Result<std::vector<Container>> FakeContainerRuntime::containers(const Labels& labels) {
    if (auto fault = note("containers")) return failure(*fault);
    std::vector<Container> found;
    for (const auto& container : containers_) {
        if (carries(container, labels)) found.push_back(container);
    }
    return found;
}

Result<std::int64_t> FakeContainerRuntime::remove_containers(const Labels& labels) {
    if (auto fault = note("remove_containers")) return failure(*fault);
    if (labels.empty()) return invalid_parameter("labels", "at least one label is required");
    return static_cast<std::int64_t>(
        std::erase_if(containers_, [&](const Container& container) { return carries(container, labels); }));
}

Result<bool> FakeContainerRuntime::image_exists(const std::string& image) {
    if (auto fault = note("image_exists " + image)) return failure(*fault);
    return images_.contains(image);
}

}  // namespace harmony::plugin::testing
