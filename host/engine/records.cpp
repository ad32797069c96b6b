#include "host/engine/records.hpp"

#include <unistd.h>

#include <cerrno>
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
    std::map<std::string, Record> records;
    std::error_code missing;
    for (const auto& entry : std::filesystem::directory_iterator(folder_, missing)) {
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

Outcome<void> Records::put(const Record& record) const {
    return write_file(folder_ + "/" + record.score + ".json",
                      to_json(record).dump(2, ' ', false, json::error_handler_t::replace) + "\n");
}

Outcome<void> Records::remove(const std::string& score) const {
    const std::string path = folder_ + "/" + score + ".json";
    if (::unlink(path.c_str()) != 0 && errno != ENOENT)
        return failure("host.io", "cannot remove " + path + ": " + std::strerror(errno));
    return {};
}

}  // namespace harmony::host
