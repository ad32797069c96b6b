// libpod's JSON documents and our types.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harmony/podman/container_runtime.hpp"

namespace harmony::runtime::podman {

std::string encode_create(const ContainerSpec& spec);
Result<std::string> decode_created(std::string_view json);  // the id
Result<RuntimeInfo> decode_info(std::string_view json);
Result<std::vector<Container>> decode_list(std::string_view json);
Result<Container> decode_inspect(std::string_view json);
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
