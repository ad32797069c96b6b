// Drives a libFuzzer entry point without libFuzzer: every file of a corpus folder, then a fixed number of
// deterministic mutations of each (bit flips, truncations, splices). Any crash or sanitizer report fails.
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

constexpr int kMutationsPerFile = 400;
constexpr unsigned kSeed = 1;  // fixed, so that a failure repeats

void feed(const std::string& bytes) {
    LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
}

std::string mutate(std::string bytes, std::mt19937& random) {
    auto pick = [&](size_t bound) { return static_cast<size_t>(random() % (bound + 1)); };
    for (unsigned round = 0; round < 1 + random() % 4; ++round) {
        switch (random() % 4) {
            case 0:
                if (!bytes.empty()) bytes[pick(bytes.size() - 1)] = static_cast<char>(random());
                break;
            case 1:
                bytes.resize(pick(bytes.size()));
                break;
            case 2:
                bytes.insert(pick(bytes.size()), 1, static_cast<char>(random()));
                break;
            default:
                bytes.insert(pick(bytes.size()), bytes.substr(pick(bytes.size()), 16));
        }
    }
    return bytes;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 2 || !std::filesystem::is_directory(argv[1])) {
        std::fprintf(stderr, "usage: %s CORPUS_FOLDER\n", argv[0]);
        return 2;
    }
    std::mt19937 random(kSeed);
    int files = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(argv[1])) {
        if (!entry.is_regular_file()) continue;
        std::ifstream stream(entry.path(), std::ios::binary);
        const std::string bytes{std::istreambuf_iterator<char>(stream), {}};
        feed(bytes);
        for (int i = 0; i < kMutationsPerFile; ++i)
            feed(mutate(bytes, random));
        ++files;
    }
    if (files == 0) {
        std::fprintf(stderr, "%s holds no file: nothing was tested\n", argv[1]);
        return 1;
    }
    std::printf("%d files, %d inputs\n", files, files * (kMutationsPerFile + 1));
    return 0;
}
