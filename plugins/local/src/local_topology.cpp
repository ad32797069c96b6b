#include "local_topology.hpp"

#include "diagnostics.hpp"

namespace harmony::local {
namespace {

using plugin::Result;

DaemonSpec to_library(const plugin::DaemonSpec& given) {
    DaemonSpec spec;
    spec.name = given.name;
    spec.program = given.program;
    spec.args = given.args;
    spec.env = given.env;
    for (const auto& each : given.files) {
        DaemonFile file;
        file.path = each.path;
        file.content = each.content;
        // The SDK has checked that it is octal text.
        file.mode = static_cast<unsigned>(std::stoul(each.mode, nullptr, 8));
        file.sensitive = each.sensitive;
        file.reloadable = each.reloadable;
        spec.files.push_back(std::move(file));
    }
    for (const auto& port : given.ports)
        spec.ports.push_back({port.name, port.port});
    spec.readiness = {"none", given.readiness.port, given.readiness.path, double(given.readiness.timeout_s)};
    if (given.readiness.kind == plugin::ReadinessKind::Tcp) spec.readiness.kind = "tcp";
    if (given.readiness.kind == plugin::ReadinessKind::Http) spec.readiness.kind = "http";
    spec.reload_signal = given.reload_signal;
    spec.stop = {given.stop.signal, double(given.stop.grace_s)};
    spec.restart.initial = std::chrono::milliseconds(given.restart.initial_ms);
    spec.restart.max = std::chrono::milliseconds(given.restart.max_ms);
    spec.restart.reset_after_s = given.restart.reset_after_s;
    return spec;
}

plugin::DaemonState state_of(const std::string& text) {
    if (text == "running") return plugin::DaemonState::Running;
    if (text == "starting") return plugin::DaemonState::Starting;
    if (text == "backing-off") return plugin::DaemonState::BackingOff;
    return plugin::DaemonState::Stopped;
}

plugin::Daemon to_sdk(const DaemonView& view) {
    plugin::Daemon daemon;
    daemon.name = view.name;
    daemon.state = state_of(view.state);
    daemon.ready = view.ready;
    daemon.pid = view.pid;
    daemon.started_at = view.started_at;
    daemon.restarts = view.restarts;
    if (!view.last_exit.empty()) daemon.last_exit = view.last_exit;
    daemon.ports = view.ports;
    daemon.config_dir = view.config_dir;
    daemon.data_dir = view.data_dir;
    daemon.log_file = view.log_file;
    daemon.spec_hash = view.spec_hash;
    return daemon;
}

plugin::DaemonAction to_sdk(DaemonAction action) {
    switch (action) {
        case DaemonAction::None:
            return plugin::DaemonAction::None;
        case DaemonAction::Create:
            return plugin::DaemonAction::Create;
        case DaemonAction::Update:
            return plugin::DaemonAction::Update;
        case DaemonAction::Reload:
            return plugin::DaemonAction::Reload;
        case DaemonAction::Restart:
            return plugin::DaemonAction::Restart;
    }
    return plugin::DaemonAction::None;
}

plugin::DaemonPlan to_sdk(const DaemonPlan& plan) {
    plugin::DaemonPlan result;
    result.action = to_sdk(plan.action);
    for (const auto& each : plan.diff) {
        plugin::Difference difference;
        difference.path = each.path;
        if (each.before) difference.before = plugin::Json(*each.before);
        if (each.after) difference.after = plugin::Json(*each.after);
        difference.sensitive = each.sensitive;
        result.diff.push_back(std::move(difference));
    }
    return result;
}

class ProcessHostServer final : public plugin::ProcessHost {
 public:
    explicit ProcessHostServer(LocalTopology& topology) : topology_(topology) {}

    Result<plugin::DaemonPlan> plan(const plugin::DaemonSpec& spec) override {
        return translated(topology_.daemons().plan(to_library(spec)),
                          [](DaemonPlan&& plan) { return to_sdk(plan); });
    }
    Result<plugin::DaemonEnsured> ensure(const plugin::DaemonSpec& spec) override {
        topology_.call().progress("waiting until " + spec.name + " is ready");
        return translated(topology_.daemons().ensure(to_library(spec), topology_.cancelled()),
                          [](LocalDaemons::Ensured&& ensured) {
                              return plugin::DaemonEnsured{to_sdk(ensured.action), to_sdk(ensured.daemon)};
                          });
    }
    Result<std::optional<plugin::Daemon>> inspect(const std::string& name) override {
        return translated(topology_.daemons().inspect(name), [](std::optional<DaemonView>&& view) {
            return view ? std::optional(to_sdk(*view)) : std::nullopt;
        });
    }
    Result<std::vector<plugin::Daemon>> list() override {
        return translated(topology_.daemons().list(), [](std::vector<DaemonView>&& views) {
            std::vector<plugin::Daemon> daemons;
            for (const auto& view : views)
                daemons.push_back(to_sdk(view));
            return daemons;
        });
    }
    Result<plugin::Daemon> restart(const std::string& name) override {
        return translated(topology_.daemons().restart(name, topology_.cancelled()),
                          [](DaemonView&& view) { return to_sdk(view); });
    }
    Result<bool> remove(const std::string& name, bool delete_data) override {
        return translated(topology_.daemons().remove(name, delete_data, topology_.cancelled()));
    }
    Result<std::vector<std::string>> logs(const std::string& name, int lines) override {
        return translated(topology_.daemons().logs(name, lines));
    }
    Result<plugin::Daemon> stop(const std::string& name) override {
        return translated(topology_.daemons().stop(name, topology_.cancelled()),
                          [](DaemonView&& view) { return to_sdk(view); });
    }
    Result<void> signal(const std::string& name, const std::string& signal) override {
        return translated(topology_.daemons().signal(name, signal, topology_.cancelled()));
    }
    Result<std::vector<std::string>> kept_data() override { return topology_.daemons().kept_data(); }

 private:
    LocalTopology& topology_;
};

class ServiceDirectoryServer final : public plugin::ServiceDirectory {
 public:
    explicit ServiceDirectoryServer(LocalTopology& topology) : topology_(topology) {}

    Result<plugin::Endpoint> resolve(const std::string& service, const std::string& port) override {
        return translated(topology_.daemons().resolve(service, port), [](int number) {
            return plugin::Endpoint{kLoopback, number};
        });
    }
    Result<std::vector<plugin::ServicePort>> list() override {
        return translated(topology_.daemons().services(), [](std::vector<LocalDaemons::Service>&& services) {
            std::vector<plugin::ServicePort> ports;
            for (const auto& each : services)
                ports.push_back({each.service, each.port, kLoopback, each.number});
            return ports;
        });
    }

 private:
    static constexpr const char* kLoopback = "127.0.0.1";
    LocalTopology& topology_;
};

class SecretStoreServer final : public plugin::SecretStore {
 public:
    explicit SecretStoreServer(LocalTopology& topology) : topology_(topology) {}

    Result<std::string> get(const std::string& name) override {
        return translated(topology_.secrets().get(name));
    }
    Result<std::vector<std::string>> list(const std::string& prefix) override {
        return translated(topology_.secrets().list(prefix));
    }
    Result<plugin::EnsuredSecret> ensure(const std::string& name, int bytes) override {
        return translated(topology_.secrets().ensure(name, bytes), [](SecretFiles::Ensured&& ensured) {
            return plugin::EnsuredSecret{std::move(ensured.value), ensured.created};
        });
    }
    Result<void> put(const std::string& name, const std::string& value) override {
        return translated(topology_.secrets().put(name, value));
    }
    Result<bool> remove(const std::string& name) override {
        return translated(topology_.secrets().remove(name));
    }

 private:
    LocalTopology& topology_;
};

class ContainerRuntimeServer final : public plugin::ContainerRuntime {
 public:
    explicit ContainerRuntimeServer(LocalTopology& topology) : topology_(topology) {}

    Result<plugin::ContainerRuntimeInfo> info() override {
        return translated(topology_.podman().info(), [](ContainerPodman::Info&& info) {
            return plugin::ContainerRuntimeInfo{info.socket, info.running, info.version};
        });
    }
    Result<plugin::ContainerRuntimeEndpoint> ensure() override {
        topology_.call().progress("starting podman's API service");
        return translated(topology_.podman().ensure(topology_.cancelled()), [](ContainerPodman::Info&& info) {
            return plugin::ContainerRuntimeEndpoint{info.socket, info.version};
        });
    }
    Result<std::vector<plugin::Container>> containers(const Labels& labels) override {
        return translated(
            topology_.podman().containers(labels), [](std::vector<ContainerPodman::Container>&& found) {
                std::vector<plugin::Container> containers;
                for (const auto& each : found) {
                    containers.push_back({each.id, each.name, each.image, each.state, each.labels});
                }
                return containers;
            });
    }
    Result<std::int64_t> remove_containers(const Labels& labels) override {
        return translated(topology_.podman().remove_containers(labels),
                          [](int count) { return std::int64_t{count}; });
    }
    Result<bool> image_exists(const std::string& image) override {
        return translated(topology_.podman().image_exists(image));
    }

 private:
    LocalTopology& topology_;
};

}  // namespace

struct LocalTopology::Servers {
    explicit Servers(LocalTopology& topology)
        : processes(topology), services(topology), secrets(topology), containers(topology) {}
    ProcessHostServer processes;
    ServiceDirectoryServer services;
    SecretStoreServer secrets;
    ContainerRuntimeServer containers;
};

LocalTopology::LocalTopology() = default;
LocalTopology::~LocalTopology() = default;

LocalDaemons::Cancelled LocalTopology::cancelled() const {
    return [this] { return call().cancelled(); };
}

Result<void> LocalTopology::open() {
    if (session().state_dir.empty() || session().state_dir.front() != '/') {
        return plugin::failure("local.no-state-folder", "the session has no absolute state_dir; found \"" +
                                                            session().state_dir + "\"");
    }
    daemons_ = std::make_unique<LocalDaemons>(session().state_dir, session().program_dirs);
    podman_ = std::make_unique<ContainerPodman>(*daemons_);
    secrets_ = std::make_unique<SecretFiles>(daemons_->folders().secrets());
    servers_ = std::make_unique<Servers>(*this);
    offer<plugin::ProcessHost>(servers_->processes);
    offer<plugin::ServiceDirectory>(servers_->services);
    offer<plugin::SecretStore>(servers_->secrets);
    offer<plugin::ContainerRuntime>(servers_->containers);
    return {};
}

Result<std::vector<plugin::Offer>> LocalTopology::probe() {
    const auto offer_of = [](std::string_view id, const Outcome<std::string>& program) {
        plugin::Offer offer{std::string(id), program.has_value(), {}};
        if (!program) offer.reason = program.error().summary + "; " + program.error().hint;
        return offer;
    };
    return std::vector<plugin::Offer>{
        offer_of(plugin::ProcessHost::kId,
                 resolve_program("harmony-local-supervisor", session().program_dirs)),
        {std::string(plugin::ServiceDirectory::kId), true, {}},
        {std::string(plugin::SecretStore::kId), true, {}},
        offer_of(plugin::ContainerRuntime::kId, ContainerPodman::find_program())};
}

Result<void> LocalTopology::prepare() {
    return translated(daemons_->supervisor().start());
}

Result<void> LocalTopology::release() {
    auto daemons = daemons_->list();
    if (!daemons) return diagnose(daemons.error());
    // podman's API service was started for the daemons that are gone now.
    if (daemons->size() == 1 && daemons->front().name == ContainerPodman::kDaemon) {
        auto removed = daemons_->remove(ContainerPodman::kDaemon, true, cancelled());
        if (!removed) return diagnose(removed.error());
    }
    auto ended = daemons_->supervisor().end_if_idle();
    if (!ended) return diagnose(ended.error());
    return {};
}

}  // namespace harmony::local
