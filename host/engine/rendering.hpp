// A Score as files: what score.render answered (plugin-api/spec/methods.md, Rendering).
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "host/output/problem.hpp"

namespace harmony::host {

struct RenderedFile {
    std::string path;  // relative, checked
    std::string content;
};

// An answer that breaks plugin-api/spec/methods.md, Rendering, is code plugin.bad-answer. Sorted by path.
// Pure.
[[nodiscard]] Outcome<std::vector<RenderedFile>> parse_rendering(const std::string& plugin,
                                                                 const nlohmann::json& answer);

// Whether score.render may name it: relative, of plain names.
[[nodiscard]] bool is_rendered_path(std::string_view path);

}  // namespace harmony::host
