// Builds the smallest ELF file that carries a manifest, for tests and for the benchmark's folder of plugins.
#pragma once

#include <elf.h>

#include <cstring>
#include <string>
#include <string_view>

namespace harmony::host::testing {

struct ElfParts {
    Elf64_Ehdr header{};
    Elf64_Shdr sections[3]{};
    std::string names = std::string("\0.shstrtab\0.harmony.manifest\0", 29);
    std::string manifest;

    explicit ElfParts(std::string_view json) : manifest(json) {
        std::memcpy(header.e_ident, ELFMAG, SELFMAG);
        header.e_ident[EI_CLASS] = ELFCLASS64;
        header.e_ident[EI_DATA] = ELFDATA2LSB;
        header.e_ident[EI_VERSION] = EV_CURRENT;
        header.e_type = ET_DYN;
#if defined(__aarch64__)
        header.e_machine = EM_AARCH64;
#else
        header.e_machine = EM_X86_64;
#endif
        header.e_shoff = sizeof header;
        header.e_shentsize = sizeof(Elf64_Shdr);
        header.e_shnum = 3;
        header.e_shstrndx = 1;
        sections[1].sh_name = 1;
        sections[1].sh_type = SHT_STRTAB;
        sections[1].sh_offset = sizeof header + sizeof sections;
        sections[1].sh_size = names.size();
        sections[2].sh_name = 11;
        sections[2].sh_type = SHT_PROGBITS;
        sections[2].sh_offset = sections[1].sh_offset + names.size();
        sections[2].sh_size = manifest.size();
    }

    [[nodiscard]] std::string bytes() const {
        std::string file(reinterpret_cast<const char*>(&header), sizeof header);
        file.append(reinterpret_cast<const char*>(sections), sizeof sections);
        return file + names + manifest;
    }
};

inline std::string manifest_json(const std::string& id, const std::string& version,
                                 const std::string& score) {
    return R"({"format":1,"id":")" + id + R"(","version":")" + version +
           R"(","summary":"A plugin","generation":1,)" +
           R"("levels":{"min":1,"max":1},"concurrency":"serial","scores":[{"name":")" + score +
           R"(","summary":"Does something","parameters":{"type":"object","properties":{}},)" +
           R"("requires":[["process-host/1"]],"after":[],"verbs":["plan","apply"]}],"topologies":[],)" +
           R"("commands":[{"path":["do",")" + id.substr(id.find('/') + 1) + R"("],"summary":"Does it",)" +
           R"("arguments":[{"name":"device","kind":"string","positional":true,"default":3}]}],"scenarios":[]})";
}

}  // namespace harmony::host::testing
