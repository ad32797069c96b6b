// What a run intended and what came of it, durable before and after each step.
//
// One file a run, journal/<run>.jsonl, one JSON object a line: {"event":"begin"|"intent"|"result"|"end",
// ...}. A journal without an end belongs to a run that was killed.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "host/output/problem.hpp"

namespace harmony::host {

class Journal {
 public:
    // Begins journal/<run>.jsonl in the context's state folder and forgets all but the newest journals.
    [[nodiscard]] static Outcome<Journal> begin(const std::string& state_folder, const std::string& run_id,
                                                const std::string& command,
                                                const std::vector<std::string>& scores);

    Journal(Journal&& other) noexcept;
    Journal& operator=(Journal&&) = delete;
    Journal(const Journal&) = delete;
    Journal& operator=(const Journal&) = delete;
    ~Journal();

    // Each returns when the line is on disk. Code host.io.
    [[nodiscard]] Outcome<void> intent(const std::string& score, const std::string& step,
                                       const std::string& action);
    [[nodiscard]] Outcome<void> result(const std::string& score, const std::string& step, bool ok,
                                       const std::string& summary);
    [[nodiscard]] Outcome<void> end(const std::string& outcome);

    [[nodiscard]] const std::string& run_id() const { return run_id_; }

 private:
    Journal(int fd, std::string run_id) : fd_(fd), run_id_(std::move(run_id)) {}
    [[nodiscard]] Outcome<void> append(nlohmann::json line);

    int fd_;
    std::string run_id_;
};

struct JournalSummary {
    std::string run_id;
    std::string command;
    std::string started_at;
    std::string ended_at;
    std::string outcome;     // empty: it never ended
    std::string last_score;  // of the last intent
    std::string last_step;
    bool step_unfinished = false;

    [[nodiscard]] bool interrupted() const { return outcome.empty(); }
};

// The newest journal, read tolerantly: a torn last line is ignored. nullopt when there is none.
[[nodiscard]] std::optional<JournalSummary> last_journal(const std::string& state_folder);

// Sortable and unique: 20260102T030405Z-1a2b3c4d.
[[nodiscard]] std::string new_run_id();

}  // namespace harmony::host
