#include <filesystem>
#include <fstream>
#include <iterator>

#include "container_scenarios.hpp"
#include "test_image.hpp"

namespace harmony::fleet_e2e {

namespace {

constexpr const char* kRuns = "1 matched, 1 succeeded, 0 failed, 0 pending";
constexpr const char* kFails = "1 matched, 0 succeeded, 1 failed, 0 pending";
constexpr const char* kOnce = "first begins,first ends,second begins,second ends,service,";

class InitContainers {
 public:
    InitContainers(Fleet& fleet, std::string image) : fleet_(fleet), image_(std::move(image)) {}

    Result<void> run() {
        return fleet_.steps(
            {{"two init containers run one after the other, then the service", [&] { return in_order(); }},
             {"they are removed afterwards", [&] { return only_services_are_left(); }},
             {"an agent's restart does not run them again", [&] { return not_after_restart(); }},
             {"a change of the service runs them again", [&] { return again_after_change(); }},
             {"a non-zero exit code fails the Deployment with name and code", [&] { return exits(); }},
             {"one that never ends fails it with name and time", [&] { return times_out(); }},
             {"neither leaves a container or has started its service",
              [&] { return only_services_are_left(); }},
             {"a corrected Deployment rolls forward", [&] { return corrected(); }}});
    }

 private:
    contracts::PodmanInitContainer init(const std::string& name, const std::string& script) const {
        contracts::PodmanInitContainer container;
        container.name = name;
        container.image = image_;
        container.args = {"/bin/sh", "-c", script};
        container.volumes.push_back({.host_path = folder_, .container_path = "/folder"});
        return container;
    }
    contracts::PodmanV0 score(const std::string& greeting) const {
        auto score = one_service(image_);
        auto& service = score.services.front();
        service.args = {"/bin/sh", "-c", "echo service >>/folder/record; exec /bin/serve"};
        service.env["GREETING"] = greeting;
        service.volumes.push_back({.host_path = folder_, .container_path = "/folder"});
        const std::string slow = "echo $0 begins >>/folder/record; sleep 1; echo $0 ends >>/folder/record";
        for (const char* name : {"first", "second"}) {
            score.init_containers.push_back(init(name, slow));
            score.init_containers.back().args.emplace_back(name);
        }
        return score;
    }
    std::string record_is(const std::string& expected) const {
        std::ifstream file(folder_ + "/record");
        std::string found;
        for (std::string line; std::getline(file, line);)
            found += line + ",";
        return found == expected ? "" : "found \"" + found + "\", expected \"" + expected + "\"";
    }
    Result<void> counts(const std::string& name, const char* expected) {
        return fleet_.eventually(30s, [&] { return fleet_.counts_are(name, expected); });
    }

    Result<void> in_order() {
        const auto path = std::filesystem::path(fleet_.tools().session.state_dir) / "scenario" / "record";
        std::error_code problem;
        std::filesystem::create_directories(path, problem);
        if (problem) return failed("cannot make " + path.string() + ": " + problem.message());
        folder_ = path.string();
        if (auto done = fleet_.deploy("hello", "a", score("one")); !done) return done;
        if (auto done = counts("hello", kRuns); !done) return done;
        return fleet_.eventually(5s, [&] { return record_is(kOnce); });
    }
    Result<void> only_services_are_left() {
        const auto containers = fleet_.containers(0);
        if (!containers) return plugin::failure(containers.error());
        for (const auto& container : *containers) {
            if (container.labels.contains(std::string(contracts::kInitLabel)))
                return failed("the init container " + container.name + " is still there");
            const auto deployment = container.labels.find(std::string(contracts::kDeploymentLabel));
            if (deployment == container.labels.end() || deployment->second != "hello")
                return failed("there is a container " + container.name);
        }
        if (containers->size() == 1) return {};
        return failed("podman shows " + std::to_string(containers->size()) + " containers, expected one");
    }
    Result<void> not_after_restart() {
        if (auto done = fleet_.kill(fleet_.agent_daemon(0)); !done) return done;
        return fleet_.throughout(3s, [&] { return record_is(kOnce); });
    }
    Result<void> again_after_change() {
        if (auto done = fleet_.deploy("hello", "a", score("two")); !done) return done;
        auto done = fleet_.eventually(30s, [&] { return record_is(std::string(kOnce) + kOnce); });
        if (!done) return done;
        return counts("hello", kRuns);
    }
    // The reason has to hold each of the texts.
    Result<void> fails_with(const std::string& name, const std::vector<std::string>& texts) {
        if (auto done = counts(name, kFails); !done) return done;
        const auto deployment = fleet_.api().deployment(name);
        if (!deployment) return failed(deployment.error());
        const auto& error = deployment->status->aggregate.last_error;
        const std::string reason = error ? error->message : "";
        for (const auto& text : texts) {
            if (reason.find(text) == std::string::npos)
                return failed("the reason is \"" + reason + "\", expected \"" + text + "\" in it");
        }
        return {};
    }
    Result<void> exits() {
        auto broken = score("three");
        broken.init_containers = {init("breaks", "exit 3")};
        if (auto done = fleet_.deploy("exits", "a", broken); !done) return done;
        if (auto done = fails_with("exits", {"breaks", "Exited with code 3"}); !done) return done;
        return fleet_.remove("exits");
    }
    Result<void> times_out() {
        auto endless = score("four");
        endless.init_containers = {init("endless", "while :; do sleep 1; done")};
        endless.init_containers.front().timeout = std::chrono::seconds(1);
        if (auto done = fleet_.deploy("endless", "a", endless); !done) return done;
        if (auto done = fails_with("endless", {"endless", "TimedOut after 1 s"}); !done) return done;
        return fleet_.remove("endless");
    }
    Result<void> corrected() {
        auto broken = score("five");
        broken.init_containers = {init("first", "exit 1")};
        if (auto done = fleet_.deploy("hello", "a", broken); !done) return done;
        if (auto done = fails_with("hello", {"Exited with code 1"}); !done) return done;
        if (auto done = fleet_.deploy("hello", "a", score("six")); !done) return done;
        return counts("hello", kRuns);
    }

    Fleet& fleet_;
    std::string image_;
    std::string folder_;
};

}  // namespace

Result<void> InitContainersScenario::run(Run& run) {
    return on_a_fleet(run, {}, [&](Fleet& fleet) -> Result<void> {
        const auto image = ensure_test_image(run, 1);
        if (!image) return plugin::failure(image.error());
        return InitContainers(fleet, *image).run();
    });
}

}  // namespace harmony::fleet_e2e
