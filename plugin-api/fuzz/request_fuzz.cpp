// Feeds arbitrary bytes to a plugin as the parameters of create and of each method, through the C interface.
#include <cstdint>
#include <harmony/plugin/testing/fake_host.hpp>

using namespace harmony::plugin;
using namespace harmony::plugin::testing;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    static FakeHost host(harmony_plugin_entry_1);
    static const auto score = host.create("score", "SampleScore");
    static const auto topology = host.create("topology", "SampleTopology");
    static const auto command = host.create("command", "sample echo");
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    for (const char* method : {"score.plan", "score.apply"})
        (void)host.invoke_text(*score, method, text);
    (void)host.invoke_text(*topology, "capability.invoke", text);
    (void)host.invoke_text(*command, "command.run", text);
    if (auto settings = Json::parse(text)) {
        if (auto made = host.create("score", "SampleScore", *settings)) host.destroy(*made);
    }
    return 0;
}
