#include "folder_swap.hpp"

#include "file_io.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <thread>
#include <vector>

namespace harmony::host {
namespace {

namespace fs = std::filesystem;

std::string staging_prefix(const std::string& folder) {
    return "." + folder.substr(folder.rfind('/') + 1) + ".staged.";
}

// Another installation takes moments; one that takes longer is stuck.
Result<void> lock_folder(int fd, const std::string& path) {
    constexpr int kAttempts = 200;
    constexpr auto kPause = std::chrono::milliseconds(50);
    for (int attempt = 0; attempt < kAttempts; ++attempt) {
        if (::flock(fd, LOCK_EX | LOCK_NB) == 0) return {};
        if (errno != EWOULDBLOCK && errno != EINTR)
            return tl::unexpected(io_problem(path + " can't be locked", errno));
        std::this_thread::sleep_for(kPause);
    }
    return refuse("plugin.busy", "Another harmony is installing plugins into " + path,
                  "Try again when it has ended.");
}

bool sync_path(const std::string& path) {
    const FileDescriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
    return fd && ::fsync(fd.get()) == 0;
}

}  // namespace

Result<void> make_folders(const std::string& path) {
    for (std::size_t slash = 1; slash != std::string::npos;) {
        slash = path.find('/', slash);
        const auto part = path.substr(0, slash);
        if (::mkdir(part.c_str(), 0755) != 0 && errno != EEXIST) {
            return tl::unexpected(io_problem("The folder " + part + " can't be created", errno));
        }
        if (slash != std::string::npos) ++slash;
    }
    return {};
}

void remove_tree(const std::string& path) {
    std::error_code ignored;
    fs::remove_all(path, ignored);
}

FolderSwap::FolderSwap(std::string folder, FileDescriptor parent)
    : folder_(std::move(folder)),
      parent_path_(folder_.substr(0, folder_.rfind('/'))),
      parent_(std::move(parent)) {}

FolderSwap::FolderSwap(FolderSwap&& other) noexcept
    : folder_(std::move(other.folder_)),
      parent_path_(std::move(other.parent_path_)),
      parent_(std::move(other.parent_)),
      staged_(std::exchange(other.staged_, {})) {}

FolderSwap::~FolderSwap() {
    if (!staged_.empty()) remove_tree(staged_);
}

Result<FolderSwap> FolderSwap::begin(const std::string& requested) {
    std::error_code error;
    auto folder = fs::weakly_canonical(fs::absolute(requested, error), error).string();
    while (folder.size() > 1 && folder.back() == '/')
        folder.pop_back();
    if (error || folder.rfind('/') == 0)
        return refuse("plugin.io", requested + " can't be a folder of plugins");
    const auto parent_path = folder.substr(0, folder.rfind('/'));
    if (auto made = make_folders(parent_path); !made) return tl::unexpected(made.error());
    FileDescriptor parent(::open(parent_path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!parent) return tl::unexpected(io_problem(parent_path + " can't be opened", errno));
    if (auto locked = lock_folder(parent.get(), parent_path); !locked) return tl::unexpected(locked.error());
    FolderSwap swap(folder, std::move(parent));
    for (const auto& item : fs::directory_iterator(parent_path, error)) {
        if (item.path().filename().string().starts_with(staging_prefix(folder))) remove_tree(item.path());
    }
    std::string staged = parent_path + "/" + staging_prefix(folder) + "XXXXXX";
    if (::mkdtemp(staged.data()) == nullptr)
        return tl::unexpected(io_problem(parent_path + " can't be written", errno));
    swap.staged_ = staged;
    if (::chmod(staged.c_str(), 0755) != 0)
        return tl::unexpected(io_problem(staged + " can't be prepared", errno));
    if (!fs::exists(folder, error)) return swap;
    for (const auto& item : fs::directory_iterator(folder, error)) {
        // Files by link: their content stays one, and the swap stays cheap.
        const auto target = staged + "/" + item.path().filename().string();
        if (item.is_symlink(error)) {
            fs::copy_symlink(item.path(), target, error);
        } else if (item.is_directory(error)) {
            fs::copy(item.path(), target, fs::copy_options::recursive | fs::copy_options::create_hard_links,
                     error);
        } else {
            fs::create_hard_link(item.path(), target, error);
        }
        if (error) return refuse("plugin.io", item.path().string() + " can't be kept: " + error.message());
    }
    if (error) return refuse("plugin.io", folder + " can't be read: " + error.message());
    return swap;
}

Result<void> FolderSwap::commit() {
    std::error_code error;
    for (const auto& item : fs::directory_iterator(staged_, error)) {
        if (item.is_regular_file(error) && !item.is_symlink(error) && !sync_path(item.path())) {
            return tl::unexpected(io_problem(item.path().string() + " can't be made durable", errno));
        }
    }
    if (!sync_path(staged_)) return tl::unexpected(io_problem(staged_ + " can't be made durable", errno));
    const bool replaces = fs::exists(folder_, error);
    const unsigned flags = replaces ? RENAME_EXCHANGE : RENAME_NOREPLACE;
    if (::renameat2(AT_FDCWD, staged_.c_str(), AT_FDCWD, folder_.c_str(), flags) != 0) {
        return tl::unexpected(io_problem(folder_ + " can't be replaced", errno));
    }
    ::fsync(parent_.get());
    if (replaces) remove_tree(staged_);  // now the old version
    staged_.clear();
    return {};
}

}  // namespace harmony::host
