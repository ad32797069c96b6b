#include "elf_file.hpp"

#include <elf.h>

#include <cstring>
#include <fstream>
#include <iterator>
#include <optional>
#include <sstream>

namespace harmony::tools {

using plugin::failure;
using plugin::Result;

namespace {

class Image {
 public:
    explicit Image(std::string bytes) : bytes_(std::move(bytes)) {}

    template <class T>
    [[nodiscard]] std::optional<T> at(std::uint64_t offset) const {
        if (offset > bytes_.size() || bytes_.size() - offset < sizeof(T)) return std::nullopt;
        T value;
        std::memcpy(&value, bytes_.data() + offset, sizeof(T));
        return value;
    }
    [[nodiscard]] std::string text(std::uint64_t offset) const {
        if (offset >= bytes_.size()) return {};
        const std::size_t end = bytes_.find('\0', offset);
        return bytes_.substr(offset, end == std::string::npos ? std::string::npos : end - offset);
    }
    [[nodiscard]] std::string slice(std::uint64_t offset, std::uint64_t length) const {
        if (offset > bytes_.size() || bytes_.size() - offset < length) return {};
        return bytes_.substr(offset, length);
    }

 private:
    std::string bytes_;
};

struct Opened {
    Image image;
    Elf64_Ehdr header;
    std::vector<Elf64_Shdr> sections;
};

Result<Opened> open_elf(const std::string& path) {
    std::ifstream stream(path, std::ios::binary);
    if (!stream) return failure("elf.unreadable", path + " cannot be read");
    Image image(std::string{std::istreambuf_iterator<char>(stream), {}});
    const auto header = image.at<Elf64_Ehdr>(0);
    if (!header || std::memcmp(header->e_ident, ELFMAG, SELFMAG) != 0 ||
        header->e_ident[EI_CLASS] != ELFCLASS64 || header->e_ident[EI_DATA] != ELFDATA2LSB ||
        header->e_type != ET_DYN) {
        return failure("elf.wrong-kind", path + " is not a 64-bit little-endian ELF shared object");
    }
    std::vector<Elf64_Shdr> sections;
    for (std::uint64_t i = 0; i < header->e_shnum; ++i) {
        const auto section = image.at<Elf64_Shdr>(header->e_shoff + i * sizeof(Elf64_Shdr));
        if (!section) return failure("elf.truncated", path + " ends inside its section table");
        sections.push_back(*section);
    }
    return Opened{std::move(image), *header, std::move(sections)};
}

const Elf64_Shdr* linked(const Opened& elf, const Elf64_Shdr& section) {
    return section.sh_link < elf.sections.size() ? &elf.sections[section.sh_link] : nullptr;
}

void read_exports(const Opened& elf, const Elf64_Shdr& section, ElfFile& out) {
    const Elf64_Shdr* names = linked(elf, section);
    if (names == nullptr) return;
    for (std::uint64_t offset = 0; offset + sizeof(Elf64_Sym) <= section.sh_size;
         offset += sizeof(Elf64_Sym)) {
        const auto symbol = elf.image.at<Elf64_Sym>(section.sh_offset + offset);
        if (!symbol) return;
        const auto visibility = ELF64_ST_VISIBILITY(symbol->st_other);
        if (symbol->st_shndx == SHN_UNDEF || ELF64_ST_BIND(symbol->st_info) == STB_LOCAL ||
            visibility == STV_HIDDEN || visibility == STV_INTERNAL) {
            continue;
        }
        out.exported.push_back(elf.image.text(names->sh_offset + symbol->st_name));
    }
}

void note_version(const std::string& version, ElfFile& out) {
    const std::size_t cut = version.find('_');
    if (cut == std::string::npos) return;
    const std::string family = version.substr(0, cut);
    const std::string number = version.substr(cut + 1);
    const bool numeric = number.find_first_not_of("0123456789.") == std::string::npos;
    if ((family != "GLIBC" && family != "GLIBCXX") || !numeric) return;
    auto& highest = out.needs[family];
    if (highest.empty() || version_less(highest, number)) highest = number;
}

void read_needs(const Opened& elf, const Elf64_Shdr& section, ElfFile& out) {
    const Elf64_Shdr* names = linked(elf, section);
    if (names == nullptr) return;
    std::uint64_t offset = section.sh_offset;
    for (Elf64_Word left = section.sh_info; left > 0; --left) {
        const auto need = elf.image.at<Elf64_Verneed>(offset);
        if (!need) return;
        std::uint64_t entry = offset + need->vn_aux;
        for (Elf64_Half more = need->vn_cnt; more > 0; --more) {
            const auto aux = elf.image.at<Elf64_Vernaux>(entry);
            if (!aux) return;
            note_version(elf.image.text(names->sh_offset + aux->vna_name), out);
            if (aux->vna_next == 0) break;
            entry += aux->vna_next;
        }
        if (need->vn_next == 0) break;
        offset += need->vn_next;
    }
}

std::string target_of(const Elf64_Ehdr& header) {
    switch (header.e_machine) {
        case EM_X86_64:
            return "x86_64-linux-gnu";
        case EM_AARCH64:
            return "aarch64-linux-gnu";
        case EM_RISCV:
            return "riscv64-linux-gnu";
        default:
            return "machine-" + std::to_string(header.e_machine) + "-linux-gnu";
    }
}

}  // namespace

bool version_less(const std::string& left, const std::string& right) {
    std::istringstream a(left);
    std::istringstream b(right);
    for (std::string x, y;;) {
        const bool more_a = static_cast<bool>(std::getline(a, x, '.'));
        const bool more_b = static_cast<bool>(std::getline(b, y, '.'));
        if (!more_a || !more_b) return more_b;
        const long number_a = std::strtol(x.c_str(), nullptr, 10);
        const long number_b = std::strtol(y.c_str(), nullptr, 10);
        if (number_a != number_b) return number_a < number_b;
    }
}

Result<ElfFile> read_elf(const std::string& path) {
    auto elf = open_elf(path);
    if (!elf) return failure(elf.error());
    ElfFile out;
    out.target = target_of(elf->header);
    for (const auto& section : elf->sections) {
        if (section.sh_type == SHT_DYNSYM) read_exports(*elf, section, out);
        if (section.sh_type == SHT_GNU_verneed) read_needs(*elf, section, out);
    }
    return out;
}

Result<std::string> read_section(const std::string& path, const std::string& name) {
    auto elf = open_elf(path);
    if (!elf) return failure(elf.error());
    if (elf->header.e_shstrndx >= elf->sections.size()) return std::string();
    const auto& names = elf->sections[elf->header.e_shstrndx];
    for (const auto& section : elf->sections) {
        if (elf->image.text(names.sh_offset + section.sh_name) != name) continue;
        return elf->image.slice(section.sh_offset, section.sh_size);
    }
    return std::string();
}

}  // namespace harmony::tools
