// A run as it happens, on stderr: one line that is rewritten on a terminal, plain lines when piped.
#pragma once

#include <chrono>
#include <deque>
#include <map>
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

 protected:
    // A line that stays.
    void line(const std::string& text);
    // What goes on now, on a terminal: the next line or status takes its place.
    void status(const std::string& text);
    [[nodiscard]] const Style& style() const { return style_; }
    [[nodiscard]] bool live() const { return live_; }
    [[nodiscard]] bool verbose() const { return verbose_; }

 private:
    // The Score's name above its lines, unless they go on.
    void head(const std::string& score);

    Streams& streams_;
    Style style_;
    bool live_;
    bool verbose_;
    bool status_shown_ = false;
    std::string current_;
    std::string heading_;  // whose lines stand here; empty: nobody's
    std::size_t steps_ = 0;
    std::size_t step_ = 0;
    std::map<std::string, std::chrono::steady_clock::time_point> started_;
};

// A scenario as it happens: its steps with their durations. What its Scores do in them shows on a terminal
// while it happens, and stays only where it fails or --verbose is given.
class ScenarioProgress final : public Progress {
 public:
    using Progress::Progress;

    void scenario_step(const ScenarioStepNews& news) override;
    void score_started(const std::string& score, std::size_t steps) override;
    void step_finished(const std::string& score, const Step& step, const Diagnostic* failed) override;
    void score_finished(const ScoreResult& result) override;
};

// "1.6 s"
[[nodiscard]] std::string seconds_text(double seconds);

// error: summary, then the detail and the hint on lines of their own.
void print_diagnostic(std::ostream& err, const Style& style, const Diagnostic& what);

}  // namespace harmony::host
