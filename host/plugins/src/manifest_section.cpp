#include <elf.h>
#include <unistd.h>

#include <sys/stat.h>
#include <cerrno>
#include <cstring>
#include <harmony/host/manifest_section.hpp>

namespace harmony::host {
namespace {

constexpr std::string_view kSectionName = ".harmony.manifest";
// A plugin built with a section for each function has tens of thousands; more is not a plugin.
constexpr std::uint64_t kMaxSections = 200000;

bool inside(std::uint64_t offset, std::uint64_t length, std::uint64_t file_size) {
    return offset <= file_size && length <= file_size - offset;
}

tl::unexpected<Diagnostic> truncated(const std::string& what) {
    return refuse("plugin.truncated", what + " lies outside the file",
                  "The file is incomplete or damaged: copy or build it again.");
}

Result<Elf64_Ehdr> read_header(std::uint64_t file_size, const ReadAt& read_at) {
    Elf64_Ehdr header{};
    if (file_size < sizeof header || !read_at(0, &header, sizeof header) ||
        std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0) {
        return refuse("plugin.not-elf", "The file is not an ELF shared object",
                      "A plugin is a shared object built for this machine.");
    }
    if (header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_ident[EI_DATA] != ELFDATA2LSB) {
        return refuse(
            "plugin.wrong-target",
            "The file is built for another kind of machine: "
            "found " +
                std::string(header.e_ident[EI_CLASS] == ELFCLASS32 ? "32 bit" : "another byte order") +
                ", expected 64 bit little-endian",
            "Install the build for this machine.");
    }
#if defined(__x86_64__)
    constexpr Elf64_Half kMachine = EM_X86_64;
#elif defined(__aarch64__)
    constexpr Elf64_Half kMachine = EM_AARCH64;
#else
#error "add this machine's ELF number"
#endif
    if (header.e_machine != kMachine) {
        return refuse("plugin.wrong-target",
                      "The file is built for another processor: found ELF machine " +
                          std::to_string(header.e_machine) + ", expected " + std::to_string(kMachine),
                      "Install the build for this machine.");
    }
    if (header.e_type != ET_DYN) {
        return refuse("plugin.not-elf", "The file is ELF but not a shared object: found type " +
                                            std::to_string(header.e_type) + ", expected " +
                                            std::to_string(ET_DYN));
    }
    if (header.e_shoff == 0 || header.e_shentsize != sizeof(Elf64_Shdr)) {
        return refuse("plugin.no-manifest", "The file has no section table, so it carries no manifest",
                      "Build it with harmony_add_plugin(), and don't strip the section headers.");
    }
    return header;
}

// Walks the section table in blocks, so that a big one costs neither much memory nor many reads.
class SectionTable {
 public:
    SectionTable(std::uint64_t offset, std::uint64_t count, const ReadAt& read_at)
        : offset_(offset), count_(count), read_at_(read_at) {}

    [[nodiscard]] std::uint64_t count() const { return count_; }

    // The caller has checked that the table lies inside the file.
    bool get(std::uint64_t index, Elf64_Shdr& out) {
        if (index >= count_) return false;
        const std::uint64_t block = index / kBlock;
        if (block != loaded_) {
            const std::uint64_t first = block * kBlock;
            const std::uint64_t number = count_ - first < kBlock ? count_ - first : kBlock;
            if (!read_at_(offset_ + first * sizeof(Elf64_Shdr), sections_, number * sizeof(Elf64_Shdr))) {
                return false;
            }
            loaded_ = block;
        }
        out = sections_[index % kBlock];
        return true;
    }

 private:
    static constexpr std::uint64_t kBlock = 64;
    std::uint64_t offset_;
    std::uint64_t count_;
    const ReadAt& read_at_;
    std::uint64_t loaded_ = ~std::uint64_t{0};
    Elf64_Shdr sections_[kBlock];
};

// Whether the string table holds exactly kSectionName at `name`.
bool is_manifest_name(const Elf64_Shdr& names, std::uint32_t name, const ReadAt& read_at) {
    char text[kSectionName.size() + 1];
    if (!inside(name, sizeof text, names.sh_size)) return false;
    if (!read_at(names.sh_offset + name, text, sizeof text)) return false;
    return std::memcmp(text, kSectionName.data(), kSectionName.size()) == 0 && text[kSectionName.size()] == 0;
}

Result<std::string> read_section(const Elf64_Shdr& section, std::uint64_t file_size, const ReadAt& read_at) {
    if (section.sh_type == SHT_NOBITS || section.sh_size == 0) {
        return refuse("plugin.no-manifest", "The section .harmony.manifest is empty",
                      "Build the plugin again with harmony_add_plugin().");
    }
    if ((section.sh_flags & SHF_COMPRESSED) != 0) {
        return refuse("plugin.no-manifest", "The section .harmony.manifest is compressed",
                      "Compress debug sections only.");
    }
    if (section.sh_size > kMaxManifestBytes) {
        return refuse("plugin.manifest-too-large",
                      "The manifest is too large: found " + std::to_string(section.sh_size) +
                          " bytes, expected at most " + std::to_string(kMaxManifestBytes));
    }
    if (!inside(section.sh_offset, section.sh_size, file_size)) return truncated("The manifest");
    std::string bytes(section.sh_size, '\0');
    if (!read_at(section.sh_offset, bytes.data(), bytes.size())) return truncated("The manifest");
    while (!bytes.empty() && bytes.back() == '\0')
        bytes.pop_back();
    return bytes;
}

}  // namespace

Result<std::string> find_manifest_section(std::uint64_t file_size, const ReadAt& read_at) {
    const auto header = read_header(file_size, read_at);
    if (!header) return tl::unexpected(header.error());
    if (!inside(header->e_shoff, sizeof(Elf64_Shdr), file_size)) return truncated("The section table");

    // Section 0 holds the counts that don't fit into the header.
    Elf64_Shdr first{};
    if (!read_at(header->e_shoff, &first, sizeof first)) return truncated("The section table");
    const std::uint64_t count = header->e_shnum != 0 ? header->e_shnum : first.sh_size;
    const std::uint64_t names_index = header->e_shstrndx != SHN_XINDEX ? header->e_shstrndx : first.sh_link;
    if (count > kMaxSections || !inside(header->e_shoff, count * sizeof(Elf64_Shdr), file_size)) {
        return truncated("The section table");
    }
    SectionTable table(header->e_shoff, count, read_at);
    Elf64_Shdr names{};
    if (!table.get(names_index, names) || names.sh_type != SHT_STRTAB ||
        !inside(names.sh_offset, names.sh_size, file_size)) {
        return truncated("The table of section names");
    }
    // From the end: the build tool adds the manifest last.
    for (std::uint64_t i = count; i-- > 0;) {
        Elf64_Shdr section{};
        if (!table.get(i, section)) return truncated("The section table");
        if (is_manifest_name(names, section.sh_name, read_at))
            return read_section(section, file_size, read_at);
    }
    return refuse("plugin.no-manifest", "The file has no section .harmony.manifest",
                  "It is a shared object but not a plugin, or it was not built with harmony_add_plugin().");
}

Result<std::string> read_manifest_section(int fd) {
    struct stat status {};
    if (::fstat(fd, &status) != 0) {
        return refuse("plugin.io", std::string("The file can't be examined: ") + std::strerror(errno));
    }
    if (!S_ISREG(status.st_mode)) return refuse("plugin.not-elf", "It is not a regular file");
    return find_manifest_section(
        static_cast<std::uint64_t>(status.st_size), [fd](std::uint64_t offset, void* to, std::size_t length) {
            auto* bytes = static_cast<char*>(to);
            while (length > 0) {
                const ssize_t got = ::pread(fd, bytes, length, static_cast<off_t>(offset));
                if (got < 0 && errno == EINTR) continue;
                if (got <= 0) return false;
                bytes += got;
                offset += static_cast<std::uint64_t>(got);
                length -= static_cast<std::size_t>(got);
            }
            return true;
        });
}

}  // namespace harmony::host
