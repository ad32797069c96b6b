// Replaces a folder as a whole by one rename.
#pragma once

#include <harmony/host/diagnostics.hpp>
#include <harmony/host/plugin_file.hpp>
#include <string>

namespace harmony::host {

// A new version of `folder` under construction beside it. Holds the lock that keeps other installations out.
class FolderSwap {
 public:
    // Creates what is missing above `folder`, waits for another installation to end, removes what a killed
    // one left behind, and links every file of `folder` into the new version.
    static Result<FolderSwap> begin(const std::string& folder);
    FolderSwap(FolderSwap&& other) noexcept;
    FolderSwap& operator=(FolderSwap&&) = delete;
    ~FolderSwap();  // removes the unfinished version

    [[nodiscard]] const std::string& staged() const { return staged_; }
    // Makes it durable and visible. After that staged() is gone.
    [[nodiscard]] Result<void> commit();

 private:
    FolderSwap(std::string folder, FileDescriptor parent);
    std::string folder_;
    std::string parent_path_;
    FileDescriptor parent_;
    std::string staged_;
};

// `path` and every missing folder above it, mode 0755.
[[nodiscard]] Result<void> make_folders(const std::string& path);

// Never follows a link.
void remove_tree(const std::string& path);

}  // namespace harmony::host
