// harmony-unpack FOLDER: puts the harmony-*.so files of the archive on standard input flat into FOLDER.
// A program of its own, because archives are foreign bytes: it may use only a little memory and time, and if
// the library that reads them is overrun, it is not harmony that is.
#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <memory>
#include <set>
#include <string>
#include <string_view>

namespace {

constexpr std::int64_t kMaxFileBytes = 256LL * 1024 * 1024;
constexpr std::int64_t kMaxTotalBytes = 1024LL * 1024 * 1024;
constexpr int kMaxEntries = 10000;
constexpr rlim_t kMaxMemory = 1024UL * 1024 * 1024;  // zstd windows go up to 128 MiB
constexpr rlim_t kMaxCpuSeconds = 100;

using Archive = std::unique_ptr<archive, int (*)(archive*)>;

int fail(const std::string& message) {
    std::fprintf(stderr, "%s\n", message.c_str());
    return 1;
}

void limit(decltype(RLIMIT_AS) what, rlim_t value) {
    const rlimit bound{value, value};
    ::setrlimit(what, &bound);
}

void limit_resources() {
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    limit(RLIMIT_AS, kMaxMemory);  // a sanitizer's shadow memory is larger than that
#endif
    limit(RLIMIT_CPU, kMaxCpuSeconds);
    limit(RLIMIT_FSIZE, static_cast<rlim_t>(kMaxFileBytes));
    limit(RLIMIT_CORE, 0);
}

Archive open_input() {
    Archive reader(::archive_read_new(), &::archive_read_free);
    ::archive_read_support_format_tar(reader.get());
    ::archive_read_support_format_zip_streamable(reader.get());
    ::archive_read_support_format_zip_seekable(reader.get());
    ::archive_read_support_filter_gzip(reader.get());
    ::archive_read_support_filter_zstd(reader.get());
    return reader;
}

// What is wrong with the name of an entry; empty when nothing is.
std::string name_problem(std::string_view name) {
    if (name.empty() || name.size() > 4096) return "a name is empty or too long";
    if (name.front() == '/') return "an absolute name";
    for (std::string_view rest = name; !rest.empty();) {
        const auto slash = rest.find('/');
        if (rest.substr(0, slash) == "..") return "a name that leaves the folder";
        rest = slash == std::string_view::npos ? std::string_view() : rest.substr(slash + 1);
    }
    return {};
}

bool is_plugin(std::string_view name) {
    return name.starts_with("harmony-") && name.ends_with(".so") && name.size() > 11 && name.size() < 256;
}

// Returns what is wrong; empty when the file was written.
std::string write_file(archive* reader, int folder, const std::string& name, std::int64_t& total) {
    const int out =
        ::openat(folder, name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
    if (out < 0) return "a file can't be written";
    std::string problem;
    std::int64_t size = 0;
    char block[64 * 1024];
    for (;;) {
        const auto got = ::archive_read_data(reader, block, sizeof block);
        if (got == 0) break;
        if (got < 0) {
            problem = "it is damaged";
            break;
        }
        size += got;
        total += got;
        if (size > kMaxFileBytes || total > kMaxTotalBytes) {
            problem = "a file is larger than 256 MiB, or all of them than 1 GiB";
            break;
        }
        if (::write(out, block, static_cast<std::size_t>(got)) != got) {
            problem = "a file can't be written";
            break;
        }
    }
    ::close(out);
    return problem;
}

int unpack(archive* reader, int folder) {
    std::set<std::string> written;
    std::int64_t total = 0;
    archive_entry* entry = nullptr;
    int count = 0;
    int status = 0;
    while ((status = ::archive_read_next_header(reader, &entry)) == ARCHIVE_OK) {
        if (++count > kMaxEntries) return fail("more than 10000 entries");
        const char* raw = ::archive_entry_pathname(entry);
        const std::string_view name = raw != nullptr ? raw : "";
        if (auto problem = name_problem(name); !problem.empty()) return fail(problem);
        if (::archive_entry_hardlink(entry) != nullptr || ::archive_entry_symlink(entry) != nullptr) {
            return fail("it holds a link");
        }
        const auto type = ::archive_entry_filetype(entry);
        if (type != AE_IFREG && type != AE_IFDIR)
            return fail("it holds something else than files and folders");
        const std::string file(name.substr(name.rfind('/') + 1));
        if (type != AE_IFREG || !is_plugin(file)) continue;
        if (!written.insert(file).second) return fail("it holds " + file + " twice");
        if (auto problem = write_file(reader, folder, file, total); !problem.empty()) return fail(problem);
    }
    if (status != ARCHIVE_EOF) return fail("it is not an archive that harmony reads, or it is damaged");
    if (written.empty()) return fail("it holds no harmony-<name>.so");
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 2) return fail("usage: harmony-unpack FOLDER, with the archive on standard input");
    limit_resources();
    const int folder = ::open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0) return fail("the folder can't be opened");
    const Archive reader = open_input();
    if (::archive_read_open_fd(reader.get(), 0, 64 * 1024) != ARCHIVE_OK) {
        return fail("it is not an archive that harmony reads");
    }
    return unpack(reader.get(), folder);
}
