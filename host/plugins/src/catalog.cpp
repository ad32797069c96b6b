#include <harmony/host/catalog.hpp>

#include "catalog_index.hpp"
#include "file_io.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <harmony/host/lock_file.hpp>
#include <harmony/host/manifest_section.hpp>
#include <harmony/host/plugin_file.hpp>
#include <memory>
#include <set>

namespace harmony::host {
namespace {

constexpr std::size_t kMaxIndexBytes = 64 * 1024 * 1024;

bool is_plugin_name(std::string_view name) {
    return name.starts_with("harmony-") && name.ends_with(".so") &&
           name.size() > std::string_view("harmony-.so").size();
}

FileKey key_of(const struct stat& status) {
    auto nanoseconds = [](const timespec& time) {
        return static_cast<std::uint64_t>(time.tv_sec) * 1000000000U +
               static_cast<std::uint64_t>(time.tv_nsec);
    };
    return {status.st_dev, status.st_ino, static_cast<std::uint64_t>(status.st_size),
            nanoseconds(status.st_mtim), nanoseconds(status.st_ctim)};
}

PluginSummary summary_of(const Manifest& manifest) {
    PluginSummary plugin{manifest.id, manifest.version, manifest.summary, {}, {}, {}, {}};
    for (const auto& score : manifest.scores)
        plugin.scores.push_back({score.name, score.summary});
    for (const auto& topology : manifest.topologies)
        plugin.topologies.push_back({topology.name, topology.summary});
    for (const auto& scenario : manifest.scenarios)
        plugin.scenarios.push_back({scenario.name, scenario.summary});
    for (const auto& command : manifest.commands)
        plugin.commands.push_back({command.path, command.summary});
    return plugin;
}

Diagnostic unsafe(const std::string& path, const std::string& why) {
    return diagnostic("plugin.unsafe-permissions", path + " is not used: " + why,
                      "Change its owner, or take the right away: chmod go-w " + path);
}

std::string joined(const std::vector<std::string>& words) {
    std::string text;
    for (const auto& word : words)
        text += (text.empty() ? "" : " ") + word;
    return text;
}

std::string environment(const char* name) {
    const char* value = std::getenv(name);
    return value != nullptr ? value : "";
}

// An XDG folder; the specification ignores relative values.
std::string xdg_folder(const char* name, const char* below_home) {
    const auto value = environment(name);
    if (value.starts_with('/')) return value;
    const auto home = environment("HOME");
    return home.starts_with('/') ? home + below_home : std::string();
}

Result<Manifest> manifest_of(int fd) {
    const auto section = read_manifest_section(fd);
    if (!section) return tl::unexpected(section.error());
    return parse_manifest(*section);
}

}  // namespace

std::string_view to_string(PluginOrigin origin) {
    switch (origin) {
        case PluginOrigin::Explicit:
            return "explicit";
        case PluginOrigin::Project:
            return "project";
        case PluginOrigin::Environment:
            return "environment";
        case PluginOrigin::User:
            return "user";
        case PluginOrigin::Installed:
            return "installed";
    }
    return "unknown";
}

CatalogOptions CatalogOptions::from_environment() {
    CatalogOptions options;
    char path[4096];
    if (::getcwd(path, sizeof path) != nullptr) options.project_folder = path;
    options.path_variable = environment("HARMONY_PLUGIN_PATH");
    const auto data = xdg_folder("XDG_DATA_HOME", "/.local/share");
    if (!data.empty()) options.user_folder = data + "/harmony/plugins";
    const auto cache = xdg_folder("XDG_CACHE_HOME", "/.cache");
    if (!cache.empty()) options.cache_folder = cache + "/harmony";
    const auto length = ::readlink("/proc/self/exe", path, sizeof path);
    if (length > 0 && static_cast<std::size_t>(length) < sizeof path) {
        const std::string executable(path, static_cast<std::size_t>(length));
        const auto folder = executable.substr(0, executable.rfind('/'));
        options.installed_folder = folder.substr(0, folder.rfind('/')) + "/lib/harmony/plugins";
    }
    return options;
}

// Builds one Catalog. A separate class, so that the catalog's header needs neither the index nor stat().
class CatalogBuilder {
 public:
    explicit CatalogBuilder(const CatalogOptions& options) : options_(options) {
        if (options.cache_folder.empty()) return;
        catalog_.index_file_ = options.cache_folder + "/plugins.index";
        auto bytes = read_small_file(catalog_.index_file_, kMaxIndexBytes);
        if (bytes && *bytes) index_ = CatalogIndex::parse(std::move(**bytes));
    }

    Catalog build() {
        for (const auto& path : options_.explicit_paths)
            add_path(path, PluginOrigin::Explicit);
        if (!options_.project_folder.empty()) {
            add_folder(options_.project_folder + "/.harmony/plugins", PluginOrigin::Project);
        }
        std::string_view rest = options_.path_variable;
        while (!rest.empty()) {
            const auto colon = std::min(rest.find(':'), rest.size());
            // An empty element would mean the working directory, which is never searched.
            if (colon > 0) add_folder(std::string(rest.substr(0, colon)), PluginOrigin::Environment);
            rest.remove_prefix(std::min(colon + 1, rest.size()));
        }
        if (!options_.user_folder.empty()) add_folder(options_.user_folder, PluginOrigin::User);
        if (!options_.installed_folder.empty())
            add_folder(options_.installed_folder, PluginOrigin::Installed);
        find_conflicts();
        if (!catalog_.index_file_.empty() && (missed_ || fresh_.size() != index_.size())) {
            catalog_.index_bytes_ = CatalogIndex::format(fresh_);
        }
        return std::move(catalog_);
    }

 private:
    void add_problem(const std::string& file, PluginOrigin origin, Diagnostic problem) {
        CatalogEntry entry;
        entry.file = file;
        entry.origin = origin;
        entry.problem = std::move(problem);
        catalog_.entries_.push_back(std::move(entry));
    }

    void add_path(const std::string& path, PluginOrigin origin) {
        struct stat status {};
        if (::stat(path.c_str(), &status) != 0) {
            add_problem(path, origin, io_problem(path + " can't be examined", errno));
        } else if (S_ISDIR(status.st_mode)) {
            add_folder(path, origin);
        } else {
            const auto slash = path.rfind('/');
            const auto folder = slash == path.npos ? "." : path.substr(0, std::max<std::size_t>(slash, 1));
            if (!is_plugin_name(path.substr(slash == path.npos ? 0 : slash + 1))) {
                add_problem(path, origin,
                            diagnostic("plugin.name", path + " is not named harmony-<name>.so"));
                return;
            }
            add_files(folder, {path.substr(slash == path.npos ? 0 : slash + 1)}, origin);
        }
    }

    void add_folder(const std::string& folder, PluginOrigin origin) {
        const std::unique_ptr<DIR, int (*)(DIR*)> directory(::opendir(folder.c_str()), &::closedir);
        if (!directory) {
            if (errno != ENOENT)
                add_problem(folder, origin, io_problem(folder + " can't be searched", errno));
            return;
        }
        std::vector<std::string> names;
        while (const auto* item = ::readdir(directory.get())) {
            if (is_plugin_name(item->d_name)) names.emplace_back(item->d_name);
        }
        std::sort(names.begin(), names.end());
        if (!names.empty()) add_files(folder, names, origin);
    }

    void add_files(const std::string& folder, const std::vector<std::string>& names, PluginOrigin origin) {
        const std::unique_ptr<char, void (*)(void*)> resolved(::realpath(folder.c_str(), nullptr),
                                                              &std::free);
        const std::string real = resolved ? resolved.get() : folder;
        struct stat status {};
        std::optional<Diagnostic> problem;
        if (::stat(real.c_str(), &status) != 0) problem = io_problem(real + " can't be examined", errno);
        const auto reason =
            problem ? std::string() : unsafe_permissions(status.st_mode, status.st_uid, status.st_gid);
        if (!reason.empty()) problem = unsafe(real, reason);
        // Whoever checks out a project must be able to see what it loads.
        std::optional<LockFile> lock;
        if (!problem && origin == PluginOrigin::Project) {
            auto read = read_lock_file(real);
            if (!read) problem = read.error();
            if (read && *read) lock = std::move(**read);
        }
        for (const auto& name : names) {
            const std::string file = real + "/" + name;
            if (!seen_.insert(file).second) continue;
            if (!problem && origin == PluginOrigin::Project && (!lock || lock->find_file(name) == nullptr)) {
                add_problem(
                    file, origin,
                    diagnostic(
                        "plugin.not-locked", file + " is not in the project's harmony.lock",
                        "Plugins of a project have to be installed: harmony plugins install --project FILE"));
            } else if (problem) {
                add_problem(file, origin, *problem);
            } else {
                add_file(file, origin);
            }
        }
    }

    void add_file(const std::string& file, PluginOrigin origin) {
        struct stat status {};
        if (::stat(file.c_str(), &status) != 0) {
            return add_problem(file, origin, io_problem(file + " can't be examined", errno));
        }
        if (!S_ISREG(status.st_mode)) {
            return add_problem(file, origin, diagnostic("plugin.io", file + " is not a regular file"));
        }
        const auto reason = unsafe_permissions(status.st_mode, status.st_uid, status.st_gid);
        if (!reason.empty()) return add_problem(file, origin, unsafe(file, reason));
        const auto key = key_of(status);
        auto summary = index_.find(key);
        if (!summary) {
            const FileDescriptor fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
            if (!fd) return add_problem(file, origin, io_problem(file + " can't be opened", errno));
            auto manifest = manifest_of(fd.get());
            if (!manifest) return add_problem(file, origin, manifest.error());
            summary = summary_of(*manifest);
            missed_ = true;
        }
        CatalogEntry entry;
        entry.file = file;
        entry.origin = origin;
        entry.plugin = *summary;
        fresh_.emplace(key, std::move(*summary));
        catalog_.entries_.push_back(std::move(entry));
    }

    void find_conflicts() {
        std::map<std::string, std::size_t> owners;
        auto claim = [&](const std::string& what, std::size_t index) {
            const auto [owner, fresh] = owners.emplace(what, index);
            if (!fresh) add_conflict(what, owner->second, index);
        };
        for (std::size_t i = 0; i < catalog_.entries_.size(); ++i) {
            if (!catalog_.entries_[i].usable()) continue;
            const auto plugin = catalog_.entries_[i].plugin;
            const auto before = catalog_.conflicts_.size();
            claim("the plugin " + plugin.id, i);
            if (catalog_.conflicts_.size() != before)
                continue;  // its contributions collide as well: said once
            for (const auto& item : plugin.scores)
                claim("the Score " + item.name, i);
            for (const auto& item : plugin.topologies)
                claim("the Topology " + item.name, i);
            for (const auto& item : plugin.scenarios)
                claim("the scenario " + item.name, i);
            for (const auto& item : plugin.commands)
                claim("the command " + joined(item.path), i);
        }
    }

    void add_conflict(const std::string& what, std::size_t first, std::size_t second) {
        auto problem = diagnostic("plugin.conflict",
                                  "Two files contribute " + what + ": " + catalog_.entries_[first].file +
                                      " and " + catalog_.entries_[second].file,
                                  "Remove one of them: harmony plugins remove, or delete the file.");
        for (const auto index : {first, second}) {
            if (!catalog_.entries_[index].problem) catalog_.entries_[index].problem = problem;
        }
        catalog_.conflicts_.push_back(std::move(problem));
    }

    const CatalogOptions& options_;
    Catalog catalog_;
    CatalogIndex index_;
    std::map<FileKey, PluginSummary> fresh_;
    std::set<std::string> seen_;
    bool missed_ = false;
};

Catalog Catalog::scan(const CatalogOptions& options) {
    return CatalogBuilder(options).build();
}

namespace {

template <class List, class Matches>
std::optional<Found> find_in(const std::vector<CatalogEntry>& entries, List PluginSummary::*list,
                             Matches matches) {
    for (const auto& entry : entries) {
        if (!entry.usable()) continue;
        const auto& items = entry.plugin.*list;
        for (std::size_t i = 0; i < items.size(); ++i) {
            if (matches(items[i])) return Found{&entry, i};
        }
    }
    return std::nullopt;
}

auto named(std::string_view name) {
    return [name](const Contribution& item) { return item.name == name; };
}

}  // namespace

std::optional<Found> Catalog::find_score(std::string_view name) const {
    return find_in(entries_, &PluginSummary::scores, named(name));
}

std::optional<Found> Catalog::find_topology(std::string_view name) const {
    return find_in(entries_, &PluginSummary::topologies, named(name));
}

std::optional<Found> Catalog::find_scenario(std::string_view name) const {
    return find_in(entries_, &PluginSummary::scenarios, named(name));
}

std::optional<Found> Catalog::find_command(std::string_view path) const {
    return find_in(entries_, &PluginSummary::commands,
                   [path](const CommandSummary& item) { return joined(item.path) == path; });
}

const CatalogEntry* Catalog::find_plugin(std::string_view id) const {
    const CatalogEntry* short_match = nullptr;
    int short_matches = 0;
    for (const auto& entry : entries_) {
        const std::string_view full = entry.plugin.id;
        if (full.empty()) continue;
        if (full == id) return &entry;
        if (full.substr(full.find('/') + 1) != id) continue;
        short_match = &entry;
        ++short_matches;
    }
    return short_matches == 1 ? short_match : nullptr;
}

Result<Manifest> Catalog::manifest(const CatalogEntry& entry) {
    const FileDescriptor fd(::open(entry.file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (!fd) return tl::unexpected(io_problem(entry.file + " can't be opened", errno));
    return manifest_of(fd.get());
}

void Catalog::save_index() const {
    if (index_bytes_.empty()) return;
    const auto folder = index_file_.substr(0, index_file_.rfind('/'));
    for (std::size_t slash = 1; slash != std::string::npos; ++slash) {
        slash = folder.find('/', slash);
        ::mkdir(folder.substr(0, slash).c_str(),
                0700);  // fails where it exists; the write below tells the rest
        if (slash == std::string::npos) break;
    }
    (void)replace_file(index_file_, index_bytes_, 0600, false);
}

}  // namespace harmony::host
