#include "podman.hpp"

#include <algorithm>

namespace harmony::simulation {

namespace podman = runtime::podman;
using podman::ContainerStatus;

bool runs_well(const std::string& image) {
    return image.starts_with("stable:") || image.starts_with("init-ok:");
}

Podman::Entry* Podman::find(const std::string& name_or_id) {
    for (Entry& entry : entries_) {
        if (entry.container.id == name_or_id || entry.container.name == name_or_id) return &entry;
    }
    return nullptr;
}

void Podman::tell_change() {
    if (!changed_ || !up_) return;
    // An event may be lost; the slow tick looks anyway.
    if (!random_.chance(0.02)) changed_();
}

void Podman::run(Entry& entry) {
    entry.container.status = ContainerStatus::Running;
    entry.container.started_at = seconds();
    entry.container.exit_code = 0;
    history_.add(Happened::ContainerStarted, device_, entry.container.name);
    if (observer_.on_start) observer_.on_start(entry.container);
    const std::string& image = entry.spec.image;
    if (image.starts_with("stable:") || image.starts_with("init-hang:")) return;
    const int code = image.starts_with("init-ok:") ? 0 : 1;
    Micros runs = random_.between(200, 5'000) * kMillisecond;
    if (image.starts_with("crash:")) {
        // After some dozen times nothing new is learned from it.
        runs = entry.run < 24 ? random_.between(20, 90) * kSecond : random_.between(2, 4) * kHour;
    }
    scheduler_.after(runs, [this, id = entry.container.id, count = ++entry.run, code] {
        Entry* const ended = find(id);
        if (ended && ended->run == count && ended->container.status == ContainerStatus::Running)
            end(*ended, code, true);
    });
}

void Podman::end(Entry& entry, int exit_code, bool may_restart) {
    ++entry.run;
    entry.container.status = ContainerStatus::Exited;
    entry.container.exit_code = exit_code;
    history_.add(Happened::ContainerEnded, device_, entry.container.name);
    for (const auto& [process, ticket] : entry.waiting) {
        if (const auto alive = process.lock()) (*alive)->wake(ticket);
    }
    entry.waiting.clear();
    tell_change();
    const podman::RestartPolicy policy = entry.spec.restart_policy;
    const bool restarts = policy == podman::RestartPolicy::Always ||
                          (policy == podman::RestartPolicy::OnFailure && exit_code != 0);
    if (!may_restart || !restarts || !up_) return;
    ++entry.container.restart_count;
    run(entry);
}

void Podman::erase(const std::string& id) {
    Entry* const entry = find(id);
    if (!entry) return;
    history_.add(Happened::ContainerRemoved, device_, entry->container.name);
    for (const auto& [process, ticket] : entry->waiting) {
        if (const auto alive = process.lock()) (*alive)->wake(ticket);
    }
    entries_.remove_if([&](const Entry& known) { return known.container.id == id; });
    tell_change();
}

void Podman::set_up(bool up) {
    if (up_ == up) return;
    up_ = up;
    history_.add(up ? Happened::PodmanUp : Happened::PodmanDown, device_);
    if (up) tell_change();
}

void Podman::reboot() {
    for (Entry& entry : entries_) {
        if (entry.container.status != ContainerStatus::Running) continue;
        ++entry.run;
        entry.container.status = ContainerStatus::Exited;
        entry.container.exit_code = 137;
    }
}

void Podman::end_any() {
    std::vector<Entry*> running;
    for (Entry& entry : entries_) {
        // One with another policy would stay ended, and rightly be reported as failed for ever.
        if (entry.container.status == ContainerStatus::Running &&
            entry.spec.restart_policy != podman::RestartPolicy::No)
            running.push_back(&entry);
    }
    if (running.empty()) return;
    end(*random_.pick(running), 1, true);
}

void Podman::remove_any() {
    if (entries_.empty()) return;
    auto entry = entries_.begin();
    std::advance(entry, random_.below(static_cast<std::int64_t>(entries_.size())));
    erase(entry->container.id);
}

std::vector<podman::Container> Podman::containers() const {
    std::vector<podman::Container> all;
    all.reserve(entries_.size());
    for (const Entry& entry : entries_)
        all.push_back(entry.container);
    return all;
}

class SimulatedRuntime final : public podman::ContainerRuntime {
 public:
    SimulatedRuntime(Podman& podman, Process& process) : podman_(podman), process_(process) {}

    Result<podman::RuntimeInfo> info() override {
        if (auto open = enter("info", 0); !open) return fail(open.error());
        podman::RuntimeInfo info;
        info.name = "podman";
        info.version = "4.3.1";
        return info;
    }

    // The look of each tick: it takes no time, because nothing waits for it.
    Result<std::vector<podman::Container>> list(const podman::Labels& labels) override {
        if (auto open = enter("list", 0); !open) return fail(open.error());
        std::vector<podman::Container> found;
        found.reserve(podman_.entries_.size());
        for (const Podman::Entry& entry : podman_.entries_) {
            const bool carries_all = std::all_of(labels.begin(), labels.end(), [&](const auto& label) {
                const auto own = entry.container.labels.find(label.first);
                return own != entry.container.labels.end() &&
                       (label.second.empty() || own->second == label.second);
            });
            if (carries_all) found.push_back(entry.container);
        }
        return found;
    }

    Result<podman::Container> inspect(const std::string& container) override {
        if (auto open = enter("inspect", 3); !open) return fail(open.error());
        Podman::Entry* const entry = podman_.find(container);
        if (!entry) return not_found("inspect", container);
        podman::Container result = entry->container;
        result.stop_timeout = entry->spec.stop_timeout;
        return result;
    }

    Result<std::string> create(const podman::ContainerSpec& spec) override {
        if (auto open = enter("create", 7); !open) return fail(open.error());
        if (!podman_.images_.contains(spec.image)) return not_found("create", spec.image);
        const bool taken = podman_.find(spec.name) != nullptr;
        if (taken && !podman_.plants_.contains(Plant::TwoGenerations)) {
            return fail(ErrorKind::Conflict, "create " + spec.name + ": the name is already in use");
        }
        const std::string id = make(spec);
        if (podman_.plants_.contains(Plant::StrayContainer)) {
            podman::ContainerSpec stray = spec;
            stray.name += "-stray";
            stray.labels["io.nationtech.harmony/deployment"] = "stray";
            (void)make(stray);
        }
        process_.block(podman_.random_.between(1, 4) * kMillisecond);
        process_.crash_point();
        return id;
    }

    Result<void> start(const std::string& container) override {
        if (auto open = enter("start", 40); !open) return open;
        Podman::Entry* const entry = podman_.find(container);
        if (!entry) return not_found("start", container);
        if (entry->container.status != ContainerStatus::Running) podman_.run(*entry);
        if (podman_.plants_.contains(Plant::EndlessCall) && podman_.random_.chance(0.05)) {
            while (true)
                process_.block(kHour);
        }
        process_.block(podman_.random_.between(1, 20) * kMillisecond);
        process_.crash_point();
        return {};
    }

    Result<void> stop(const std::string& container, std::chrono::seconds grace) override {
        if (auto open = enter("stop", 2); !open) return open;
        Podman::Entry* entry = podman_.find(container);
        if (!entry) return not_found("stop", container);
        if (entry->container.status != ContainerStatus::Running) return {};
        if (podman_.plants_.contains(Plant::TwoGenerations)) return {};
        const std::string id = entry->container.id;
        const Micros patience = std::chrono::microseconds(grace).count();
        process_.block(std::min(patience, podman_.random_.between(10, 12'000) * kMillisecond));
        entry = podman_.find(id);
        if (entry && entry->container.status == ContainerStatus::Running) podman_.end(*entry, 143, false);
        process_.crash_point();
        return {};
    }

    Result<void> remove(const std::string& container) override {
        if (auto open = enter("remove", 10); !open) return open;
        Podman::Entry* const entry = podman_.find(container);
        if (!entry) return not_found("remove", container);
        const std::string id = entry->container.id;
        if (podman_.plants_.contains(Plant::TwoGenerations)) {
            Podman* const owner = &podman_;
            podman_.scheduler_.after(kMinute, [owner, id] { owner->erase(id); });
            return {};
        }
        podman_.erase(id);
        process_.crash_point();
        return {};
    }

    Result<int> wait(const std::string& container, std::chrono::milliseconds timeout,
                     std::stop_token stop) override {
        if (auto open = enter("wait", 1); !open) return fail(open.error());
        const Micros deadline = podman_.scheduler_.now() + std::chrono::microseconds(timeout).count();
        Podman::Entry* entry = podman_.find(container);
        if (!entry) return not_found("wait", container);
        const std::string id = entry->container.id;
        if (entry->container.status == ContainerStatus::Running) {
            const Process::Ticket ticket = process_.ticket();
            entry->waiting.emplace_back(process_.handle(), ticket);
            const std::stop_callback woken(stop, [this, ticket] { process_.wake(ticket); });
            process_.wait(deadline);
        }
        process_.crash_point();
        entry = podman_.find(id);
        if (!entry) return not_found("wait", container);
        if (entry->container.status != ContainerStatus::Running) return entry->container.exit_code;
        if (stop.stop_requested()) return fail(ErrorKind::Cancelled, "wait " + container + ": cancelled");
        return fail(ErrorKind::Timeout, "wait " + container + ": still running");
    }

    Result<bool> image_exists(const std::string& image) override {
        if (auto open = enter("image", 2); !open) return fail(open.error());
        return podman_.images_.contains(image);
    }

    Result<std::string> pull(const std::string& image, const podman::PullProgress& progress,
                             std::stop_token stop) override {
        if (auto open = enter("pull", 100); !open) return fail(open.error());
        if (progress) progress("Trying to pull " + image + "...");
        const Micros takes = podman_.random_.between(1, 40) * kSecond;
        const Process::Ticket ticket = process_.ticket();
        const std::stop_callback woken(stop, [this, ticket] { process_.wake(ticket); });
        process_.wait(podman_.scheduler_.now() + takes);
        process_.crash_point();
        if (stop.stop_requested()) return fail(ErrorKind::Cancelled, "pull " + image + ": cancelled");
        if (image.starts_with("gone:")) return not_found("pull", image);
        podman_.images_.insert(image);
        return "id-of-" + image;
    }

    Result<podman::LogTail> logs(const std::string& container, const podman::LogRequest&) override {
        return not_found("logs", container);
    }
    Result<void> follow_logs(const std::string& container, const podman::LogPosition&, std::size_t,
                             const podman::LogHandler&, std::stop_token) override {
        return not_found("logs", container);
    }
    Result<podman::ExecOutcome> exec(const std::string& container, const podman::ExecSpec&,
                                     std::stop_token) override {
        return not_found("exec", container);
    }
    Result<void> events(const podman::EventFilter&, const podman::EventHandler&, std::stop_token) override {
        return fail(ErrorKind::Unavailable, "events: told by the model itself");
    }

 private:
    // Every call passes here: it takes its time, and fails where it is to fail.
    Result<void> enter(const char* verb, std::int64_t milliseconds) {
        process_.crash_point();
        if (milliseconds > 0) {
            process_.block(podman_.random_.between(milliseconds, 2 * milliseconds) * kMillisecond);
            process_.crash_point();
        }
        if (!podman_.up_) return fail(ErrorKind::Unavailable, std::string(verb) + ": no podman socket");
        if (podman_.error_rate_ > 0 && podman_.random_.chance(podman_.error_rate_)) {
            podman_.history_.add(Happened::PodmanFailed, podman_.device_, verb);
            const bool away = podman_.random_.chance(0.3);
            return fail(away ? ErrorKind::Timeout : ErrorKind::Internal,
                        std::string(verb) + ": an error of the simulation");
        }
        return {};
    }

    static tl::unexpected<Error> not_found(const char* verb, const std::string& what) {
        return fail(ErrorKind::NotFound, std::string(verb) + " " + what + ": there is none");
    }

    std::string make(const podman::ContainerSpec& spec) {
        Podman::Entry& entry = podman_.entries_.emplace_back();
        entry.spec = spec;
        podman::Container& container = entry.container;
        container.id = podman_.device_ + "-" + std::to_string(++podman_.last_id_);
        container.name = spec.name;
        container.image = spec.image;
        container.image_id = "id-of-" + spec.image;
        container.status = ContainerStatus::Created;
        container.labels = spec.labels;
        container.created_at = podman_.seconds();
        podman_.history_.add(Happened::ContainerCreated, podman_.device_, spec.name);
        if (podman_.observer_.on_create) podman_.observer_.on_create(container);
        return container.id;
    }

    Podman& podman_;
    Process& process_;
};

std::shared_ptr<podman::ContainerRuntime> Podman::runtime_for(Process& process) {
    return std::make_shared<SimulatedRuntime>(*this, process);
}

}  // namespace harmony::simulation
