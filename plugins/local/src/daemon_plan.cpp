#include "daemon_plan.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <sstream>

#include "durable_file.hpp"
#include "listening_port.hpp"

namespace harmony::local {
namespace {

namespace fs = std::filesystem;

// Longer contents are told apart by their hash: a plan is read by a person.
constexpr std::size_t kLongestShownContent = 4096;

bool is_executable(const fs::path& file) {
    std::error_code ignored;
    return fs::is_regular_file(file, ignored) && ::access(file.c_str(), X_OK) == 0;
}

std::string show(const std::string& content) {
    if (content.size() <= kLongestShownContent) return content;
    return "sha256:" + sha256_hex(content).substr(0, 12) + " (" + std::to_string(content.size()) + " bytes)";
}

std::string join(const std::vector<std::string>& words) {
    std::string text;
    for (const auto& word : words)
        text += (text.empty() ? "" : " ") + word;
    return text;
}

// Collects the differences and whether a reload would be enough for all of them.
class Comparison {
 public:
    Comparison(const ContextFolders& context, const DaemonSpec& spec,
               const std::optional<DaemonRecord>& record)
        : folders_(context.daemon(spec.name)), spec_(spec), record_(record) {}

    void changed(std::string path, std::optional<std::string> before, std::optional<std::string> after) {
        if (before == after) return;
        diff_.push_back({std::move(path), std::move(before), std::move(after), false});
        reload_is_enough_ = false;
    }
    void compare_settings(const std::string& program_path);
    void compare_ports(const std::map<std::string, int>& ports);
    Outcome<void> compare_files(const PlaceholderValues& values);

    [[nodiscard]] bool reload_is_enough() const { return reload_is_enough_; }
    [[nodiscard]] bool empty() const { return diff_.empty(); }
    std::vector<Difference> take() { return std::move(diff_); }

 private:
    Outcome<void> compare_file(const DaemonFile& wanted, const PlaceholderValues& values);
    [[nodiscard]] const DaemonFile* recorded_file(const std::string& path) const;

    DaemonFolders folders_;
    const DaemonSpec& spec_;
    const std::optional<DaemonRecord>& record_;
    std::vector<Difference> diff_;
    bool reload_is_enough_ = true;
};

void Comparison::compare_settings(const std::string& program_path) {
    const DaemonSpec empty;
    const DaemonSpec& old = record_ ? record_->spec : empty;
    changed("program", record_ ? std::optional(record_->program_path) : std::nullopt, program_path);
    if (old.args != spec_.args) changed("args", join(old.args), join(spec_.args));
    for (const auto& [name, value] : spec_.env) {
        const auto known = old.env.find(name);
        changed("env." + name, known == old.env.end() ? std::nullopt : std::optional(known->second), value);
    }
    for (const auto& [name, value] : old.env) {
        if (spec_.env.count(name) == 0) changed("env." + name, value, std::nullopt);
    }
    if (!record_) return;
    const auto text = [](double number) {
        std::ostringstream out;
        out << number;
        return out.str();
    };
    changed("readiness", old.readiness.kind + " " + old.readiness.port + old.readiness.path,
            spec_.readiness.kind + " " + spec_.readiness.port + spec_.readiness.path);
    changed("readiness.timeout_s", text(old.readiness.timeout_s), text(spec_.readiness.timeout_s));
    changed("reload_signal", old.reload_signal, spec_.reload_signal);
    changed("stop", old.stop.signal + " " + text(old.stop.grace_s),
            spec_.stop.signal + " " + text(spec_.stop.grace_s));
    const auto restart = [&](const RestartRule& rule) {
        return std::to_string(rule.initial.count()) + " " + std::to_string(rule.max.count()) + " " +
               text(rule.reset_after_s);
    };
    changed("restart", restart(old.restart), restart(spec_.restart));
}

void Comparison::compare_ports(const std::map<std::string, int>& ports) {
    const std::map<std::string, int> none;
    const auto& old = record_ ? record_->ports : none;
    const auto number = [](int port) {
        return port == 0 ? std::string("chosen when it starts") : std::to_string(port);
    };
    for (const auto& [name, port] : ports) {
        const auto known = old.find(name);
        changed("ports." + name, known == old.end() ? std::nullopt : std::optional(number(known->second)),
                number(port));
    }
    for (const auto& [name, port] : old) {
        if (ports.count(name) == 0) changed("ports." + name, number(port), std::nullopt);
    }
}

const DaemonFile* Comparison::recorded_file(const std::string& path) const {
    if (!record_) return nullptr;
    const auto& files = record_->spec.files;
    const auto found =
        std::find_if(files.begin(), files.end(), [&](const auto& file) { return file.path == path; });
    return found == files.end() ? nullptr : &*found;
}

Outcome<void> Comparison::compare_file(const DaemonFile& wanted, const PlaceholderValues& values) {
    auto expanded = expand(wanted.content, values);
    if (!expanded) return pass_on(expanded.error());
    const fs::path file = folders_.config() / wanted.path;
    auto present = read_file(file);
    if (!present) return pass_on(present.error());
    const auto* old = recorded_file(wanted.path);
    struct stat status {};
    const bool mode_differs =
        *present && ::stat(file.c_str(), &status) == 0 && (status.st_mode & 0777) != wanted.mode;
    if (*present == *expanded && !mode_differs && old != nullptr && old->hash == wanted.hash) return {};
    const std::string path = "files." + wanted.path;
    // A file that was sensitive keeps its secret when it no longer is.
    if (wanted.sensitive || (old != nullptr && old->sensitive)) {
        diff_.push_back({path, std::nullopt, std::nullopt, true});
    } else {
        const auto before = *present ? std::optional(show(**present)) : std::nullopt;
        diff_.push_back({path, before, show(*expanded), false});
    }
    if (!wanted.reloadable || old == nullptr || mode_differs) reload_is_enough_ = false;
    return {};
}

Outcome<void> Comparison::compare_files(const PlaceholderValues& values) {
    for (const auto& file : spec_.files) {
        if (auto compared = compare_file(file, values); !compared) return compared;
    }
    if (!record_) return {};
    for (const auto& old : record_->spec.files) {
        const bool kept = std::any_of(spec_.files.begin(), spec_.files.end(),
                                      [&](const auto& file) { return file.path == old.path; });
        if (!kept) {
            diff_.push_back({"files." + old.path, std::nullopt, std::nullopt, old.sensitive});
            reload_is_enough_ = false;
        }
    }
    return {};
}

// Keeps the numbers that were chosen before, unless somebody else has taken one in the meantime.
Outcome<std::map<std::string, int>> plan_ports(const DaemonSpec& spec,
                                               const std::optional<DaemonRecord>& record,
                                               const std::optional<RunRecord>& run) {
    std::map<std::string, int> ports;
    for (std::size_t i = 0; i < spec.ports.size(); ++i) {
        const auto& wanted = spec.ports[i];
        int number = wanted.port;
        if (number == 0 && record) {
            const auto known = record->ports.find(wanted.name);
            if (known != record->ports.end()) number = known->second;
        }
        auto holder = number == 0 ? std::nullopt : port_holder(number);
        const bool ours = holder && run && holder->pid != 0 &&
                          (holder->pid == run->process.pid || session_of(holder->pid) == run->process.pid);
        if (holder && !ours) {
            if (wanted.port != 0) {
                Problem used{"process-host.port-in-use",
                             "port " + std::to_string(number) + " for " + spec.name + " is in use by " +
                                 describe(*holder),
                             {},
                             "end that process or choose another port",
                             "ports[" + std::to_string(i) + "].port",
                             true};
                return pass_on(std::move(used));
            }
            number = 0;
        }
        ports[wanted.name] = number;
    }
    return ports;
}

}  // namespace

std::string_view to_string(DaemonAction action) {
    switch (action) {
        case DaemonAction::None:
            return "none";
        case DaemonAction::Create:
            return "create";
        case DaemonAction::Update:
            return "update";
        case DaemonAction::Reload:
            return "reload";
        case DaemonAction::Restart:
            return "restart";
    }
    return "none";
}

Outcome<std::string> resolve_program(const std::string& program,
                                     const std::vector<std::string>& program_dirs) {
    const std::string hint = "install it, or set PATH so that it is found";
    if (program.find('/') != std::string::npos) {
        if (program.front() == '/' && is_executable(program)) return program;
        return problem("process-host.program-missing",
                       "the program " + program + " is not an executable file with an absolute path", hint);
    }
    std::vector<std::string> folders = program_dirs;
    const char* search_path = std::getenv("PATH");
    std::istringstream entries(search_path != nullptr ? search_path : "/usr/local/bin:/usr/bin:/bin");
    for (std::string entry; std::getline(entries, entry, ':');)
        folders.push_back(entry);
    // Debian keeps daemons there, and PATH of a plain user does not name it.
    folders.emplace_back("/usr/sbin");
    folders.emplace_back("/sbin");
    for (const auto& folder : folders) {
        const fs::path candidate = fs::path(folder) / program;
        if (!folder.empty() && folder.front() == '/' && is_executable(candidate)) return candidate.string();
    }
    return problem("process-host.program-missing",
                   "the program " + program + " was not found in " + join(folders), hint);
}

Outcome<DaemonPlan> plan_daemon(const ContextFolders& context, const DaemonSpec& spec,
                                const std::string& program_path) {
    const auto folders = context.daemon(spec.name);
    auto loaded = load_record(folders);
    if (!loaded) return pass_on(loaded.error());
    const auto& record = *loaded;
    const auto run = find_running(folders, record ? record->program_path : program_path);
    auto ports = plan_ports(spec, record, run);
    if (!ports) return pass_on(ports.error());

    Comparison comparison(context, spec, record);
    comparison.compare_settings(program_path);
    comparison.compare_ports(*ports);
    auto files = comparison.compare_files(placeholder_values(context, spec.name, *ports));
    if (!files) return pass_on(files.error());
    DaemonPlan plan;
    plan.ports = std::move(*ports);
    const bool same_spec = comparison.empty();
    if (run && same_spec && run->program_id != program_identity(program_path)) {
        comparison.changed("program", record->program_path, program_path + " (another build)");
    }
    if (run && comparison.empty() && !is_locked(context.supervisor_lock())) {
        comparison.changed("supervised", "no", "yes");
    }
    if (!record) {
        plan.action = DaemonAction::Create;
    } else if (!comparison.empty()) {
        const bool reload = run && comparison.reload_is_enough() && !spec.reload_signal.empty();
        plan.action = reload ? DaemonAction::Reload : DaemonAction::Update;
    } else if (!run || run->spec_hash != record->hash) {
        comparison.changed("running", run ? "as it was specified before" : "no", "yes");
        plan.action = DaemonAction::Restart;
    }
    plan.diff = comparison.take();
    return plan;
}

}  // namespace harmony::local
