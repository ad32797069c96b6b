#include "host/engine/records.hpp"

#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "host/config/files.hpp"

namespace harmony::host {
namespace {

using nlohmann::json;

tl::expected<Record, std::string> parse_record(const std::string& text) {
    try {
        const json document = json::parse(text);
        if (document.at("format") != 1) return tl::unexpected(std::string("it has another format"));
        Record record;
        record.score = document.at("score").get<std::string>();
        record.plugin_id = document.at("plugin").at("id").get<std::string>();
        record.plugin_version = document.at("plugin").at("version").get<std::string>();
        record.plugin_sha256 = document.at("plugin").at("sha256").get<std::string>();
        record.settings = document.at("settings");
        record.outcome = document.at("outcome").get<std::string>();
        record.reason = document.value("reason", "");
        record.at = document.at("at").get<std::string>();
        record.run_id = document.at("run").get<std::string>();
        record.objects = document.at("objects");
        for (const auto& check : document.at("checks"))
            record.checks.push_back(
                {check.at("name").get<std::string>(), check.at("ok").get<bool>(), check.value("detail", "")});
        return record;
    } catch (const json::exception& problem) {
        return tl::unexpected(std::string(problem.what()));
    }
}

Outcome<std::map<std::string, Record>> load(const std::string& folder) {
    std::map<std::string, Record> records;
    std::error_code missing;
    for (const auto& entry : std::filesystem::directory_iterator(folder, missing)) {
        if (entry.path().extension() != ".json") continue;
        auto text = read_file(entry.path().string());
        if (!text) return tl::unexpected(text.error());
        if (!*text) continue;
        auto record = parse_record(**text);
        if (!record)
            return failure(
                "host.record", "the record " + entry.path().string() + " is damaged: " + record.error(),
                "move it away and apply the Score again; nothing is lost, what exists is read live");
        records[record->score] = std::move(*record);
    }
    return records;
}

Outcome<void> unlink_file(const std::string& path) {
    if (::unlink(path.c_str()) != 0 && errno != ENOENT)
        return failure("host.io", "cannot remove " + path + ": " + std::strerror(errno));
    return {};
}

}  // namespace

json to_json(const Record& record) {
    json checks = json::array();
    for (const auto& check : record.checks) {
        checks.push_back({{"name", check.name}, {"ok", check.ok}});
        if (!check.detail.empty()) checks.back()["detail"] = check.detail;
    }
    json document = {
        {"format", 1},
        {"score", record.score},
        {"plugin",
         {{"id", record.plugin_id}, {"version", record.plugin_version}, {"sha256", record.plugin_sha256}}},
        {"settings", record.settings},
        {"outcome", record.outcome},
        {"at", record.at},
        {"run", record.run_id},
        {"objects", record.objects},
        {"checks", checks}};
    if (!record.reason.empty()) document["reason"] = record.reason;
    return document;
}

Outcome<std::map<std::string, Record>> Records::all() const {
    return load(folder_);
}

Outcome<std::map<std::string, Record>> Records::retired() const {
    return load(retired_folder_);
}

Outcome<void> Records::put(const Record& record) const {
    return write_file(folder_ + "/" + record.score + ".json",
                      to_json(record).dump(2, ' ', false, json::error_handler_t::replace) + "\n");
}

Outcome<void> Records::remove(const std::string& score) const {
    if (auto removed = unlink_file(folder_ + "/" + score + ".json"); !removed) return removed;
    return unlink_file(retired_folder_ + "/" + score + ".json");
}

Outcome<void> Records::retire(const std::string& score) const {
    if (auto made = ensure_folders(retired_folder_); !made) return made;
    const std::string from = folder_ + "/" + score + ".json";
    const std::string to = retired_folder_ + "/" + score + ".json";
    if (::rename(from.c_str(), to.c_str()) != 0 && errno != ENOENT)
        return failure("host.io", "cannot move " + from + " to " + to + ": " + std::strerror(errno));
    return {};
}

}  // namespace harmony::host
