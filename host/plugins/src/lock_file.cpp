#include "file_io.hpp"

#include <algorithm>
#include <harmony/host/json_text.hpp>
#include <harmony/host/lock_file.hpp>
#include <nlohmann/json.hpp>

namespace harmony::host {
namespace {

constexpr int kFormat = 1;
constexpr std::size_t kMaxLockBytes = 4 * 1024 * 1024;

tl::unexpected<Diagnostic> invalid(const std::string& what) {
    return refuse("plugin.lock-invalid", "harmony.lock is damaged: " + what,
                  "Restore it, or install the folder's plugins again.");
}

bool is_sha256(std::string_view text) {
    return text.size() == 64 && std::all_of(text.begin(), text.end(), [](char c) {
               return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
           });
}

bool is_file_name(std::string_view text) {
    return text.size() < 256 && text.starts_with("harmony-") && text.ends_with(".so") &&
           text.find('/') == std::string_view::npos && text.find('\0') == std::string_view::npos;
}

Result<LockedPlugin> parse_plugin(const nlohmann::json& item) {
    LockedPlugin plugin;
    if (!item.is_object()) return invalid("an entry is not an object");
    const std::pair<const char*, std::string*> fields[] = {
        {"id", &plugin.id},         {"version", &plugin.version}, {"file", &plugin.file},
        {"sha256", &plugin.sha256}, {"source", &plugin.source},   {"installed_at", &plugin.installed_at}};
    for (const auto& [key, target] : fields) {
        const auto found = item.find(key);
        if (found == item.end() || !found->is_string())
            return invalid(std::string("an entry has no text ") + key);
        *target = found->get<std::string>();
    }
    if (!is_sha256(plugin.sha256))
        return invalid("sha256 of " + printable(plugin.id) + " is not 64 hex digits");
    if (!is_file_name(plugin.file))
        return invalid("file of " + printable(plugin.id) + " is not harmony-<name>.so");
    return plugin;
}

}  // namespace

const LockedPlugin* LockFile::find_file(std::string_view file) const {
    for (const auto& plugin : plugins) {
        if (plugin.file == file) return &plugin;
    }
    return nullptr;
}

const LockedPlugin* LockFile::find_id(std::string_view id) const {
    for (const auto& plugin : plugins) {
        if (plugin.id == id) return &plugin;
    }
    return nullptr;
}

Result<LockFile> parse_lock_file(std::string_view text) {
    const auto document = parse_json_object(text);
    if (!document) return invalid(document.error());
    const auto format = document->find("format");
    if (format == document->end() || !format->is_number_unsigned()) return invalid("it has no format");
    if (*format != kFormat) {
        return refuse("plugin.lock-format",
                      "harmony.lock has format " + format->dump() + ", this harmony reads format " +
                          std::to_string(kFormat),
                      "Update harmony.");
    }
    const auto list = document->find("plugins");
    if (list == document->end() || !list->is_array()) return invalid("it has no list of plugins");
    LockFile lock;
    for (const auto& item : *list) {
        auto plugin = parse_plugin(item);
        if (!plugin) return tl::unexpected(plugin.error());
        if (lock.find_id(plugin->id) != nullptr || lock.find_file(plugin->file) != nullptr) {
            return invalid(printable(plugin->id) + " is in it twice");
        }
        lock.plugins.push_back(std::move(*plugin));
    }
    return lock;
}

Result<std::optional<LockFile>> read_lock_file(const std::string& folder) {
    const std::string path = folder + "/" + std::string(kLockFileName);
    auto text = read_small_file(path, kMaxLockBytes);
    if (!text) return tl::unexpected(text.error());
    if (!*text) return std::nullopt;
    auto lock = parse_lock_file(**text);
    if (!lock) {
        lock.error().detail = path;
        return tl::unexpected(lock.error());
    }
    return std::move(*lock);
}

std::string format_lock_file(const LockFile& lock) {
    auto plugins = lock.plugins;
    std::sort(plugins.begin(), plugins.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
    nlohmann::ordered_json document;
    document["format"] = kFormat;
    document["plugins"] = nlohmann::ordered_json::array();
    for (const auto& plugin : plugins) {
        nlohmann::ordered_json item;
        item["id"] = plugin.id;
        item["version"] = plugin.version;
        item["file"] = plugin.file;
        item["sha256"] = plugin.sha256;
        item["source"] = plugin.source;
        item["installed_at"] = plugin.installed_at;
        document["plugins"].push_back(std::move(item));
    }
    return document.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace harmony::host
