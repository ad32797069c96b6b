#include "host/engine/rendering.hpp"

#include <algorithm>
#include <set>

#include "host/output/style.hpp"

namespace harmony::host {
namespace {

using nlohmann::json;

constexpr std::size_t kMostFiles = 1000;
constexpr std::size_t kLongestPath = 200;

bool path_character(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
}

tl::unexpected<Problem> bad_answer(const std::string& plugin, const std::string& what) {
    return failure("plugin.bad-answer", plugin + " answered wrongly: score.render " + what,
                   "this is a defect of the plugin; report it to its author");
}

// The files' folders that are files as well; empty when there is none.
std::string folder_that_is_a_file(const std::vector<RenderedFile>& files) {
    std::set<std::string> paths;
    for (const auto& file : files)
        paths.insert(file.path);
    for (const auto& file : files) {
        for (auto end = file.path.rfind('/'); end != std::string::npos && end > 0;
             end = file.path.rfind('/', end - 1)) {
            if (paths.contains(file.path.substr(0, end))) return file.path.substr(0, end);
        }
    }
    return {};
}

}  // namespace

bool is_rendered_path(std::string_view path) {
    if (path.empty() || path.size() > kLongestPath || path.starts_with(".harmony")) return false;
    while (true) {
        const auto slash = path.find('/');
        const auto part = path.substr(0, slash);
        if (part.empty() || part == "." || part == ".." || !std::ranges::all_of(part, path_character))
            return false;
        if (slash == std::string_view::npos) return true;
        path.remove_prefix(slash + 1);
    }
}

Outcome<std::vector<RenderedFile>> parse_rendering(const std::string& plugin, const json& answer) {
    if (!answer.is_object() || !answer.contains("files") || !answer["files"].is_array())
        return bad_answer(plugin, "has no list of files");
    const auto& list = answer["files"];
    if (list.empty() || list.size() > kMostFiles)
        return bad_answer(plugin, "has " + std::to_string(list.size()) + " files, expected 1 to " +
                                      std::to_string(kMostFiles));
    std::vector<RenderedFile> files;
    for (const auto& item : list) {
        const auto text = [&](const char* name) -> const std::string* {
            const auto found = item.is_object() ? item.find(name) : item.end();
            return item.is_object() && found != item.end() ? found->get_ptr<const std::string*>() : nullptr;
        };
        const auto* path = text("path");
        const auto* content = text("content");
        if (path == nullptr || content == nullptr)
            return bad_answer(plugin, "has a file without a path or content");
        if (!is_rendered_path(*path))
            return bad_answer(plugin, "has the path \"" + printable(*path) +
                                          "\", which is no relative path "
                                          "of plain names");
        files.push_back({*path, *content});
    }
    std::ranges::sort(files, {}, &RenderedFile::path);
    const auto twice = std::ranges::adjacent_find(files, {}, &RenderedFile::path);
    if (twice != files.end()) return bad_answer(plugin, "has the path " + twice->path + " twice");
    if (const auto folder = folder_that_is_a_file(files); !folder.empty())
        return bad_answer(plugin, "has " + folder + " both as a file and as a folder");
    return files;
}

}  // namespace harmony::host
