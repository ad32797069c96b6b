// Capabilities in memory, for unit tests of Scores, commands and scenarios. Each records its calls as
// "method name" and can fail the n-th of them. Not thread-safe.
#pragma once

#include <harmony/capability/container_runtime.hpp>
#include <harmony/capability/process_host.hpp>
#include <harmony/capability/secret_store.hpp>
#include <harmony/capability/service_directory.hpp>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace harmony::plugin::testing {

// The record and the faults of one fake.
class CallRecord {
 public:
    // The n-th call from now on, the next being 1, fails with this.
    void fail_call(int n, Diagnostic diagnostic);
    [[nodiscard]] const std::vector<std::string>& calls() const { return calls_; }
    [[nodiscard]] int count(std::string_view method) const;

 protected:
    // Notes the call; what it returns is what the call has to fail with.
    std::optional<Diagnostic> note(std::string call);

 private:
    std::vector<std::string> calls_;
    std::map<std::size_t, Diagnostic> faults_;
};

class FakeProcessHost : public ProcessHost, public CallRecord {
 public:
    Result<DaemonPlan> plan(const DaemonSpec& spec) override;
    Result<DaemonEnsured> ensure(const DaemonSpec& spec) override;
    Result<std::optional<Daemon>> inspect(const std::string& name) override;
    Result<std::vector<Daemon>> list() override;
    Result<Daemon> restart(const std::string& name) override;
    Result<bool> remove(const std::string& name, bool delete_data) override;
    Result<std::vector<std::string>> logs(const std::string& name, int lines) override;
    Result<Daemon> stop(const std::string& name) override;
    // KILL and TERM start it anew at once, as a supervisor would.
    Result<void> signal(const std::string& name, const std::string& signal) override;
    Result<std::vector<std::string>> kept_data() override;

    // As if it had died and its supervisor with it.
    void lose(const std::string& name);
    void set_logs(const std::string& name, std::vector<std::string> lines) { logs_[name] = std::move(lines); }
    [[nodiscard]] const DaemonSpec* spec(const std::string& name) const;
    // Daemons whose data is still there, removed ones included.
    [[nodiscard]] const std::set<std::string>& data() const { return data_; }

 private:
    struct Entry {
        DaemonSpec spec;
        Daemon daemon;
    };

    DaemonAction action_for(const DaemonSpec& spec) const;
    Daemon start(const DaemonSpec& spec);

    std::map<std::string, Entry> daemons_;
    std::map<std::string, std::vector<std::string>> logs_;
    std::set<std::string> data_;
    int next_port_ = 40000;
    std::int64_t next_pid_ = 1000;
};

class FakeServiceDirectory final : public ServiceDirectory, public CallRecord {
 public:
    FakeServiceDirectory() = default;
    // Also answers for the daemons of that host, which has to live as long.
    explicit FakeServiceDirectory(FakeProcessHost& host) : host_(&host) {}

    Result<Endpoint> resolve(const std::string& service, const std::string& port) override;
    Result<std::vector<ServicePort>> list() override;

    void add(ServicePort entry) { entries_.push_back(std::move(entry)); }

 private:
    [[nodiscard]] std::vector<ServicePort> all() const;

    FakeProcessHost* host_ = nullptr;
    std::vector<ServicePort> entries_;
};

class FakeSecretStore final : public SecretStore, public CallRecord {
 public:
    Result<std::string> get(const std::string& name) override;
    Result<std::vector<std::string>> list(const std::string& prefix) override;
    // Deterministic, of the length that the real one has.
    Result<EnsuredSecret> ensure(const std::string& name, int bytes) override;
    Result<void> put(const std::string& name, const std::string& value) override;
    Result<bool> remove(const std::string& name) override;

    [[nodiscard]] const std::map<std::string, std::string>& values() const { return values_; }

 private:
    std::map<std::string, std::string> values_;
    int generated_ = 0;
};

class FakeContainerRuntime final : public ContainerRuntime, public CallRecord {
 public:
    Result<ContainerRuntimeInfo> info() override;
    Result<ContainerRuntimeEndpoint> ensure() override;
    Result<std::vector<Container>> containers(const Labels& labels) override;
    Result<std::int64_t> remove_containers(const Labels& labels) override;
    Result<bool> image_exists(const std::string& image) override;

    void add(Container container) { containers_.push_back(std::move(container)); }
    void add_image(std::string image) { images_.insert(std::move(image)); }
    void set_socket(std::string path) { socket_ = std::move(path); }
    [[nodiscard]] bool running() const { return running_; }

 private:
    std::string socket_ = "/run/fake/podman.sock";
    bool running_ = false;
    std::vector<Container> containers_;
    std::set<std::string> images_;
};

}  // namespace harmony::plugin::testing
