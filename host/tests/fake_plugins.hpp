// Plugins without code: manifests in files, behaviour in this process, and what they did to an invented
// world.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "host/cli/run.hpp"
#include "host/config/files.hpp"

namespace harmony::host::testing {

struct World {
    std::map<std::string, nlohmann::json> objects;  // Score to the settings it was applied with
    std::set<std::string> crash_in_apply;
    std::set<std::string> failing_plans;
    std::set<std::string> failing_verify;
    std::set<std::string> failing_reads;
    std::set<std::string> destructive;
    int failing_destroys = 0;                     // so many of the next ones
    bool lacks_process_host = false;              // the machine does, and the topology says why
    bool scenario_stops_halfway = false;          // after its first Score
    nlohmann::json scenario_score = "LoneScore";  // what it asks to be applied
    std::string scenario_answer =
        R"({"passed":true,"steps":[{"name":"there and back","ok":true,"duration_ms":1}]})";
    std::vector<std::string> calls;  // "BaseScore score.apply"
    int processes = 0;               // started
    int prepared = 0;
    int released = 0;
    std::vector<std::chrono::milliseconds> timeouts;  // of the calls of commands and scores
    nlohmann::json rendered;                          // replaces the answer to score.render
    nlohmann::json streamed;                          // the arguments of the last `fake stream`
    std::function<void(const std::string&)> on_call;  // after it was noted

    [[nodiscard]] int count(const std::string& call) const;
};

[[nodiscard]] ProcessFactory fake_factory(World& world);

// A machine for one user: folders, environment, the fake plugins installed. Removed with the object.
class Machine {
 public:
    // AppScore, which goes after BaseScore, overlaps with it or does not.
    explicit Machine(bool overlaps = false);
    ~Machine();
    Machine(const Machine&) = delete;
    Machine& operator=(const Machine&) = delete;

    // Runs harmony in the machine's work folder.
    int run(const std::vector<std::string>& words, const std::string& input = {}, bool terminal = false);
    void write(const std::string& file, const std::string& text) const;
    [[nodiscard]] std::string state() const { return root + "/state/contexts/local"; }
    // Every path below the root with its size, and the bytes of small files.
    [[nodiscard]] std::map<std::string, std::string> trace() const;
    [[nodiscard]] nlohmann::json json() const { return nlohmann::json::parse(out); }

    std::string root = "/tmp/harmony-cli-test.XXXXXX";
    std::map<std::string, std::string> variables;
    World world;
    Cancellation cancellation;
    std::string out;
    std::string err;

 private:
    std::string before_;
};

}  // namespace harmony::host::testing
