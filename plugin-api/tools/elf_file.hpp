#pragma once

#include <harmony/plugin/diagnostic.hpp>
#include <map>
#include <string>
#include <vector>

namespace harmony::tools {

// What the manifest needs to know of a 64-bit little-endian ELF shared object. Every offset of the file is
// checked before it is followed.
struct ElfFile {
    std::string target;                        // "x86_64-linux-gnu"
    std::vector<std::string> exported;         // names of the defined dynamic symbols that others can see
    std::map<std::string, std::string> needs;  // "GLIBC" and "GLIBCXX" to the highest version used
};

[[nodiscard]] plugin::Result<ElfFile> read_elf(const std::string& path);

// The raw bytes of a section, for checks; empty when there is none.
[[nodiscard]] plugin::Result<std::string> read_section(const std::string& path, const std::string& name);

// True when version `left` ("2.9") is lower than `right` ("2.34"), number by number.
[[nodiscard]] bool version_less(const std::string& left, const std::string& right);

}  // namespace harmony::tools
