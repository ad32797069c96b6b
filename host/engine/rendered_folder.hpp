// A folder with the files of a rendering, and a marker that knows them.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host/engine/rendering.hpp"

namespace harmony::host {

// What a folder's marker says it holds: of each path the digests that its content may have.
struct RenderedFolder {
    static constexpr std::string_view kMarker = ".harmony-rendered.json";

    std::string score;
    std::map<std::string, std::vector<std::string>> files;

    // nullopt for what is no marker. Pure.
    [[nodiscard]] static std::optional<RenderedFolder> parse(std::string_view text);
    [[nodiscard]] std::string text() const;
};

enum class FileChange { Created, Updated, Unchanged, Removed };
struct FileOutcome {
    std::string path;
    FileChange change;
};

// Writes the files into folder, making it, and removes what an earlier rendering of the same Score wrote and
// this one lacks. Files that were not written so, or were changed since, are left alone: where one of them is
// in the way nothing at all is written, code render.foreign-file, with their names. Each file is replaced
// atomically; what was interrupted is finished by doing it again.
[[nodiscard]] Outcome<std::vector<FileOutcome>> write_rendering(const std::string& folder,
                                                                const std::string& score,
                                                                const std::vector<RenderedFile>& files);

}  // namespace harmony::host
