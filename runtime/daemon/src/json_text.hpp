// Writing JSON strings, for the two places that only ever write: log lines and health reports.
#pragma once

#include <string>
#include <string_view>

namespace harmony::runtime::daemon {

// Appends the text in quotes. Bytes that are not UTF-8 become U+FFFD, so that each line stays valid JSON.
void append_json_string(std::string& out, std::string_view text);

}  // namespace harmony::runtime::daemon
