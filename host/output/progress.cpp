#include "host/output/progress.hpp"

#include <harmony/plugin.h>

#include <cstdio>
#include <ostream>
#include <sstream>

namespace harmony::host {
namespace {

constexpr std::size_t kStatusWidth = 100;

std::string seconds_text(std::chrono::steady_clock::duration elapsed) {
    return harmony::host::seconds_text(std::chrono::duration<double>(elapsed).count());
}

}  // namespace

std::string seconds_text(double seconds) {
    char text[32];
    std::snprintf(text, sizeof text, "%.1f s", seconds);
    return text;
}

void print_diagnostic(std::ostream& err, const Style& style, const Diagnostic& what) {
    err << style.red("error:") << " " << printable(what.summary);
    if (!what.code.empty()) err << " " << style.dim("[" + printable(what.code) + "]");
    err << "\n";
    std::istringstream detail(what.detail);
    for (std::string line; std::getline(detail, line);)
        err << "  " << printable(line) << "\n";
    if (!what.hint.empty()) err << "hint: " << printable(what.hint) << "\n";
    err.flush();
}

void Progress::line(const std::string& text) {
    if (status_shown_) streams_.err << "\r\x1b[K";
    status_shown_ = false;
    streams_.err << text << "\n";
    streams_.err.flush();
}

void Progress::status(const std::string& text) {
    if (!live_) return;
    std::string shown = printable(text);
    for (auto& c : shown)
        if (c == '\n') c = ' ';
    if (shown.size() > kStatusWidth) shown.resize(kStatusWidth);
    streams_.err << "\r\x1b[K" << style_.dim(shown);
    streams_.err.flush();
    status_shown_ = true;
}

void Progress::plugin_log(const std::string& plugin, int level, const std::string& text) {
    if (level < HP_LOG_WARNING && !verbose_) return;
    const std::string shown = "  " + plugin + ": " + printable(text);
    line(level >= HP_LOG_ERROR ? style_.red(shown) : level == HP_LOG_WARNING ? style_.yellow(shown) : shown);
}

void Progress::plugin_progress(const std::string& message) {
    if (live_) {
        status(current_ + ": " + message);
    } else if (verbose_) {
        line("  " + printable(message));
    }
}

void Progress::head(const std::string& score) {
    if (heading_ != score) line(style_.bold(score));
    heading_ = score;
}

void Progress::score_started(const std::string& score, std::size_t steps) {
    current_ = score;
    steps_ = steps;
    step_ = 0;
    started_[score] = std::chrono::steady_clock::now();
    if (steps > 0) head(score);
}

void Progress::step_started(const std::string& score, const Step& step) {
    ++step_;
    status(score + ": " + std::to_string(step_) + "/" + std::to_string(steps_) + " " + step.action + " " +
           step.object());
}

void Progress::step_finished(const std::string&, const Step& step, const Diagnostic* failed) {
    const std::string what = printable(step.action + " " + step.object());
    line(failed == nullptr ? "  " + style_.green("✓") + " " + what : "  " + style_.red("✗") + " " + what);
}

void Progress::verify_started(const std::string& score) {
    current_ = score;
    status(score + ": checking that it works");
}

void Progress::score_finished(const ScoreResult& result) {
    for (const auto& check : result.checks) {
        const std::string mark = check.ok ? style_.green("✓") : style_.red("✗");
        if (check.ok && !verbose_ && result.outcome != "ok") continue;
        if (result.steps_done > 0) head(result.name);
        line("  " + mark + " " + printable(check.name) +
             (check.detail.empty() ? "" : style_.dim(" (" + printable(check.detail) + ")")));
    }
    heading_.clear();
    if (result.outcome == "ok") {
        const std::string took = seconds_text(std::chrono::steady_clock::now() - started_[result.name]);
        line(style_.bold(result.name) + ": " + style_.green("applied and verified") + " in " + took);
    } else if (result.outcome == "unchanged") {
        line(style_.bold(result.name) + ": " + style_.green("unchanged and verified"));
    } else if (result.outcome == "destroyed") {
        line(style_.bold(result.name) + ": " + style_.green("destroyed"));
    } else {
        std::string text = style_.bold(result.name) + ": " + style_.red(result.outcome);
        if (result.reason) text += ": " + printable(result.reason->summary);
        line(text);
        if (!result.reason) return;
        std::istringstream detail(result.reason->detail);
        for (std::string one; std::getline(detail, one);)
            line("    " + printable(one));
        if (!result.reason->hint.empty()) line("  hint: " + printable(result.reason->hint));
    }
}

void ScenarioProgress::scenario_step(const ScenarioStepNews& news) {
    const std::string name = printable(news.name);
    if (!news.ended) {
        if (live()) return status("  … " + name);
        return line("  … " + name);
    }
    const std::string took = style().dim(" (" + seconds_text(news.seconds) + ")");
    line((news.ok ? "  " + style().green("✓") : "  " + style().red("✗")) + " " + name + took);
    if (news.ok) return;
    std::istringstream detail(news.detail);
    for (std::string one; std::getline(detail, one);)
        line("      " + printable(one));
}

void ScenarioProgress::score_started(const std::string& score, std::size_t steps) {
    if (verbose()) return Progress::score_started(score, steps);
    status("    " + score);
}

void ScenarioProgress::step_finished(const std::string& score, const Step& step, const Diagnostic* failed) {
    if (verbose() || failed != nullptr) Progress::step_finished(score, step, failed);
}

void ScenarioProgress::score_finished(const ScoreResult& result) {
    if (verbose() || !result.good()) Progress::score_finished(result);
}

}  // namespace harmony::host
