// What exists because of earlier runs: one record a Score, records/<Score>.json in the context's state
// folder.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "host/engine/plan.hpp"
#include "host/output/problem.hpp"

namespace harmony::host {

struct Record {
    std::string score;
    std::string plugin_id;
    std::string plugin_version;
    std::string plugin_sha256;
    nlohmann::json settings;  // without secrets
    std::string outcome;      // applying, ok, failed, unverified, destroying
    std::string reason;       // of a failure
    std::string at;
    std::string run_id;
    nlohmann::json objects = nlohmann::json::array();
    std::vector<Check> checks;
};

class Records {
 public:
    explicit Records(const std::string& state_folder)
        : folder_(state_folder + "/records"), retired_folder_(state_folder + "/retired") {}

    // By Score. A record that cannot be read is code host.record and names the file.
    [[nodiscard]] Outcome<std::map<std::string, Record>> all() const;
    // Durable when it returns.
    [[nodiscard]] Outcome<void> put(const Record& record) const;
    // Nothing of the Score is left, its data neither.
    [[nodiscard]] Outcome<void> remove(const std::string& score) const;
    // It was destroyed, and its data may have stayed: how it was set is remembered for who deletes that
    // later.
    [[nodiscard]] Outcome<void> retire(const std::string& score) const;
    // Of the Scores that were retired.
    [[nodiscard]] Outcome<std::map<std::string, Record>> retired() const;

 private:
    std::string folder_;
    std::string retired_folder_;
};

[[nodiscard]] nlohmann::json to_json(const Record& record);

}  // namespace harmony::host
