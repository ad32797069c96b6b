#include "harmony/podman/fake_runtime.hpp"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <list>
#include <mutex>
#include <set>

namespace harmony::runtime::podman {
namespace {

class InMemoryRuntime final : public FakeContainerRuntime {
 public:
    Result<RuntimeInfo> info() override {
        const std::lock_guard lock(mutex_);
        if (auto open = enter("info", ""); !open) return fail(open.error());
        return RuntimeInfo{.name = "podman",
                           .version = "4.3.1",
                           .architecture = "amd64",
                           .operating_system = "linux",
                           .kernel = "6.1.0",
                           .rootless = false};
    }

    Result<std::vector<Container>> list(const Labels& labels) override {
        const std::lock_guard lock(mutex_);
        if (auto open = enter("list", ""); !open) return fail(open.error());
        std::vector<Container> found;
        for (const Entry& entry : entries_) {
            const bool carries_all = std::all_of(labels.begin(), labels.end(), [&](const auto& label) {
                const auto own = entry.container.labels.find(label.first);
                return own != entry.container.labels.end() &&
                       (label.second.empty() || own->second == label.second);
            });
            if (carries_all) found.push_back(entry.container);
        }
        return found;
    }

    Result<Container> inspect(const std::string& container) override {
        const std::lock_guard lock(mutex_);
        auto entry = enter_with("inspect", container);
        if (!entry) return fail(entry.error());
        return (*entry)->container;
    }

    Result<std::string> create(const ContainerSpec& spec) override {
        const std::lock_guard lock(mutex_);
        if (auto open = enter("create", spec.name); !open) return fail(open.error());
        if (images_.count(spec.image) == 0) {
            return fail(ErrorKind::NotFound,
                        "create container " + spec.name + ": no such image " + spec.image);
        }
        if (find(spec.name) != nullptr) {
            return fail(ErrorKind::Conflict,
                        "create container " + spec.name + ": the name is already in use");
        }
        Entry& entry = entries_.emplace_back();
        entry.spec = spec;
        Container& container = entry.container;
        container.id = std::string(56, '0') + std::to_string(10'000'000 + ++last_id_);
        container.name = spec.name;
        container.image = spec.image;
        container.image_id = "id-of-" + spec.image;
        container.status = ContainerStatus::Created;
        container.labels = spec.labels;
        container.created_at = now_;
        container.stop_timeout = spec.stop_timeout;
        emit(entry, "create");
        return container.id;
    }

    Result<void> start(const std::string& container) override {
        const std::lock_guard lock(mutex_);
        auto entry = enter_with("start", container);
        if (!entry) return fail(entry.error());
        if ((*entry)->container.status == ContainerStatus::Running) return {};
        run(**entry);
        const auto exits = exits_on_start_.find((*entry)->spec.image);
        if (exits != exits_on_start_.end()) end(**entry, exits->second, false);
        return {};
    }

    Result<void> stop(const std::string& container, std::chrono::seconds grace) override {
        const std::lock_guard lock(mutex_);
        last_grace_ = grace;
        auto entry = enter_with("stop", container);
        if (!entry) return fail(entry.error());
        if ((*entry)->container.status == ContainerStatus::Running) end(**entry, 143, false);
        return {};
    }

    Result<void> remove(const std::string& container) override {
        const std::lock_guard lock(mutex_);
        auto entry = enter_with("remove", container);
        if (!entry) return fail(entry.error());
        emit(**entry, "remove");
        entries_.remove_if([&](const Entry& known) { return &known == *entry; });
        changed_.notify_all();
        return {};
    }

    Result<int> wait(const std::string& container, std::chrono::milliseconds timeout,
                     std::stop_token stop) override {
        std::unique_lock lock(mutex_);
        auto entry = enter_with("wait", container);
        if (!entry) return fail(entry.error());
        const std::string id = (*entry)->container.id;
        const auto ended = [&] {
            const Entry* const current = find(id);
            return current == nullptr || current->container.status == ContainerStatus::Exited;
        };
        if (!changed_.wait_for(lock, stop, timeout, ended)) {
            if (stop.stop_requested()) return fail(ErrorKind::Cancelled, "wait for container: cancelled");
            return fail(ErrorKind::Timeout, "wait for container " + container + ": still running");
        }
        const Entry* const current = find(id);
        if (current == nullptr)
            return fail(ErrorKind::NotFound, "wait for container " + container + ": removed");
        return current->container.exit_code;
    }

    Result<bool> image_exists(const std::string& image) override {
        const std::lock_guard lock(mutex_);
        if (auto open = enter("image_exists", image); !open) return fail(open.error());
        return images_.count(image) != 0;
    }

    Result<std::string> pull(const std::string& image, const PullProgress& progress,
                             std::stop_token) override {
        std::function<void(const std::string&)> hook;
        {
            const std::lock_guard lock(mutex_);
            if (auto open = enter("pull", image); !open) return fail(open.error());
            if (registry_.count(image) == 0) {
                return fail(ErrorKind::NotFound, "pull image " + image + ": manifest unknown");
            }
            hook = on_pull_;
        }
        if (hook) hook(image);
        {
            const std::lock_guard lock(mutex_);
            images_.insert(image);
        }
        if (progress) progress("Trying to pull " + image + "...");
        return "id-of-" + image;
    }

    Result<LogTail> logs(const std::string& container, const LogRequest& request) override {
        const std::lock_guard lock(mutex_);
        auto entry = enter_with("logs", container);
        if (!entry) return fail(entry.error());
        LogTail tail;
        for (const Logged& logged : (*entry)->logs) {
            if (logged.second <= request.since) continue;
            LogLine line = logged.line;
            line.bytes = std::max(line.bytes, line.text.size());
            tail.truncated = tail.truncated || line.text.size() > request.max_line_bytes;
            line.text.resize(std::min(line.text.size(), request.max_line_bytes));
            tail.lines.push_back(std::move(line));
            tail.position = advanced(tail.position, logged.second);
        }
        if (tail.lines.size() > request.lines) {
            tail.lines.erase(tail.lines.begin(),
                             tail.lines.end() - static_cast<std::ptrdiff_t>(request.lines));
        }
        return tail;
    }

    Result<void> follow_logs(const std::string& container, const LogPosition& from,
                             std::size_t max_line_bytes, const LogHandler& on_line,
                             std::stop_token stop) override {
        std::unique_lock lock(mutex_);
        auto entry = enter_with("follow_logs", container);
        if (!entry) return fail(entry.error());
        const std::string id = (*entry)->container.id;
        const std::uint64_t life = (*entry)->lives;
        const std::uint64_t breaks = breaks_;
        LogPosition position;
        for (std::size_t next = 0;;) {
            Entry* current = nullptr;
            changed_.wait(lock, stop, [&] {
                current = find(id);
                return current == nullptr || next < current->logs.size() || current->lives != life ||
                       current->container.status != ContainerStatus::Running || !available_ ||
                       breaks_ != breaks;
            });
            if (stop.stop_requested()) return {};
            if (!available_ || breaks_ != breaks) {
                return fail(ErrorKind::Unavailable, "follow_logs: the stream broke");
            }
            if (current == nullptr) return {};
            if (next >= current->logs.size()) return {};
            Logged logged = current->logs[next++];
            position = advanced(position, logged.second);
            const bool old = logged.second < from.second ||
                             (logged.second == from.second && position.entries <= from.entries);
            if (old) continue;
            logged.line.bytes = std::max(logged.line.bytes, logged.line.text.size());
            logged.line.text.resize(std::min(logged.line.text.size(), max_line_bytes));
            lock.unlock();
            const bool wanted = on_line(std::move(logged.line), position);
            lock.lock();
            ++lines_followed_;
            if (!wanted) return {};
        }
    }

    Result<ExecOutcome> exec(const std::string& container, const ExecSpec& spec,
                             std::stop_token stop) override {
        std::unique_lock lock(mutex_);
        auto entry = enter_with("exec", container);
        if (!entry) return fail(entry.error());
        if ((*entry)->container.status != ContainerStatus::Running) {
            return fail(ErrorKind::Conflict, "exec in container " + container + ": it does not run");
        }
        ExecOutcome outcome;
        const std::string& program = spec.argv.at(0);
        if (program == "echo") {
            for (std::size_t i = 1; i < spec.argv.size(); ++i)
                outcome.standard_output += (i > 1 ? " " : "") + spec.argv[i];
            outcome.standard_output += "\n";
            outcome.truncated = outcome.standard_output.size() > spec.max_stream_bytes;
            outcome.standard_output.resize(std::min(outcome.standard_output.size(), spec.max_stream_bytes));
        } else if (program == "false") {
            outcome.exit_code = 1;
        } else if (program == "sleep") {
            changed_.wait_for(lock, stop, spec.timeout, [] { return false; });
            if (stop.stop_requested()) return fail(ErrorKind::Cancelled, "exec: cancelled");
            return fail(ErrorKind::Timeout, "the command did not end in time and was killed");
        } else {
            outcome.exit_code = 127;
            outcome.standard_error = "Error: executable file `" + program + "` not found in $PATH\n";
        }
        return outcome;
    }

    Result<void> events(const EventFilter& filter, const EventHandler& on_event,
                        std::stop_token stop) override {
        std::unique_lock lock(mutex_);
        if (auto open = enter("events", filter.label); !open) return fail(open.error());
        for (std::size_t next = events_.size();;) {
            changed_.wait(lock, stop, [&] { return next < events_.size() || !available_; });
            if (stop.stop_requested()) return {};
            if (!available_) return fail(ErrorKind::Unavailable, "podman events: the stream ended");
            const RuntimeEvent event = events_[next++];
            if (!carries(event, filter.label)) continue;
            lock.unlock();
            const bool wanted = on_event(event);
            lock.lock();
            if (!wanted) return {};
        }
    }

    std::vector<std::string> calls() const override {
        const std::lock_guard lock(mutex_);
        return calls_;
    }
    void forget_calls() override {
        const std::lock_guard lock(mutex_);
        calls_.clear();
    }
    void fail_next(std::string verb, int nth, Error error) override {
        const std::lock_guard lock(mutex_);
        planned_.push_back({std::move(verb), nth, std::move(error)});
    }
    void set_available(bool available) override {
        const std::lock_guard lock(mutex_);
        available_ = available;
        changed_.notify_all();
    }
    void add_image(std::string image) override {
        const std::lock_guard lock(mutex_);
        images_.insert(std::move(image));
    }
    void add_registry_image(std::string image) override {
        const std::lock_guard lock(mutex_);
        registry_.insert(std::move(image));
    }
    void exit_container(const std::string& container, int exit_code) override {
        const std::lock_guard lock(mutex_);
        if (Entry* const entry = find(container)) end(*entry, exit_code, true);
    }
    void exit_on_start(std::string image, int exit_code) override {
        const std::lock_guard lock(mutex_);
        exits_on_start_[std::move(image)] = exit_code;
    }
    void set_logs(const std::string& container, std::vector<LogLine> lines) override {
        const std::lock_guard lock(mutex_);
        Entry* const entry = find(container);
        if (entry == nullptr) return;
        entry->logs.clear();
        for (LogLine& line : lines)
            entry->logs.push_back({now_, std::move(line)});
        changed_.notify_all();
    }
    void append_log(const std::string& container, LogLine line) override {
        const std::lock_guard lock(mutex_);
        if (Entry* const entry = find(container)) entry->logs.push_back({now_, std::move(line)});
        changed_.notify_all();
    }
    std::size_t lines_followed() const override {
        const std::lock_guard lock(mutex_);
        return lines_followed_;
    }
    void break_streams() override {
        const std::lock_guard lock(mutex_);
        ++breaks_;
        changed_.notify_all();
    }
    std::optional<ContainerSpec> spec_of(const std::string& container) const override {
        const std::lock_guard lock(mutex_);
        const auto* const entry = find(container);
        return entry != nullptr ? std::optional(entry->spec) : std::nullopt;
    }
    void on_pull(std::function<void(const std::string&)> hook) override {
        const std::lock_guard lock(mutex_);
        on_pull_ = std::move(hook);
    }
    std::chrono::seconds last_grace() const override {
        const std::lock_guard lock(mutex_);
        return last_grace_;
    }
    void set_time(std::int64_t seconds) override {
        const std::lock_guard lock(mutex_);
        now_ = seconds;
    }

 private:
    struct Logged {
        std::int64_t second;
        LogLine line;
    };
    struct Entry {
        Container container;
        ContainerSpec spec;
        std::vector<Logged> logs;
        std::uint64_t lives = 0;  // how often it was started
    };
    struct PlannedFailure {
        std::string verb;
        int remaining;
        Error error;
    };

    static LogPosition advanced(const LogPosition& position, std::int64_t second) {
        return {second, second == position.second ? position.entries + 1 : 1};
    }

    static bool carries(const RuntimeEvent& event, const std::string& label) {
        const auto equals = label.find('=');
        const auto own = event.attributes.find(label.substr(0, equals));
        if (label.empty()) return true;
        return own != event.attributes.end() &&
               (equals == std::string::npos || own->second == label.substr(equals + 1));
    }

    // Every call passes here first: recorded, then failed where a test asked for it.
    Result<void> enter(const std::string& verb, const std::string& name) {
        calls_.push_back(name.empty() ? verb : verb + " " + name);
        if (!available_) return fail(ErrorKind::Unavailable, verb + ": no podman socket");
        for (PlannedFailure& failure : planned_) {
            if (failure.verb == verb && --failure.remaining == 0) return fail(failure.error);
        }
        return {};
    }

    Result<Entry*> enter_with(const std::string& verb, const std::string& container) {
        Entry* const entry = find(container);
        if (auto open = enter(verb, entry != nullptr ? entry->container.name : container); !open) {
            return fail(open.error());
        }
        if (entry == nullptr)
            return fail(ErrorKind::NotFound, verb + " container " + container + ": no such container");
        return entry;
    }

    const Entry* find(const std::string& container) const {
        for (const Entry& entry : entries_) {
            if (entry.container.id == container || entry.container.name == container) return &entry;
        }
        return nullptr;
    }
    Entry* find(const std::string& container) {
        return const_cast<Entry*>(std::as_const(*this).find(container));
    }

    void run(Entry& entry) {
        entry.container.status = ContainerStatus::Running;
        entry.container.started_at = now_;
        ++entry.lives;
        entry.container.exit_code = 0;
        emit(entry, "start");
    }

    void end(Entry& entry, int exit_code, bool may_restart) {
        entry.container.status = ContainerStatus::Exited;
        entry.container.exit_code = exit_code;
        emit(entry, "died");
        const RestartPolicy policy = entry.spec.restart_policy;
        const bool restarts =
            policy == RestartPolicy::Always || (policy == RestartPolicy::OnFailure && exit_code != 0);
        if (!may_restart || !restarts) return;
        ++entry.container.restart_count;
        run(entry);
    }

    void emit(const Entry& entry, std::string action) {
        RuntimeEvent event{.container_id = entry.container.id,
                           .container_name = entry.container.name,
                           .action = std::move(action),
                           .attributes = entry.container.labels,
                           .at_nanoseconds = now_ * 1'000'000'000};
        event.attributes["name"] = entry.container.name;
        if (event.action == "died") {
            event.attributes["containerExitCode"] = std::to_string(entry.container.exit_code);
        }
        events_.push_back(std::move(event));
        changed_.notify_all();
    }

    mutable std::mutex mutex_;
    std::condition_variable_any changed_;
    bool available_ = true;
    std::uint64_t breaks_ = 0;
    std::size_t lines_followed_ = 0;
    std::int64_t now_ = 1'700'000'000;
    std::chrono::seconds last_grace_{0};
    std::function<void(const std::string&)> on_pull_;
    std::uint64_t last_id_ = 0;
    std::list<Entry> entries_;  // a list: entries keep their addresses
    std::set<std::string> images_;
    std::set<std::string> registry_;
    std::map<std::string, int> exits_on_start_;
    std::vector<std::string> calls_;
    std::vector<PlannedFailure> planned_;
    std::deque<RuntimeEvent> events_;
};

}  // namespace

std::unique_ptr<FakeContainerRuntime> FakeContainerRuntime::create_runtime() {
    return std::make_unique<InMemoryRuntime>();
}

}  // namespace harmony::runtime::podman
