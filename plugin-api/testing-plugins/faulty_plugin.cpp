// harmony-test/faulty: one Score for each way in which plugin code goes wrong inside apply, and one that
// works.
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <harmony/plugin.hpp>
#include <iostream>
#include <stdexcept>

namespace harmony_test {

using namespace harmony::plugin;

struct MarkerParameters {
    std::string folder;

    static auto fields() {
        return harmony::plugin::fields(field("folder", &MarkerParameters::folder,
                                             "Where the marker file goes; empty uses the state folder"));
    }
};

// Owns one marker file, named like the Score; what its apply does before it writes differs.
class MarkerScore : public Score<MarkerParameters> {
 public:
    Result<std::vector<Object>> read(Run& run) override {
        if (!std::filesystem::exists(marker(run))) return std::vector<Object>{};
        return std::vector<Object>{object(run)};
    }

    Result<Plan> plan(Run& run, const PlanRequest& request) override {
        const bool there = std::filesystem::exists(marker(run));
        const bool wanted = request.purpose == Purpose::Apply;
        Plan plan;
        if (there != wanted) {
            plan.steps.push_back({.id = "marker",
                                  .action = wanted ? Action::Create : Action::Delete,
                                  .object = object(run),
                                  .summary = wanted ? "write the marker" : "remove the marker"});
        }
        return plan;
    }

    Result<void> apply(Run& run, const Step& /*step*/) override {
        misbehave(run);
        std::filesystem::create_directories(marker(run).parent_path());
        std::ofstream stream(marker(run), std::ios::trunc);
        stream << "applied\n";
        if (!stream.flush()) return failure("faulty.unwritable", marker(run).string() + " cannot be written");
        return {};
    }

    Result<std::vector<Check>> verify(Run& run) override {
        const bool there = std::filesystem::exists(marker(run));
        return std::vector<Check>{{.name = "marker", .ok = there, .detail = marker(run).string()}};
    }

    Result<void> destroy(Run& run, const Step& /*step*/) override {
        std::error_code error;
        std::filesystem::remove(marker(run), error);
        if (error) return failure("faulty.unremovable", marker(run).string() + ": " + error.message());
        return {};
    }

 protected:
    virtual void misbehave(Run& run) = 0;
    [[nodiscard]] virtual std::string name() const = 0;

 private:
    [[nodiscard]] std::filesystem::path marker(Run& run) const {
        const std::string& folder = run.params().folder;
        return std::filesystem::path(folder.empty() ? run.session().state_dir : folder) /
               (name() + ".marker");
    }
    [[nodiscard]] Object object(Run& run) const { return {.kind = "file", .name = marker(run).string()}; }
};

class GoodScore final : public MarkerScore {
 public:
    static inline const ScoreInfo info{.name = "GoodScore", .summary = "Writes its marker"};

 private:
    void misbehave(Run& run) override { run.progress("writing the marker", 0.5); }
    [[nodiscard]] std::string name() const override { return info.name; }
};

class CrashScore final : public MarkerScore {
 public:
    static inline const ScoreInfo info{.name = "CrashScore",
                                       .summary = "Dies of a segmentation fault in apply"};

 private:
    void misbehave(Run& run) override {
        run.info("about to crash");
        // A sanitizer would turn the signal into a report and an exit code.
        std::signal(SIGSEGV, SIG_DFL);
        std::raise(SIGSEGV);
    }
    [[nodiscard]] std::string name() const override { return info.name; }
};

class HangScore final : public MarkerScore {
 public:
    static inline const ScoreInfo info{.name = "HangScore",
                                       .summary = "Never returns from apply, cancelled or not"};

 private:
    void misbehave(Run& run) override {
        run.info("about to hang");
        for (;;)
            pause();
    }
    [[nodiscard]] std::string name() const override { return info.name; }
};

class ExitScore final : public MarkerScore {
 public:
    static inline const ScoreInfo info{.name = "ExitScore", .summary = "Calls exit(0) in apply"};

 private:
    void misbehave(Run& run) override {
        run.info("about to exit");
        std::exit(0);
    }
    [[nodiscard]] std::string name() const override { return info.name; }
};

class ThrowScore final : public MarkerScore {
 public:
    static inline const ScoreInfo info{.name = "ThrowScore", .summary = "Throws in apply"};

 private:
    void misbehave(Run& /*run*/) override { throw std::runtime_error("thrown on purpose"); }
    [[nodiscard]] std::string name() const override { return info.name; }
};

class NoisyScore final : public MarkerScore {
 public:
    static inline const ScoreInfo info{.name = "NoisyScore",
                                       .summary = "Writes to descriptors 1 and 2 in apply"};

 private:
    void misbehave(Run& run) override {
        std::cout << "noise on stdout" << std::endl;
        std::cerr << "noise on stderr" << std::endl;
        run.info("a proper log line");
    }
    [[nodiscard]] std::string name() const override { return info.name; }
};

// Answers a cancellation, as a Score should.
class PatientScore final : public MarkerScore {
 public:
    static inline const ScoreInfo info{.name = "PatientScore",
                                       .summary = "Waits in apply until it is cancelled"};

    Result<void> apply(Run& run, const Step& step) override {
        run.progress("waiting");
        if (!run.wait(std::chrono::minutes(10))) return cancelled_failure();
        return MarkerScore::apply(run, step);
    }

 private:
    void misbehave(Run& /*run*/) override {}
    [[nodiscard]] std::string name() const override { return info.name; }
};

}  // namespace harmony_test

HARMONY_PLUGIN((harmony::plugin::PluginInfo{.id = "harmony-test/faulty",
                                            .version = "1.0.0",
                                            .summary = "Plugin code that goes wrong, for tests",
                                            .permissions = {.paths = {"the folder given as a parameter"}},
                                            .license = "Apache-2.0"}),
               scores<harmony_test::GoodScore, harmony_test::CrashScore, harmony_test::HangScore,
                      harmony_test::ExitScore, harmony_test::ThrowScore, harmony_test::NoisyScore,
                      harmony_test::PatientScore>());
