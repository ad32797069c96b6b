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
    explicit Records(const std::string& state_folder) : folder_(state_folder + "/records") {}

    // By Score. A record that cannot be read is code host.record and names the file.
    [[nodiscard]] Outcome<std::map<std::string, Record>> all() const;
    // Durable when it returns.
    [[nodiscard]] Outcome<void> put(const Record& record) const;
    [[nodiscard]] Outcome<void> remove(const std::string& score) const;

 private:
    std::string folder_;
};

[[nodiscard]] nlohmann::json to_json(const Record& record);

}  // namespace harmony::host
