// The syntax of single values in a PodmanV0 score. Private to contracts.
#pragma once

#include <array>
#include <string_view>

namespace harmony::contracts {

// [<registry>[:<port>]/]<path>[:<tag>][@<digest>]
[[nodiscard]] bool is_image_reference(std::string_view text);
// What POSIX and container runtimes agree on: not empty, no '=', no control character, no space.
[[nodiscard]] bool is_environment_name(std::string_view text);
inline constexpr std::array<std::string_view, 12> kStopSignals{
    "SIGTERM", "SIGINT",  "SIGQUIT", "SIGHUP",  "SIGKILL",  "SIGUSR1",
    "SIGUSR2", "SIGABRT", "SIGALRM", "SIGCONT", "SIGWINCH", "SIGRTMIN+3"};
[[nodiscard]] bool is_stop_signal(std::string_view text);

}  // namespace harmony::contracts
