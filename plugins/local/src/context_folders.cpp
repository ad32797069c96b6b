#include "context_folders.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "durable_file.hpp"

namespace harmony::local {
namespace {

namespace fs = std::filesystem;

fs::path runtime_parent() {
    const char* given = std::getenv("XDG_RUNTIME_DIR");
    // What follows, "/harmony/0123456789abcdef/control.sock", has to fit into a socket's address too.
    constexpr std::size_t kLongestGiven = 60;
    struct stat status {};
    if (given != nullptr && *given == '/' && std::string_view(given).size() <= kLongestGiven &&
        ::stat(given, &status) == 0 && S_ISDIR(status.st_mode) && status.st_uid == ::geteuid()) {
        return fs::path(given) / "harmony";
    }
    return "/tmp/harmony-" + std::to_string(::geteuid());
}

}  // namespace

ContextFolders::ContextFolders(const fs::path& state_dir) {
    std::error_code unreadable;
    state_ = fs::weakly_canonical(state_dir, unreadable);
    if (unreadable) state_ = state_dir.lexically_normal();
}

fs::path ContextFolders::runtime() const {
    std::error_code absent;
    const fs::path chosen = fs::read_symlink(runtime_link(), absent);
    if (!absent) return chosen;
    return runtime_parent() / sha256_hex(state_.string()).substr(0, 16);
}

Outcome<void> ContextFolders::create() const {
    if (auto made = make_private_folders(daemons()); !made) return made;
    fs::path folder = runtime();
    std::error_code ignored;
    if (!fs::exists(folder.parent_path().parent_path(), ignored)) {
        // The choice belonged to a session or boot that is over.
        fs::remove(runtime_link(), ignored);
        folder = runtime();
    }
    if (auto made = make_guarded_folder(folder.parent_path()); !made) return made;
    if (auto made = make_guarded_folder(folder); !made) return made;
    if (::symlink(folder.c_str(), runtime_link().c_str()) != 0 && errno != EEXIST) {
        return system_problem("create the link " + runtime_link().string(), errno);
    }
    return {};
}

void ContextFolders::remove_leftovers() const {
    const fs::path folder = runtime();
    std::error_code ignored;
    fs::remove_all(folder, ignored);
    fs::remove(folder.parent_path(), ignored);
    fs::remove(runtime_link(), ignored);
    fs::remove(daemons(), ignored);
}

template <class Condition>
std::vector<std::string> ContextFolders::names_where(Condition holds) const {
    std::vector<std::string> names;
    std::error_code absent;
    for (fs::directory_iterator entry(daemons(), absent), end; entry != end; entry.increment(absent)) {
        std::error_code ignored;
        if (holds(DaemonFolders(entry->path()), ignored)) names.push_back(entry->path().filename().string());
    }
    std::sort(names.begin(), names.end());
    return names;
}

std::vector<std::string> ContextFolders::daemon_names() const {
    return names_where([](const DaemonFolders& folders, std::error_code& ignored) {
        return fs::exists(folders.spec(), ignored);
    });
}

std::vector<std::string> ContextFolders::kept_data() const {
    return names_where([](const DaemonFolders& folders, std::error_code& ignored) {
        return !fs::exists(folders.spec(), ignored) && fs::exists(folders.data(), ignored);
    });
}

}  // namespace harmony::local
