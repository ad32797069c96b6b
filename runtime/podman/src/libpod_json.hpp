// libpod's JSON documents and our types.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harmony/podman/container_runtime.hpp"

namespace harmony::runtime::podman {

// Of a name with or without SIG; 0: unknown.
int signal_number(std::string name);
std::string encode_create(const ContainerSpec& spec);
Result<std::string> decode_created(std::string_view json);  // the id
Result<RuntimeInfo> decode_info(std::string_view json);
Result<std::vector<Container>> decode_list(std::string_view json);
Result<Container> decode_inspect(std::string_view json);
std::string encode_exec_create(const std::vector<std::string>& argv);
struct ExecState {
    bool running = false;
    int exit_code = 0;
    int pid = 0;  // as podman sees it; 0: has ended, or has not begun
};
Result<ExecState> decode_exec_state(std::string_view json);
// Of an inspected container's main process; 0 where none runs.
int decode_container_pid(std::string_view json);
// {"label":["a=b"]} and the like, for query strings.
std::string encode_label_filter(const Labels& labels);
std::string encode_event_filter(const EventFilter& filter);
// Nothing: an event that is no container's.
Result<std::optional<RuntimeEvent>> decode_event(std::string_view line);

// One line of a pull's progress.
struct PullLine {
    std::string text;
    std::string id;
    std::string error;
};
Result<PullLine> decode_pull_line(std::string_view line);

// An error answer's own words; the body itself where it is not libpod's document.
std::string decode_error_message(std::string_view body);

}  // namespace harmony::runtime::podman
