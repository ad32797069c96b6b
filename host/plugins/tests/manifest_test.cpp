#include "elf_builder.hpp"

#include <harmony/host/json_text.hpp>
#include <harmony/host/manifest.hpp>
#include <harmony/host/manifest_section.hpp>

#include <catch2/catch.hpp>

using namespace harmony::host;
using harmony::host::testing::ElfParts;
using harmony::host::testing::manifest_json;

namespace {

Result<std::string> section_of(const std::string& file) {
    return find_manifest_section(file.size(), [&](std::uint64_t offset, void* to, std::size_t length) {
        if (offset > file.size() || length > file.size() - offset) return false;
        std::memcpy(to, file.data() + offset, length);
        return true;
    });
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
    const auto at = text.find(from);
    REQUIRE(at != std::string::npos);
    return text.replace(at, from.size(), to);
}

const std::string kGood = manifest_json("acme/thing", "1.2.3", "ThingScore");

std::string code_of(const std::string& json) {
    const auto manifest = parse_manifest(json);
    return manifest ? "" : manifest.error().code;
}

}  // namespace

TEST_CASE("the manifest section is found without loading the file") {
    CHECK(section_of(ElfParts(kGood).bytes()).value() == kGood);
    CHECK(section_of(ElfParts(kGood + std::string(3, '\0')).bytes()).value() == kGood);
}

TEST_CASE("every other kind of file is refused with its reason") {
    const auto code = [](const ElfParts& parts) { return section_of(parts.bytes()).error().code; };
    CHECK(section_of("").error().code == "plugin.not-elf");
    CHECK(section_of("#!/bin/sh\n" + std::string(100, ' ')).error().code == "plugin.not-elf");
    ElfParts narrow(kGood);
    narrow.header.e_ident[EI_CLASS] = ELFCLASS32;
    CHECK(code(narrow) == "plugin.wrong-target");
    ElfParts swapped(kGood);
    swapped.header.e_ident[EI_DATA] = ELFDATA2MSB;
    CHECK(code(swapped) == "plugin.wrong-target");
    ElfParts foreign(kGood);
    foreign.header.e_machine = EM_RISCV;
    CHECK(code(foreign) == "plugin.wrong-target");
    ElfParts program(kGood);
    program.header.e_type = ET_EXEC;
    CHECK(code(program) == "plugin.not-elf");
    ElfParts stripped(kGood);
    stripped.header.e_shoff = 0;
    CHECK(code(stripped) == "plugin.no-manifest");
    ElfParts unnamed(kGood);
    unnamed.sections[2].sh_name = 1;
    CHECK(code(unnamed) == "plugin.no-manifest");
    ElfParts large(kGood);
    large.sections[2].sh_size = kMaxManifestBytes + 1;
    CHECK(code(large) == "plugin.manifest-too-large");
}

TEST_CASE("offsets and counts that leave the file are refused") {
    const auto code = [](const ElfParts& parts) { return section_of(parts.bytes()).error().code; };
    for (const std::uint64_t offset : {std::uint64_t{5000}, ~std::uint64_t{0}, ~std::uint64_t{0} - 63}) {
        ElfParts table(kGood);
        table.header.e_shoff = offset;
        CHECK(code(table) == "plugin.truncated");
        ElfParts manifest(kGood);
        manifest.sections[2].sh_offset = offset;
        CHECK(code(manifest) == "plugin.truncated");
        ElfParts names(kGood);
        names.sections[1].sh_offset = offset;
        CHECK(code(names) == "plugin.truncated");
    }
    ElfParts many(kGood);
    many.header.e_shnum = 0;
    many.sections[0].sh_size = ~std::uint64_t{0} / 32;
    CHECK(code(many) == "plugin.truncated");
    ElfParts index(kGood);
    index.header.e_shstrndx = 99;
    CHECK(code(index) == "plugin.truncated");
    const auto whole = ElfParts(kGood).bytes();
    for (std::size_t length = 0; length < whole.size(); ++length)
        CHECK_FALSE(section_of(whole.substr(0, length)));
}

TEST_CASE("a manifest becomes typed structs, schemas stay text") {
    const auto manifest = parse_manifest(kGood);
    REQUIRE(manifest);
    CHECK(manifest->id == "acme/thing");
    CHECK(manifest->scores.at(0).requirements == Requirements{{"process-host/1"}});
    CHECK(manifest->scores.at(0).parameters == R"({"properties":{},"type":"object"})");
    CHECK(manifest->commands.at(0).path == std::vector<std::string>{"do", "thing"});
    CHECK(manifest->commands.at(0).arguments.at(0).default_value == "3");
    CHECK_FALSE(manifest->parallel);
}

TEST_CASE("a manifest that can't be used says why") {
    CHECK(code_of("[]") == "plugin.manifest-invalid");
    CHECK(code_of("{") == "plugin.manifest-invalid");
    CHECK(code_of(std::string(100000, '[')) == "plugin.manifest-invalid");
    CHECK(code_of(replaced(kGood, "\"format\":1", "\"format\":2")) == "plugin.manifest-format");
    CHECK(code_of(replaced(kGood, "\"generation\":1", "\"generation\":2")) == "plugin.generation");
    for (const char* id : {"Acme/thing", "thing", "acme/", "acme/../x", "a/b/c"}) {
        CHECK(code_of(replaced(kGood, "acme/thing", id)) == "plugin.manifest-invalid");
    }
    for (const char* version : {"1", "1.2", "1..3", "v1.2.3", ""}) {
        CHECK(code_of(replaced(kGood, "1.2.3", version)) == "plugin.manifest-invalid");
    }
    const auto wrong = parse_manifest(replaced(kGood, "\"after\":[]", "\"after\":[1]"));
    REQUIRE_FALSE(wrong);
    CHECK(wrong.error().path == "scores[0].after");
    CHECK(parse_manifest(replaced(kGood, "\"kind\":\"string\"", "\"kind\":\"date\"")).error().path ==
          "commands[0].arguments[0].kind");
}

TEST_CASE("a range of levels that has nothing in common names both ranges and what to do") {
    const auto newer = parse_manifest(replaced(kGood, R"("min":1,"max":1)", R"("min":4,"max":6)"));
    REQUIRE_FALSE(newer);
    CHECK(newer.error().code == "plugin.level");
    CHECK(newer.error().summary ==
          "The plugin speaks levels 4 to 6 of the plugin interface, this harmony speaks 1");
    CHECK(newer.error().hint == "Update harmony, or install an older build of the plugin.");
    HostSupport future = HostSupport::current();
    future.level_min = 3;
    future.level_max = 5;
    CHECK(parse_manifest(kGood, future).error().hint ==
          "Install a newer build of the plugin, or use an older harmony.");
}

TEST_CASE("a plugin for another machine or a newer libc is refused before it is loaded") {
    CHECK(code_of(replaced(kGood, "\"format\":1", R"("format":1,"target":"riscv64-linux-gnu")")) ==
          "plugin.target");
    HostSupport old = HostSupport::current();
    old.glibc = "2.31";
    const auto needs = replaced(kGood, "\"format\":1", R"("format":1,"needs":{"GLIBC":"2.34"})");
    CHECK(parse_manifest(needs, old).error().summary == "The plugin needs GLIBC 2.34, this machine has 2.31");
    old.glibc = "2.34";
    CHECK(parse_manifest(needs, old));
}

TEST_CASE("versions compare by number, not by letter") {
    CHECK(version_less("2.9", "2.34"));
    CHECK_FALSE(version_less("2.34", "2.9"));
    CHECK(version_less("2.34", "2.34.1"));
    CHECK_FALSE(version_less("2.34", "2.34"));
    CHECK_FALSE(version_less("", ""));
}

TEST_CASE("foreign text is made printable") {
    CHECK(printable("a\x1b[0m\nü\xff") == "a?[0m?ü?");
    CHECK(printable("\xc2\x9b") == "?");
    CHECK(printable("\xed\xa0\x80") == "???");
    CHECK(printable(std::string(300, 'a')).size() == 203);
}
