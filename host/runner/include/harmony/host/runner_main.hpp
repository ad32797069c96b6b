// The other half of PluginProcess: what runs in the runner process.
#pragma once

namespace harmony::host {

// main() calls this before anything else when argv[1] is kRunnerArgument. Returns the exit code.
inline constexpr const char* kRunnerArgument = "__runner";
[[nodiscard]] int runner_main(int argc, char** argv);

}  // namespace harmony::host
