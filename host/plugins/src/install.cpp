#include <harmony/host/install.hpp>

#include "file_io.hpp"
#include "folder_swap.hpp"
#include "unpack.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <harmony/host/manifest.hpp>
#include <harmony/host/manifest_section.hpp>
#include <harmony/host/plugin_file.hpp>

namespace harmony::host {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kCopyBlock = 256 * 1024;

bool is_plugin_name(std::string_view name) {
    return name.starts_with("harmony-") && name.ends_with(".so") &&
           name.size() > std::string_view("harmony-.so").size();
}

std::string now_text() {
    const std::time_t now = std::time(nullptr);
    std::tm parts{};
    ::gmtime_r(&now, &parts);
    char text[32];
    std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
    return text;
}

// Removed with everything in it at the end.
class TemporaryFolder {
 public:
    TemporaryFolder() = default;
    ~TemporaryFolder() {
        if (!path_.empty()) remove_tree(path_);
    }
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;

    // False: see errno.
    [[nodiscard]] bool create() {
        const char* base = std::getenv("TMPDIR");
        path_ = std::string(base != nullptr && base[0] == '/' ? base : "/tmp") + "/harmony-unpack.XXXXXX";
        if (::mkdtemp(path_.data()) != nullptr) return true;
        path_.clear();
        return false;
    }
    [[nodiscard]] const std::string& path() const { return path_; }

 private:
    std::string path_;
};

// The plugin files a folder holds, sorted; anything else in it is ignored.
Result<std::vector<std::string>> plugin_files(const std::string& folder) {
    std::vector<std::string> files;
    std::error_code error;
    for (const auto& item : fs::directory_iterator(folder, error)) {
        if (is_plugin_name(item.path().filename().string())) files.push_back(item.path().string());
    }
    if (error) return refuse("plugin.io", folder + " can't be read: " + error.message());
    if (files.empty()) {
        return refuse("plugin.source-empty", folder + " holds no harmony-<name>.so",
                      "Name the folder that holds the built plugin, or the plugin itself.");
    }
    std::sort(files.begin(), files.end());
    return files;
}

Result<std::vector<std::string>> source_files(const std::string& source, TemporaryFolder& unpacked) {
    struct stat status {};
    if (::stat(source.c_str(), &status) != 0) {
        return refuse("plugin.source-missing", source + " can't be found",
                      "Name a folder, a .so file or an archive.");
    }
    if (S_ISDIR(status.st_mode)) return plugin_files(source);
    if (!S_ISREG(status.st_mode))
        return refuse("plugin.source-kind", source + " is neither a file nor a folder");
    if (is_plugin_name(fs::path(source).filename().string())) return std::vector{source};
    if (source.ends_with(".so")) {
        return refuse("plugin.source-name", source + " is not named harmony-<name>.so",
                      "Keep the name it was built with.");
    }
    if (!unpacked.create()) return tl::unexpected(io_problem("A temporary folder can't be created", errno));
    if (auto done = unpack_archive(source, unpacked.path()); !done) return tl::unexpected(done.error());
    return plugin_files(unpacked.path());
}

// Copies first and looks at the copy: what is checked is what will be loaded.
Result<LockedPlugin> copy_and_check(const std::string& from, const std::string& folder,
                                    const std::string& source) {
    const auto name = fs::path(from).filename().string();
    const auto staged = folder + "/.new." + name;
    const FileDescriptor in(::open(from.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    if (!in) return tl::unexpected(io_problem(from + " can't be opened (links are not followed)", errno));
    const FileDescriptor out(
        ::open(staged.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644));
    if (!out) return tl::unexpected(io_problem(staged + " can't be created", errno));
    std::vector<char> block(kCopyBlock);
    for (;;) {
        const ssize_t got = ::read(in.get(), block.data(), block.size());
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return tl::unexpected(io_problem(from + " can't be read", errno));
        if (got == 0) break;
        if (::write(out.get(), block.data(), static_cast<std::size_t>(got)) != got) {
            return tl::unexpected(io_problem(staged + " can't be written", errno));
        }
    }
    if (::fchmod(out.get(), 0644) != 0)
        return tl::unexpected(io_problem(staged + " can't be prepared", errno));

    auto with_name = [&](Diagnostic problem) {
        problem.summary = name + ": " + problem.summary;
        return tl::unexpected(std::move(problem));
    };
    const auto section = read_manifest_section(out.get());
    if (!section) return with_name(section.error());
    const auto manifest = parse_manifest(*section);
    if (!manifest) return with_name(manifest.error());
    const auto expected_name = "harmony-" + manifest->id.substr(manifest->id.find('/') + 1) + ".so";
    if (name != expected_name) {
        return refuse("plugin.source-name",
                      "The file of " + manifest->id + " is named " + name + ", expected " + expected_name);
    }
    const auto hash = sha256_of(out.get());
    if (!hash) return tl::unexpected(hash.error());
    return LockedPlugin{manifest->id, manifest->version, name, *hash, source, now_text()};
}

Result<InstallReport::Item> put_into(LockFile& lock, const LockedPlugin& plugin, const std::string& folder) {
    InstallReport::Item item{plugin, {}, true};
    if (const auto* other = lock.find_file(plugin.file); other != nullptr && other->id != plugin.id) {
        return refuse("plugin.conflict",
                      plugin.file + " of " + plugin.id + " would replace the plugin " + other->id,
                      "Remove that one first: harmony plugins remove " + other->id);
    }
    const auto staged = folder + "/.new." + plugin.file;
    const auto target = folder + "/" + plugin.file;
    for (auto& present : lock.plugins) {
        if (present.id != plugin.id) continue;
        item.previous_version = present.version;
        const FileDescriptor fd(::open(target.c_str(), O_RDONLY | O_CLOEXEC));
        const auto found = fd ? sha256_of(fd.get()) : Result<std::string>(std::string());
        item.changed = present.sha256 != plugin.sha256 || !found || *found != plugin.sha256;
    }
    std::erase_if(lock.plugins, [&](const auto& present) { return present.id == plugin.id; });
    lock.plugins.push_back(plugin);
    if (::rename(staged.c_str(), target.c_str()) != 0) {
        return tl::unexpected(io_problem(target + " can't be replaced", errno));
    }
    return item;
}

Result<LockFile> lock_of(const std::string& folder) {
    auto lock = read_lock_file(folder);
    if (!lock) return tl::unexpected(lock.error());
    return *lock ? std::move(**lock) : LockFile{};
}

}  // namespace

Result<InstallReport> install_plugins(const std::string& source, const std::string& folder) {
    TemporaryFolder unpacked;
    const auto files = source_files(source, unpacked);
    if (!files) return tl::unexpected(files.error());
    auto swap = FolderSwap::begin(folder);
    if (!swap) return tl::unexpected(swap.error());
    auto lock = lock_of(swap->staged());
    if (!lock) return tl::unexpected(lock.error());
    std::error_code ignored;
    const auto full_source = fs::absolute(source, ignored).lexically_normal().string();
    std::vector<LockedPlugin> plugins;
    for (const auto& file : *files) {
        auto plugin = copy_and_check(file, swap->staged(), full_source);
        if (!plugin) return tl::unexpected(plugin.error());
        plugins.push_back(std::move(*plugin));
    }
    InstallReport report;
    bool changed = false;
    for (const auto& plugin : plugins) {
        auto item = put_into(*lock, plugin, swap->staged());
        if (!item) return tl::unexpected(item.error());
        changed = changed || item->changed;
        report.items.push_back(std::move(*item));
    }
    if (!changed) return report;
    const auto lock_path = swap->staged() + "/" + std::string(kLockFileName);
    if (auto done = replace_file(lock_path, format_lock_file(*lock), 0644, true); !done)
        return tl::unexpected(done.error());
    if (auto done = swap->commit(); !done) return tl::unexpected(done.error());
    return report;
}

Result<LockedPlugin> remove_plugin(std::string_view id, const std::string& folder) {
    std::error_code ignored;
    const auto not_installed = [&] {
        return refuse("plugin.not-installed", std::string(id) + " is not installed in " + folder,
                      "harmony plugins list shows what is, and where.");
    };
    if (!fs::exists(folder + "/" + std::string(kLockFileName), ignored)) return not_installed();
    auto swap = FolderSwap::begin(folder);
    if (!swap) return tl::unexpected(swap.error());
    auto lock = lock_of(swap->staged());
    if (!lock) return tl::unexpected(lock.error());
    std::vector<LockedPlugin> matches;
    for (const auto& plugin : lock->plugins) {
        const bool same = plugin.id == id || plugin.id.substr(plugin.id.find('/') + 1) == id;
        if (same) matches.push_back(plugin);
    }
    if (matches.empty()) return not_installed();
    if (matches.size() > 1) {
        return refuse("plugin.ambiguous",
                      std::string(id) + " could be " + matches[0].id + " or " + matches[1].id,
                      "Name the whole id.");
    }
    std::erase_if(lock->plugins, [&](const auto& plugin) { return plugin.id == matches[0].id; });
    ::unlink((swap->staged() + "/" + matches[0].file).c_str());
    const auto lock_path = swap->staged() + "/" + std::string(kLockFileName);
    if (auto done = replace_file(lock_path, format_lock_file(*lock), 0644, true); !done)
        return tl::unexpected(done.error());
    if (auto done = swap->commit(); !done) return tl::unexpected(done.error());
    return matches[0];
}

Result<std::vector<VerifyItem>> verify_plugins(const std::string& folder) {
    auto lock = lock_of(folder);
    if (!lock) return tl::unexpected(lock.error());
    std::vector<VerifyItem> items;
    for (const auto& plugin : lock->plugins) {
        VerifyItem item{plugin, {}};
        const FileDescriptor fd(
            ::open((folder + "/" + plugin.file).c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
        if (fd) {
            auto hash = sha256_of(fd.get());
            if (!hash) return tl::unexpected(hash.error());
            item.found_sha256 = *hash;
        }
        items.push_back(std::move(item));
    }
    return items;
}

}  // namespace harmony::host
