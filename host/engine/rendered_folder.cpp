#include "host/engine/rendered_folder.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <harmony/host/plugin_file.hpp>

#include "host/config/files.hpp"

namespace harmony::host {
namespace {

using nlohmann::json;

bool is_digest(const json& value) {
    if (!value.is_string()) return false;
    const auto& text = value.get_ref<const std::string&>();
    return text.size() == 64 &&
           std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

// Files by the folder that they are in.
std::string path_in(const std::string& folder, const std::string& path) {
    return (std::filesystem::path(folder) / path).string();
}

tl::unexpected<Problem> in_the_way(const std::string& folder, const std::vector<std::string>& paths) {
    std::string names;
    for (const auto& path : paths)
        names += (names.empty() ? "" : ", ") + path;
    return failure(
        "render.foreign-file",
        folder + " has files that are not as harmony wrote them: " + names + "; nothing was written",
        "move them away, or choose another folder; own values belong into a file of their own");
}

// Whether a folder on the way to path is something else, such as a link that leads out of it.
bool blocked(const std::string& folder, const std::string& path) {
    const std::filesystem::path relative(path);
    std::filesystem::path partial(folder);
    for (const auto& part : relative.parent_path()) {
        partial /= part;
        struct stat found {};
        if (::lstat(partial.c_str(), &found) != 0) return false;
        if (!S_ISDIR(found.st_mode)) return true;
    }
    return false;
}

// What is at path now: nothing, a file with that content, or something that is neither.
struct Present {
    bool there = false;
    std::optional<std::string> digest;
};
Outcome<Present> present(const std::string& folder, const std::string& path) {
    if (blocked(folder, path)) return Present{true, std::nullopt};
    const std::string whole = path_in(folder, path);
    struct stat found {};
    if (::lstat(whole.c_str(), &found) != 0) {
        if (errno == ENOENT) return Present{};
        return failure("host.io", "cannot look at " + whole + ": " + std::strerror(errno));
    }
    if (!S_ISREG(found.st_mode)) return Present{true, std::nullopt};
    auto content = read_file(whole);
    if (!content) return tl::unexpected(content.error());
    if (!*content) return Present{};
    return Present{true, sha256_of_text(**content)};
}

Outcome<RenderedFolder> read_marker(const std::string& folder, const std::string& score) {
    const std::string file = path_in(folder, std::string(RenderedFolder::kMarker));
    auto text = read_file(file);
    if (!text) return tl::unexpected(text.error());
    if (!*text) return RenderedFolder{score, {}};
    auto marker = RenderedFolder::parse(**text);
    if (!marker)
        return failure("render.marker", file + " is not as harmony wrote it",
                       "delete it together with the files beside it, or choose another folder");
    if (marker->score != score)
        return failure("render.foreign-file", folder + " holds " + marker->score + ", not " + score,
                       "choose another folder");
    return std::move(*marker);
}

void remove_empty_folders(const std::string& folder, const std::string& path) {
    for (auto above = std::filesystem::path(path).parent_path(); !above.empty();
         above = above.parent_path()) {
        if (::rmdir(path_in(folder, above.string()).c_str()) != 0) return;
    }
}

// One rendering on its way into a folder.
class Writing {
 public:
    Writing(const std::string& folder, RenderedFolder before, const std::vector<RenderedFile>& files)
        : folder_(folder), before_(std::move(before)), files_(files) {
        after_.score = before_.score;
        for (const auto& file : files_)
            after_.files[file.path] = {sha256_of_text(file.content)};
    }

    // Compares with what is there; changes nothing.
    Outcome<void> compare() {
        std::vector<std::string> foreign;
        for (const auto& [path, digests] : after_.files) {
            auto found = present(folder_, path);
            if (!found) return tl::unexpected(found.error());
            if (found->there && found->digest != digests.front() && !written_before(path, found->digest))
                foreign.push_back(path);
            outcomes_.push_back({path, !found->there                      ? FileChange::Created
                                       : found->digest == digests.front() ? FileChange::Unchanged
                                                                          : FileChange::Updated});
        }
        for (const auto& entry : before_.files) {
            if (after_.files.contains(entry.first)) continue;
            auto found = present(folder_, entry.first);
            if (!found) return tl::unexpected(found.error());
            if (found->there && written_before(entry.first, found->digest))
                outcomes_.push_back({entry.first, FileChange::Removed});
        }
        if (!foreign.empty()) return in_the_way(folder_, foreign);
        return {};
    }

    Outcome<std::vector<FileOutcome>> write() {
        if (std::ranges::all_of(
                outcomes_, [](const FileOutcome& file) { return file.change == FileChange::Unchanged; }) &&
            before_.files == after_.files)
            return outcomes_;
        // While it lasts a file may be as it was or as it will be.
        RenderedFolder both = after_;
        for (const auto& [path, digests] : before_.files)
            both.files[path].insert(both.files[path].end(), digests.begin(), digests.end());
        if (auto marked = mark(both); !marked) return tl::unexpected(marked.error());
        for (const auto& file : files_) {
            auto written = write_public_file(path_in(folder_, file.path), file.content);
            if (!written) return tl::unexpected(written.error());
        }
        for (const auto& file : outcomes_) {
            if (file.change != FileChange::Removed) continue;
            if (::unlink(path_in(folder_, file.path).c_str()) != 0 && errno != ENOENT)
                return failure("host.io",
                               "cannot remove " + path_in(folder_, file.path) + ": " + std::strerror(errno));
            remove_empty_folders(folder_, file.path);
        }
        if (auto marked = mark(after_); !marked) return tl::unexpected(marked.error());
        return outcomes_;
    }

 private:
    [[nodiscard]] bool written_before(const std::string& path,
                                      const std::optional<std::string>& digest) const {
        const auto known = before_.files.find(path);
        return digest && known != before_.files.end() &&
               std::ranges::find(known->second, *digest) != known->second.end();
    }
    [[nodiscard]] Outcome<void> mark(const RenderedFolder& marker) const {
        return write_public_file(path_in(folder_, std::string(RenderedFolder::kMarker)), marker.text());
    }

    const std::string& folder_;
    RenderedFolder before_;
    RenderedFolder after_;
    const std::vector<RenderedFile>& files_;
    std::vector<FileOutcome> outcomes_;
};

}  // namespace

std::optional<RenderedFolder> RenderedFolder::parse(std::string_view text) {
    const json document = json::parse(text, nullptr, false);
    if (!document.is_object()) return std::nullopt;
    const auto score = document.find("score");
    const auto files = document.find("files");
    if (score == document.end() || !score->is_string() || files == document.end() || !files->is_object())
        return std::nullopt;
    RenderedFolder folder{score->get<std::string>(), {}};
    for (const auto& [path, digests] : files->items()) {
        if (!is_rendered_path(path) || !digests.is_array() || !std::ranges::all_of(digests, is_digest))
            return std::nullopt;
        folder.files[path] = digests.get<std::vector<std::string>>();
    }
    return folder;
}

std::string RenderedFolder::text() const {
    return json{{"score", score}, {"files", files}}.dump(1) + "\n";
}

Outcome<std::vector<FileOutcome>> write_rendering(const std::string& folder, const std::string& score,
                                                  const std::vector<RenderedFile>& files) {
    auto before = read_marker(folder, score);
    if (!before) return tl::unexpected(before.error());
    Writing writing(folder, std::move(*before), files);
    if (auto compared = writing.compare(); !compared) return tl::unexpected(compared.error());
    return writing.write();
}

}  // namespace harmony::host
