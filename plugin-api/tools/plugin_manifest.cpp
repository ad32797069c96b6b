// harmony-plugin-manifest [--objcopy PROGRAM] [--print] FILE
//
// Run after a plugin is linked: asks it for plugin.describe, adds what only the file knows (target, needs),
// checks that it exports the entry and nothing else, and puts the manifest into the file's section
// .harmony.manifest.
// --print shows the embedded manifest instead. Exit codes: 0 done, 1 failed, 2 wrong use.
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>

#include "elf_file.hpp"
#include "loaded_plugin.hpp"

namespace {

using harmony::plugin::failure;
using harmony::plugin::Json;
using harmony::plugin::Result;

constexpr std::size_t kMaxManifestBytes = 1024 * 1024;  // spec/manifest.md

struct Options {
    std::string objcopy = "objcopy";
    std::string file;
    bool print = false;
};

Result<void> check_exports(const harmony::tools::ElfFile& elf) {
    if (elf.exported.size() == 1 && elf.exported.front() == HP_ENTRY_SYMBOL) return {};
    std::string names;
    for (const auto& name : elf.exported) {
        if (names.size() < 400) names += (names.empty() ? "" : ", ") + name;
    }
    return failure("plugin.exports", "it exports " + std::to_string(elf.exported.size()) + " symbols (" +
                                         names + "), expected " HP_ENTRY_SYMBOL " alone");
}

Result<void> check_identity(const Json& manifest, const std::string& file) {
    const std::string id = manifest["id"].string_or("");
    const std::size_t slash = id.find('/');
    const std::string name = slash == std::string::npos ? std::string() : id.substr(slash + 1);
    const std::string expected = "harmony-" + name + ".so";
    if (!name.empty() && std::filesystem::path(file).filename() == expected) return {};
    return failure("plugin.name", "its id is \"" + id + "\", which is not vendor/name of the file " +
                                      std::filesystem::path(file).filename().string());
}

Result<void> run_objcopy(const Options& options, const std::string& section_file, const std::string& output) {
    const std::string add = std::string(HP_MANIFEST_SECTION) + "=" + section_file;
    std::vector<const char*> argv{options.objcopy.c_str(),
                                  "--remove-section",
                                  HP_MANIFEST_SECTION,
                                  "--add-section",
                                  add.c_str(),
                                  options.file.c_str(),
                                  output.c_str(),
                                  nullptr};
    pid_t child = 0;
    const int error =
        posix_spawnp(&child, argv[0], nullptr, nullptr, const_cast<char* const*>(argv.data()), environ);
    if (error != 0) return failure("objcopy.missing", options.objcopy + " cannot be started");
    int status = 0;
    while (waitpid(child, &status, 0) < 0) {
        if (errno != EINTR) return failure("objcopy.lost", "objcopy cannot be waited for");
    }
    if (status != 0) return failure("objcopy.failed", options.objcopy + " failed");
    return {};
}

Result<void> embed(const Options& options, const std::string& text) {
    const std::string section_file = options.file + ".manifest.json";
    const std::string output = options.file + ".with-manifest";
    {
        std::ofstream stream(section_file, std::ios::binary | std::ios::trunc);
        stream << text;
        if (!stream.flush()) return failure("manifest.unwritable", section_file + " cannot be written");
    }
    auto copied = run_objcopy(options, section_file, output);
    std::error_code error;
    std::filesystem::remove(section_file, error);
    if (!copied) {
        std::filesystem::remove(output, error);
        return copied;
    }
    std::filesystem::rename(output, options.file, error);
    if (error) return failure("manifest.unwritable", options.file + ": " + error.message());
    auto embedded = harmony::tools::read_section(options.file, HP_MANIFEST_SECTION);
    if (!embedded) return failure(embedded.error());
    if (*embedded != text) return failure("manifest.lost", "the embedded manifest does not read back");
    return {};
}

Result<void> run(const Options& options) {
    if (options.print) {
        auto embedded = harmony::tools::read_section(options.file, HP_MANIFEST_SECTION);
        if (!embedded) return failure(embedded.error());
        if (embedded->empty()) return failure("manifest.missing", "it has no section " HP_MANIFEST_SECTION);
        std::printf("%s\n", embedded->c_str());
        return {};
    }
    auto elf = harmony::tools::read_elf(options.file);
    if (!elf) return failure(elf.error());
    if (auto checked = check_exports(*elf); !checked) return checked;
    auto manifest = harmony::tools::describe_plugin(options.file);
    if (!manifest) return failure(manifest.error());
    if (auto checked = check_identity(*manifest, options.file); !checked) return checked;
    (*manifest)["target"] = elf->target;
    Json needs = Json::object();
    for (const auto& [family, version] : elf->needs)
        needs[family] = version;
    (*manifest)["needs"] = std::move(needs);
    const std::string text = manifest->dump();
    if (text.size() > kMaxManifestBytes) {
        return failure("manifest.too-large", "the manifest has " + std::to_string(text.size()) +
                                                 " bytes, expected at most " +
                                                 std::to_string(kMaxManifestBytes));
    }
    return embed(options, text);
}

bool parse(int argc, char** argv, Options& options) {
    for (int i = 1; i < argc; ++i) {
        const std::string word = argv[i];
        if (word == "--objcopy" && i + 1 < argc) {
            options.objcopy = argv[++i];
        } else if (word == "--print") {
            options.print = true;
        } else if (options.file.empty() && !word.empty() && word.front() != '-') {
            options.file = word;
        } else {
            return false;
        }
    }
    return !options.file.empty();
}

}  // namespace

int main(int argc, char** argv) {
    Options options;
    if (!parse(argc, argv, options)) {
        std::fprintf(stderr, "usage: %s [--objcopy PROGRAM] [--print] FILE\n", argv[0]);
        return 2;
    }
    try {
        const auto done = run(options);
        if (done) return 0;
        std::fprintf(stderr, "%s: %s (%s)\n", options.file.c_str(), done.error().summary.c_str(),
                     done.error().code.c_str());
    } catch (const std::exception& error) {
        std::fprintf(stderr, "%s: %s\n", options.file.c_str(), error.what());
    }
    return 1;
}
