#include "host/engine/journal.hpp"

#include <fcntl.h>
#include <sys/random.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <sstream>
#include <utility>

#include "host/config/files.hpp"

namespace harmony::host {
namespace {

using nlohmann::json;

constexpr std::size_t kKeptJournals = 50;

std::vector<std::string> journal_files(const std::string& folder) {
    std::vector<std::string> files;
    std::error_code ignored;
    for (const auto& entry : std::filesystem::directory_iterator(folder, ignored)) {
        if (entry.path().extension() == ".jsonl") files.push_back(entry.path().string());
    }
    std::ranges::sort(files);
    return files;
}

void forget_oldest(const std::string& folder) {
    auto files = journal_files(folder);
    for (std::size_t i = 0; i + kKeptJournals < files.size(); ++i)
        ::unlink(files[i].c_str());
}

std::string text_of(const json& line, const char* name) {
    const auto found = line.find(name);
    return found != line.end() && found->is_string() ? found->get<std::string>() : std::string();
}

}  // namespace

std::string new_run_id() {
    // Runs are told apart and ordered by their ids, and two may begin within one second.
    timespec now{};
    ::clock_gettime(CLOCK_REALTIME, &now);
    std::tm parts{};
    gmtime_r(&now.tv_sec, &parts);
    char stamp[32];
    std::strftime(stamp, sizeof stamp, "%Y%m%dT%H%M%S", &parts);
    std::uint32_t random = 0;
    if (::getrandom(&random, sizeof random, 0) != sizeof random)
        random = static_cast<std::uint32_t>(::getpid());
    char id[64];
    std::snprintf(id, sizeof id, "%s.%06ldZ-%08x", stamp, now.tv_nsec / 1000, random);
    return id;
}

Outcome<Journal> Journal::begin(const std::string& state_folder, const std::string& run_id,
                                const std::string& command, const std::vector<std::string>& scores) {
    const std::string folder = state_folder + "/journal";
    if (auto made = ensure_folders(folder); !made) return tl::unexpected(made.error());
    forget_oldest(folder);
    const std::string path = folder + "/" + run_id + ".jsonl";
    const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0) return failure("host.io", "cannot write " + path + ": " + std::strerror(errno));
    Journal journal(fd, run_id);
    auto written = journal.append(
        {{"event", "begin"}, {"format", 1}, {"run", run_id}, {"command", command}, {"scores", scores}});
    if (!written) return tl::unexpected(written.error());
    return journal;
}

Journal::Journal(Journal&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), run_id_(std::move(other.run_id_)) {}

Journal::~Journal() {
    if (fd_ >= 0) ::close(fd_);
}

Outcome<void> Journal::append(json line) {
    line["at"] = timestamp_now();
    const std::string bytes = line.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
    const auto written = ::write(fd_, bytes.data(), bytes.size());
    if (written != static_cast<ssize_t>(bytes.size()) || ::fdatasync(fd_) != 0)
        return failure("host.io", std::string("cannot write the journal: ") + std::strerror(errno),
                       "free some disk space and run again");
    return {};
}

Outcome<void> Journal::intent(const std::string& score, const std::string& step, const std::string& action) {
    return append({{"event", "intent"}, {"score", score}, {"step", step}, {"action", action}});
}

Outcome<void> Journal::result(const std::string& score, const std::string& step, bool ok,
                              const std::string& summary) {
    json line = {{"event", "result"}, {"score", score}, {"step", step}, {"ok", ok}};
    if (!summary.empty()) line["summary"] = summary;
    return append(std::move(line));
}

Outcome<void> Journal::end(const std::string& outcome) {
    return append({{"event", "end"}, {"outcome", outcome}});
}

std::optional<JournalSummary> last_journal(const std::string& state_folder) {
    const auto files = journal_files(state_folder + "/journal");
    if (files.empty()) return std::nullopt;
    auto text = read_file(files.back());
    if (!text || !*text) return std::nullopt;
    JournalSummary summary;
    std::istringstream lines(**text);
    for (std::string bytes; std::getline(lines, bytes);) {
        const json line = json::parse(bytes, nullptr, false);
        if (!line.is_object()) continue;
        const std::string event = text_of(line, "event");
        if (event == "begin") {
            summary.run_id = text_of(line, "run");
            summary.command = text_of(line, "command");
            summary.started_at = text_of(line, "at");
        } else if (event == "intent") {
            summary.last_score = text_of(line, "score");
            summary.last_step = text_of(line, "step");
            summary.step_unfinished = true;
        } else if (event == "result") {
            summary.step_unfinished = false;
        } else if (event == "end") {
            summary.outcome = text_of(line, "outcome");
            summary.ended_at = text_of(line, "at");
        }
    }
    return summary;
}

}  // namespace harmony::host
