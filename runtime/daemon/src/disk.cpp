#include "harmony/daemon/disk.hpp"

#include "harmony/daemon/files.hpp"

namespace harmony::runtime::daemon {

namespace {

class FileDisk final : public Disk {
 public:
    Result<std::string> read(const std::string& path, std::size_t max_bytes) override {
        return read_file(path, max_bytes);
    }
    Result<void> write_durably(const std::string& path, std::string_view content) override {
        return write_file_durably(path, content);
    }
    Result<void> remove_durably(const std::string& path) override { return remove_file_durably(path); }
    Result<void> make_directories(const std::string& path) override { return daemon::make_directories(path); }
};

}  // namespace

Disk& file_disk() {
    static FileDisk disk;
    return disk;
}

}  // namespace harmony::runtime::daemon
