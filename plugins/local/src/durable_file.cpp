#include "durable_file.hpp"

#include <fcntl.h>
#include <openssl/evp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>

#include "descriptor.hpp"

namespace harmony::local {
namespace {

namespace fs = std::filesystem;

fs::path temporary_beside(const fs::path& file) {
    static std::atomic<unsigned> counter{0};
    return file.parent_path() / ("." + file.filename().string() + ".new-" + std::to_string(::getpid()) + "-" +
                                 std::to_string(counter.fetch_add(1)));
}

Outcome<void> write_all(int fd, std::string_view bytes, const fs::path& file) {
    while (!bytes.empty()) {
        const ssize_t count = ::write(fd, bytes.data(), bytes.size());
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return system_problem("write " + file.string(), errno);
        bytes.remove_prefix(static_cast<std::size_t>(count));
    }
    return {};
}

Outcome<void> sync_folder(const fs::path& folder) {
    const Descriptor fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!fd || ::fsync(fd.get()) != 0) return system_problem("sync " + folder.string(), errno);
    return {};
}

Outcome<void> write_temporary(const fs::path& temporary, std::string_view content, mode_t mode,
                              Durability durability) {
    const Descriptor fd(
        ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!fd) return system_problem("create " + temporary.string(), errno);
    if (::fchmod(fd.get(), mode) != 0) return system_problem("set the mode of " + temporary.string(), errno);
    if (auto written = write_all(fd.get(), content, temporary); !written) return written;
    if (durability == Durability::OnDisk && ::fsync(fd.get()) != 0) {
        return system_problem("sync " + temporary.string(), errno);
    }
    return {};
}

}  // namespace

Outcome<void> write_file(const fs::path& file, std::string_view content, mode_t mode, Durability durability) {
    const fs::path temporary = temporary_beside(file);
    auto written = write_temporary(temporary, content, mode, durability);
    if (written && ::rename(temporary.c_str(), file.c_str()) != 0) {
        written = system_problem("replace " + file.string(), errno);
    }
    if (!written) {
        ::unlink(temporary.c_str());
        return written;
    }
    return durability == Durability::OnDisk ? sync_folder(file.parent_path()) : Outcome<void>{};
}

Outcome<bool> create_file(const fs::path& file, std::string_view content, mode_t mode) {
    const fs::path temporary = temporary_beside(file);
    auto written = write_temporary(temporary, content, mode, Durability::OnDisk);
    bool created = false;
    if (written) {
        created = ::link(temporary.c_str(), file.c_str()) == 0;
        if (!created && errno != EEXIST) written = system_problem("create " + file.string(), errno);
    }
    ::unlink(temporary.c_str());
    if (written && created) written = sync_folder(file.parent_path());
    if (!written) return pass_on(written.error());
    return created;
}

Outcome<std::optional<std::string>> read_file(const fs::path& file, std::size_t limit) {
    const Descriptor fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd && (errno == ENOENT || errno == ENOTDIR)) return std::optional<std::string>{};
    if (!fd) return system_problem("open " + file.string(), errno);
    std::string content;
    std::array<char, 16384> buffer{};
    for (;;) {
        const ssize_t count = ::read(fd.get(), buffer.data(), buffer.size());
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return system_problem("read " + file.string(), errno);
        if (count == 0) return std::optional<std::string>(std::move(content));
        content.append(buffer.data(), static_cast<std::size_t>(count));
        if (content.size() > limit) {
            return problem("local.io", file.string() + " is longer than " + std::to_string(limit) + " bytes");
        }
    }
}

Outcome<void> make_private_folders(const fs::path& folder) {
    if (folder.empty()) return {};
    if (::mkdir(folder.c_str(), 0700) == 0) return {};
    if (errno == ENOENT && folder.has_parent_path() && folder.parent_path() != folder) {
        if (auto parents = make_private_folders(folder.parent_path()); !parents) return parents;
        if (::mkdir(folder.c_str(), 0700) == 0) return {};
    }
    const int error = errno;
    struct stat status {};
    if (error == EEXIST && ::stat(folder.c_str(), &status) == 0 && S_ISDIR(status.st_mode)) return {};
    return system_problem("create the folder " + folder.string(), error);
}

Outcome<void> make_guarded_folder(const fs::path& folder) {
    if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) {
        return system_problem("create the folder " + folder.string(), errno);
    }
    struct stat status {};
    if (::lstat(folder.c_str(), &status) != 0) return system_problem("look at " + folder.string(), errno);
    if (!S_ISDIR(status.st_mode) || status.st_uid != ::geteuid() || (status.st_mode & 077) != 0) {
        return problem("local.unsafe-folder",
                       folder.string() + " must be a folder of this user with mode 0700; it is not",
                       "remove it, or set XDG_RUNTIME_DIR to a folder that only this user may enter");
    }
    return {};
}

std::string sha256_hex(std::string_view bytes) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned length = 0;
    EVP_Digest(bytes.data(), bytes.size(), digest.data(), &length, EVP_sha256(), nullptr);
    static constexpr std::string_view kDigits = "0123456789abcdef";
    std::string text;
    for (unsigned i = 0; i < length; ++i) {
        text += kDigits[digest[i] >> 4];
        text += kDigits[digest[i] & 15];
    }
    return text;
}

}  // namespace harmony::local
