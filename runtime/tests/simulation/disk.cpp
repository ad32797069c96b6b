#include "disk.hpp"

namespace harmony::simulation {

namespace {

// A device that loses its states can't know which keys it still has to delete, nor how late its last word
// was: nothing mends that but the next word about the same deployment. The desired state is read again.
bool lies_about(const std::string& path) {
    return path.ends_with("desired.json");
}

}  // namespace

class DiskView final : public runtime::daemon::Disk {
 public:
    DiskView(simulation::Disk& disk, Process& process) : disk_(disk), process_(process) {}

    Result<std::string> read(const std::string& path, std::size_t max_bytes) override {
        const auto found = disk_.files_.find(path);
        if (found == disk_.files_.end()) return fail(ErrorKind::NotFound, path + ": there is none");
        if (found->second.content.size() > max_bytes)
            return fail(ErrorKind::InvalidInput, path + ": too large");
        return found->second.content;
    }

    Result<void> write_durably(const std::string& path, std::string_view content) override {
        process_.crash_point();
        if (disk_.full_) {
            disk_.history_.add(Happened::DiskRefused, disk_.device_, path);
            return fail(ErrorKind::Io, path + ": write: No space left on device");
        }
        auto& file = disk_.files_[path];
        file.before = std::exchange(file.content, std::string(content));
        try {
            process_.crash_point();
        } catch (const Killed&) {
            if (disk_.tears_ && lies_about(path) && disk_.random_.chance(0.5)) {
                disk_.history_.add(Happened::DiskTorn, disk_.device_, path);
                file.content.resize(file.content.size() / 2);
            }
            throw;
        }
        return {};
    }

    Result<void> remove_durably(const std::string& path) override {
        process_.crash_point();
        disk_.files_.erase(path);
        return {};
    }

    Result<void> make_directories(const std::string& /*path*/) override { return {}; }

 private:
    simulation::Disk& disk_;
    Process& process_;
};

void Disk::lose_power(bool lies) {
    for (auto& [path, file] : files_) {
        if (lies && lies_about(path) && file.before && random_.chance(0.3)) {
            history_.add(Happened::WriteLost, device_, path);
            file.content = *file.before;
        }
        file.before.reset();
    }
}

std::unique_ptr<runtime::daemon::Disk> Disk::view_for(Process& process) {
    return std::make_unique<DiskView>(*this, process);
}

}  // namespace harmony::simulation
