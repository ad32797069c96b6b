#include "command_scenarios.hpp"

#include "test_image.hpp"

namespace harmony::fleet_e2e {

namespace {

namespace client = runtime::fleet_client;

constexpr const char* kName = "chatty";
constexpr int kFirstLines = 100;
constexpr std::size_t kFollowed = 20;

contracts::DeploymentName deployment_name(const std::string& text = kName) {
    return contracts::DeploymentName::parse(text).value_or(contracts::DeploymentName());
}

// Says a hundred lines, then one every tenth of a second.
Result<void> deploy_chatty(Fleet& fleet, const std::string& image) {
    auto score = one_service(image);
    score.services.front().args = {"/bin/sh", "-c",
                                   "trap 'exit 0' TERM; for i in $(seq 1 100); do echo line $i; done; "
                                   "i=100; while :; do i=$((i+1)); echo line $i; sleep 0.1; done"};
    if (auto done = fleet.deploy(kName, "a", score); !done) return done;
    return fleet.eventually(
        20s, [&] { return fleet.counts_are(kName, "1 matched, 1 succeeded, 0 failed, 0 pending"); });
}

class Lines final : public client::LogSink {
 public:
    // Ends the stream once it has so many.
    Lines(std::size_t enough, plugin::Call& call) : enough_(enough), call_(call) {}

    bool take(const contracts::LogsReply& reply) override {
        lines_.insert(lines_.end(), reply.lines.begin(), reply.lines.end());
        lost_ += reply.lost_lines;
        return !cancelled();
    }
    void lost(const client::LostReplies& replies) override { lost_ += replies.count; }
    void restarted() override { ++restarts_; }
    bool cancelled() override {
        return lines_.size() >= enough_ || call_.cancelled() || plugin::Call::Clock::now() >= until_;
    }

    // Numbers that follow each other.
    [[nodiscard]] Result<void> are_consecutive(std::size_t at_least) const {
        if (lines_.size() < at_least)
            return failed("found " + std::to_string(lines_.size()) + " lines, expected at least " +
                          std::to_string(at_least));
        if (lost_ != 0) return failed(std::to_string(lost_) + " lines or replies were lost");
        for (std::size_t i = 0; i < lines_.size(); ++i) {
            const std::string expected = "line " + std::to_string(first_number() + static_cast<int>(i));
            if (lines_[i] != expected)
                return failed("found \"" + lines_[i] + "\", expected \"" + expected + "\"");
        }
        return {};
    }
    [[nodiscard]] const std::vector<std::string>& lines() const { return lines_; }

 private:
    [[nodiscard]] int first_number() const {
        const std::string& first = lines_.front();
        return std::atoi(first.substr(first.rfind(' ') + 1).c_str());
    }

    std::vector<std::string> lines_;
    std::int64_t lost_ = 0;
    int restarts_ = 0;
    std::size_t enough_;
    plugin::Call& call_;
    plugin::Call::Clock::time_point until_ = plugin::Call::Clock::now() + 20s;
};

Result<void> tail(Fleet& fleet, std::int64_t asked) {
    contracts::LogsRequest request;
    request.deployment = deployment_name();
    request.lines = asked;
    Lines lines(100'000, fleet.tools().call);
    if (const auto done = fleet.commands().logs(fleet.device(0), request, lines); !done)
        return failed(done.error().text());
    if (static_cast<std::int64_t>(lines.lines().size()) != asked)
        return failed("found " + std::to_string(lines.lines().size()) + " lines, expected " +
                      std::to_string(asked));
    return lines.are_consecutive(static_cast<std::size_t>(asked));
}

Result<void> follow(Fleet& fleet) {
    contracts::LogsRequest request;
    request.deployment = deployment_name();
    request.lines = 5;
    request.follow = true;
    Lines lines(5 + kFollowed, fleet.tools().call);
    if (const auto done = fleet.commands().logs(fleet.device(0), request, lines); !done)
        return failed(done.error().text());
    return lines.are_consecutive(5 + kFollowed);
}

Result<void> expect_refusal(const contracts::CommandFailure& failure, contracts::RemoteErrorKind kind) {
    if (failure.kind == contracts::CommandFailureKind::Agent && failure.agent == kind) return {};
    return failed("found " + failure.text() + ", expected Agent{" + std::string(contracts::to_string(kind)) +
                  "}");
}

Result<void> logs_of_nothing(Fleet& fleet) {
    contracts::LogsRequest request;
    request.deployment = deployment_name("never-there");
    Lines lines(1, fleet.tools().call);
    const auto done = fleet.commands().logs(fleet.device(0), request, lines);
    if (done) return failed("logs of a Deployment that is not there came back");
    return expect_refusal(done.error(), contracts::RemoteErrorKind::NotFound);
}

contracts::ExecRequest in_container(std::vector<std::string> argv) {
    contracts::ExecRequest request;
    request.deployment = deployment_name();
    request.argv = std::move(argv);
    return request;
}

Result<void> exec_in_container(Fleet& fleet) {
    const auto reply = fleet.commands().exec(
        fleet.device(0), in_container({"/bin/sh", "-c", "cat /release; echo wrong >&2; exit 7"}));
    if (!reply) return failed(reply.error().text());
    if (auto done = expect_equal("stdout", reply->standard_output, "1\n"); !done) return done;
    if (auto done = expect_equal("stderr", reply->standard_error, "wrong\n"); !done) return done;
    return expect_equal("the exit code", std::to_string(reply->exit_code), "7");
}

Result<void> exec_refused(Fleet& fleet, const contracts::ExecRequest& request,
                          contracts::RemoteErrorKind kind) {
    const auto reply = fleet.commands().exec(fleet.device(0), request);
    if (reply) return failed("it ran, with exit code " + std::to_string(reply->exit_code));
    return expect_refusal(reply.error(), kind);
}

Result<void> exec_on_host(Fleet& fleet) {
    contracts::ExecRequest request;
    request.argv = {"true"};
    request.host = true;
    return exec_refused(fleet, request, contracts::RemoteErrorKind::Forbidden);
}

Result<void> exec_in_nothing(Fleet& fleet) {
    auto request = in_container({"true"});
    request.service = "never-there";
    return exec_refused(fleet, request, contracts::RemoteErrorKind::NotFound);
}

template <class Run>
Result<void> on_a_chatty_fleet(Run& run, const std::function<Result<void>(Fleet&)>& body) {
    return on_a_fleet(run, {}, [&](Fleet& fleet) -> Result<void> {
        const auto image = ensure_test_image(run, 1);
        if (!image) return plugin::failure(image.error());
        auto done = fleet.step("a chatty container runs", [&] { return deploy_chatty(fleet, *image); });
        return done ? body(fleet) : done;
    });
}

}  // namespace

Result<void> LogsScenario::run(Run& run) {
    return on_a_chatty_fleet(run, [](Fleet& fleet) {
        return fleet.steps(
            {{"its last ten lines come", [&] { return tail(fleet, 10); }},
             {"its last hundred lines come, in order", [&] { return tail(fleet, kFirstLines); }},
             {"lines are followed as they come, without a gap", [&] { return follow(fleet); }},
             {"a Deployment that is not there is NotFound", [&] { return logs_of_nothing(fleet); }}});
    });
}

Result<void> ExecScenario::run(Run& run) {
    return on_a_chatty_fleet(run, [](Fleet& fleet) {
        return fleet.steps(
            {{"a command's output and exit code come back", [&] { return exec_in_container(fleet); }},
             {"on the host it is Forbidden", [&] { return exec_on_host(fleet); }},
             {"in a service that is not there it is NotFound", [&] { return exec_in_nothing(fleet); }}});
    });
}

}  // namespace harmony::fleet_e2e
