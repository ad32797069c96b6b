// A temporary folder with files that are plugins as far as their manifests go.
#pragma once

#include "elf_builder.hpp"

#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

namespace harmony::host::testing {

struct PluginFolder {
    std::string root = "/tmp/harmony-plugins-test.XXXXXX";
    PluginFolder() { REQUIRE(::mkdtemp(root.data()) != nullptr); }
    ~PluginFolder() { std::filesystem::remove_all(root); }
    PluginFolder(const PluginFolder&) = delete;
    PluginFolder& operator=(const PluginFolder&) = delete;

    std::string write(const std::string& name, const std::string& bytes) const {
        const auto path = root + "/" + name;
        std::filesystem::create_directories(std::filesystem::path(path).parent_path());
        std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
        std::filesystem::permissions(path, std::filesystem::perms(0644));
        return path;
    }
    // folder/harmony-<name>.so of acme/<name> with one Score.
    std::string plugin(const std::string& folder, const std::string& name,
                       const std::string& version = "1.0.0", const std::string& score = "") const {
        const auto json = manifest_json("acme/" + name, version, score.empty() ? name + "Score" : score);
        return write(folder + "/harmony-" + name + ".so", ElfParts(json).bytes());
    }
};

}  // namespace harmony::host::testing
