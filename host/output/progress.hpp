// A run as it happens, on stderr: one line that is rewritten on a terminal, plain lines when piped.
#pragma once

#include <chrono>
#include <deque>
#include <string>

#include "host/engine/run.hpp"
#include "host/output/streams.hpp"
#include "host/output/style.hpp"

namespace harmony::host {

class Progress : public RunObserver {
 public:
    // verbose also shows what plugins log below a warning.
    Progress(Streams& streams, Style style, bool verbose)
        : streams_(streams), style_(style), live_(style.on()), verbose_(verbose) {}

    void plugin_log(const std::string& plugin, int level, const std::string& line) override;
    void plugin_progress(const std::string& message) override;
    void score_started(const std::string& score, std::size_t steps) override;
    void step_started(const std::string& score, const Step& step) override;
    void step_finished(const std::string& score, const Step& step, const Diagnostic* failed) override;
    void verify_started(const std::string& score) override;
    void score_finished(const ScoreResult& result) override;

 private:
    void line(const std::string& text);
    void status(const std::string& text);

    Streams& streams_;
    Style style_;
    bool live_;
    bool verbose_;
    bool status_shown_ = false;
    std::string current_;
    std::size_t steps_ = 0;
    std::size_t step_ = 0;
    std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
};

// error: summary, then the detail and the hint on lines of their own.
void print_diagnostic(std::ostream& err, const Style& style, const Diagnostic& what);

}  // namespace harmony::host
