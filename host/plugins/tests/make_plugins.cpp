// make_plugins FOLDER COUNT: COUNT files that carry manifests of a usual size and no code, to measure
// discovery.
#include "elf_builder.hpp"

#include <sys/stat.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>

int main(int argc, char** argv) {
    if (argc != 3) {
        std::fprintf(stderr, "usage: %s FOLDER COUNT\n", argv[0]);
        return 2;
    }
    const std::string folder = argv[1];
    ::mkdir(folder.c_str(), 0755);
    std::string properties;
    for (int i = 0; i < 25; ++i) {
        properties +=
            (i == 0 ? "" : ",") + std::string("\"field_") + std::to_string(i) +
            R"(":{"type":"string","description":"What this field is for, in one sentence.","default":"value"})";
    }
    for (int i = 0; i < std::atoi(argv[2]); ++i) {
        const auto name = "bench-" + std::to_string(i);
        auto json = harmony::host::testing::manifest_json("harmony-bench/" + name, "1.0.0",
                                                          "Bench" + std::to_string(i) + "Score");
        const std::string empty = R"("properties":{})";
        json.replace(json.find(empty), empty.size(), R"("properties":{)" + properties + "}");
        const auto path = folder + "/harmony-" + name + ".so";
        std::ofstream(path, std::ios::binary) << harmony::host::testing::ElfParts(json).bytes();
        ::chmod(path.c_str(), 0644);
    }
    return 0;
}
