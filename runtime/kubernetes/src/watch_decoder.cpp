#include "watch_decoder.hpp"

#include <utility>

namespace harmony::runtime::kubernetes {
namespace {

using Json = nlohmann::json;

std::optional<WatchLineKind> kind_of_line(const std::string& type) {
    if (type == "ADDED") return WatchLineKind::Added;
    if (type == "MODIFIED") return WatchLineKind::Modified;
    if (type == "DELETED") return WatchLineKind::Deleted;
    if (type == "BOOKMARK") return WatchLineKind::Bookmark;
    return std::nullopt;
}

}  // namespace

std::string resource_version_of(const Json& object) {
    if (!object.is_object()) return {};
    const auto metadata = object.find("metadata");
    if (metadata == object.end() || !metadata->is_object()) return {};
    const auto version = metadata->find("resourceVersion");
    return version != metadata->end() && version->is_string() ? version->get<std::string>() : std::string{};
}

Answer<void> WatchDecoder::feed(std::string_view bytes, std::vector<WatchLine>& lines) {
    while (!bytes.empty()) {
        const auto newline = bytes.find('\n');
        const std::string_view part = bytes.substr(0, newline);
        if (rest_.size() + part.size() > max_line_bytes_) {
            return refuse(Reason::Malformed, call_.text() + ": an event of the watch is larger than " +
                                                 std::to_string(max_line_bytes_) + " bytes");
        }
        if (newline == std::string_view::npos) {
            rest_ += part;
            return {};
        }
        bytes.remove_prefix(newline + 1);
        Answer<void> taken;
        if (rest_.empty()) {
            taken = take_line(part, lines);
        } else {
            rest_ += part;
            taken = take_line(std::exchange(rest_, {}), lines);
        }
        if (!taken) return taken;
    }
    return {};
}

Answer<void> WatchDecoder::take_line(std::string_view line, std::vector<WatchLine>& lines) const {
    if (line.find_first_not_of(" \r\t") == std::string_view::npos) return {};
    Json event = Json::parse(line, nullptr, false);
    const auto malformed = [&](const char* what) {
        return refuse(Reason::Malformed, call_.text() + ": the watch sent " + what);
    };
    if (!event.is_object()) return malformed("a line that is no JSON object");
    const auto type = event.find("type");
    const auto object = event.find("object");
    if (type == event.end() || !type->is_string()) return malformed("an event without a type");
    if (object == event.end() || !object->is_object()) return malformed("an event without an object");
    const auto name = type->get<std::string>();
    if (name == "ERROR") return refuse(decode_status(call_, 0, *object));
    const auto kind = kind_of_line(name);
    if (!kind) return malformed("an event of an unknown type");
    std::string version = resource_version_of(*object);
    if (version.empty()) return malformed("an object without metadata.resourceVersion");
    lines.push_back({*kind, std::move(version), std::move(*object)});
    return {};
}

}  // namespace harmony::runtime::kubernetes
