#include "harmony/agent/audit_log.hpp"

#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <fstream>
#include <nlohmann/json.hpp>

#include "temporary_directory.hpp"

namespace harmony::agent {
namespace {

const auto kNoon = contracts::Timestamp::parse("2026-01-31T12:00:00Z").value();

AuditEntry started() {
    return {AuditEvent::Started, "4f0c", "ada@workshop", "web/app", "hf.dev.web.app", {"ls", "-l"}, {}, {}};
}

std::vector<nlohmann::json> lines_of(const std::string& path) {
    std::vector<nlohmann::json> lines;
    std::ifstream file(path);
    for (std::string line; std::getline(file, line);)
        lines.push_back(nlohmann::json::parse(line, nullptr, false));
    return lines;
}

}  // namespace

TEST_CASE("an audit line says who asked for what, where, and how it ended") {
    auto entry = started();
    CHECK(
        audit_line(entry, kNoon) ==
        R"({"at":"2026-01-31T12:00:00.000000Z","event":"Started","verb":"exec","request_id":"4f0c",)"
        R"("operator_sub":"ada@workshop","target":"web/app","container":"hf.dev.web.app","argv":["ls","-l"]})");
    entry.event = AuditEvent::Ended;
    entry.exit_code = 2;
    entry.reason = "output truncated";
    CHECK_THAT(audit_line(entry, kNoon),
               Catch::EndsWith(R"("argv":["ls","-l"],"exit_code":2,"reason":"output truncated"})"));
}

TEST_CASE("an audit line is one line, whatever the arguments are") {
    auto entry = started();
    entry.argv = {"sh", "-c", "a\nb\xff" + std::string(5'000, 'x')};
    entry.argv.resize(200, "more");
    const auto line = audit_line(entry, kNoon);
    CHECK(line.find('\n') == std::string::npos);
    CHECK(line.size() < 8'000);
    const auto document = nlohmann::json::parse(line);
    CHECK(document["argv"].size() == 65);
    CHECK(document["argv"].back() == "...");
    CHECK(document["argv"][2].get<std::string>().ends_with("x..."));
}

TEST_CASE("the audit log grows by whole lines, is for its owner only, and starts over when it is full") {
    const testing::TemporaryDirectory directory;
    const std::string path = directory.file("audit.log");
    AuditLog log({.path = path, .max_bytes = 1'000, .kept_files = 2});
    for (int i = 0; i < 30; ++i)
        REQUIRE(log.append(started(), kNoon));
    struct stat status {};
    for (const auto& file : {path, path + ".1", path + ".2"}) {
        REQUIRE(stat(file.c_str(), &status) == 0);
        CHECK((status.st_mode & 0777) == 0600);
        CHECK(status.st_size <= 1'000);
        for (const auto& line : lines_of(file))
            CHECK(line["request_id"] == "4f0c");
    }
    CHECK(stat((path + ".3").c_str(), &status) != 0);
}

TEST_CASE("a line torn by a power cut does not swallow the next, and open rights are taken back") {
    const testing::TemporaryDirectory directory;
    const std::string path = directory.file("audit.log");
    std::ofstream(path) << R"({"at":"2026-01)";
    REQUIRE(chmod(path.c_str(), 0644) == 0);
    AuditLog log({.path = path});
    REQUIRE(log.append(started(), kNoon));
    const auto lines = lines_of(path);
    REQUIRE(lines.size() == 2);
    CHECK(lines[1]["event"] == "Started");
    struct stat status {};
    REQUIRE(stat(path.c_str(), &status) == 0);
    CHECK((status.st_mode & 0777) == 0600);
}

TEST_CASE("what cannot be written is an error that names the file") {
    const testing::TemporaryDirectory directory;
    AuditLog log({.path = directory.file("no-folder/audit.log")});
    const auto noted = log.append(started(), kNoon);
    REQUIRE_FALSE(noted);
    CHECK_THAT(noted.error().text(), Catch::Contains("no-folder/audit.log"));
}

}  // namespace harmony::agent
