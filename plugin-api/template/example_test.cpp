// Drives the plugin through its C interface, without a host.
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <harmony/plugin/testing/fake_host.hpp>

using namespace harmony::plugin;

namespace {

int run(const std::string& folder) {
    testing::FakeHost host(harmony_plugin_entry_1);
    host.session().state_dir = folder;
    auto score = host.score("NoteScore", Json::object({{"text", "from a test"}}));
    if (!score || score->apply_all() != 1 || score->apply_all() != 0 || score->destroy_all() != 1) {
        std::fprintf(stderr, "NoteScore does not apply once, stay, and go away\n");
        return 1;
    }
    return 0;
}

}  // namespace

int main() {
    std::string folder = (std::filesystem::temp_directory_path() / "example-XXXXXX").string();
    if (mkdtemp(folder.data()) == nullptr) return 1;
    const int result = run(folder);
    std::filesystem::remove_all(folder);
    return result;
}
