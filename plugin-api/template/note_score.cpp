#include "note_score.hpp"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>

namespace example {

using namespace harmony::plugin;

namespace {

std::filesystem::path path_of(NoteScore::Run& run) {
    return std::filesystem::path(run.session().state_dir) / "example-note.txt";
}

std::optional<std::string> content_of(const std::filesystem::path& path) {
    std::ifstream stream(path, std::ios::binary);
    if (!stream) return std::nullopt;
    return std::string{std::istreambuf_iterator<char>(stream), {}};
}

Object object_of(NoteScore::Run& run) {
    return {.kind = "file", .name = path_of(run).string()};
}

}  // namespace

Result<std::vector<Object>> NoteScore::read(Run& run) {
    if (!content_of(path_of(run))) return std::vector<Object>{};
    return std::vector<Object>{object_of(run)};
}

Result<Plan> NoteScore::plan(Run& run, const PlanRequest& request) {
    Plan plan;
    const auto current = content_of(path_of(run));
    if (request.purpose == Purpose::Destroy) {
        if (current) plan.steps.push_back({.id = "note", .action = Action::Delete, .object = object_of(run)});
        return plan;
    }
    if (current == run.params().text) return plan;
    Difference difference{.path = "text", .after = run.params().text};
    if (current) difference.before = *current;
    plan.steps.push_back({.id = "note",
                          .action = current ? Action::Update : Action::Create,
                          .object = object_of(run),
                          .diff = {difference}});
    return plan;
}

Result<void> NoteScore::apply(Run& run, const Step& /*step*/) {
    std::error_code error;
    std::filesystem::create_directories(path_of(run).parent_path(), error);
    std::ofstream stream(path_of(run), std::ios::trunc | std::ios::binary);
    stream << run.params().text;
    if (!stream.flush()) return failure("note.unwritable", path_of(run).string() + " cannot be written");
    return {};
}

Result<std::vector<Check>> NoteScore::verify(Run& run) {
    return std::vector<Check>{
        {.name = "the note says its text", .ok = content_of(path_of(run)) == run.params().text}};
}

Result<void> NoteScore::destroy(Run& run, const Step& /*step*/) {
    std::error_code error;
    std::filesystem::remove(path_of(run), error);
    if (error) return failure("note.unremovable", path_of(run).string() + ": " + error.message());
    return {};
}

}  // namespace example
