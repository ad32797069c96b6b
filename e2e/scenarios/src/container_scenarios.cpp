#include "container_scenarios.hpp"

#include <filesystem>
#include <fstream>
#include <iterator>

#include "harmony/contracts/desired_state.hpp"
#include "harmony/contracts/kv.hpp"
#include "test_image.hpp"

namespace harmony::fleet_e2e {

namespace {

constexpr int kBusy = 0;
constexpr int kBystander = 1;
constexpr const char* kRuns = "1 matched, 1 succeeded, 0 failed, 0 pending";

// Says its greeting into a file of the host, so that the environment shows where podman does not show it.
contracts::PodmanV0 greeter(const std::string& image, const std::string& greeting,
                            const std::string& folder) {
    auto score = one_service(image);
    auto& service = score.services.front();
    service.args = {"/bin/sh", "-c", "echo $GREETING >/folder/greeting; exec /bin/serve"};
    service.env["GREETING"] = greeting;
    service.volumes.push_back({.host_path = folder, .container_path = "/folder"});
    return score;
}

Result<std::string> make_folder(Fleet& fleet, const std::string& name) {
    const auto path = std::filesystem::path(fleet.tools().session.state_dir) / "scenario" / name;
    std::error_code problem;
    std::filesystem::create_directories(path, problem);
    if (problem) return failed("cannot make " + path.string() + ": " + problem.message());
    return path.string();
}

Result<void> runs(Fleet& fleet, const std::string& name) {
    return fleet.eventually(20s, [&] { return fleet.counts_are(name, kRuns); });
}

Result<plugin::Container> only_container(Fleet& fleet, int device) {
    auto containers = fleet.containers(device);
    if (!containers) return plugin::failure(std::move(containers.error()));
    if (containers->size() != 1)
        return failed("podman shows " + std::to_string(containers->size()) + " containers of " +
                      fleet.device(device).str() + ", expected one");
    return std::move(containers->front());
}

std::string greeting_is(const std::string& folder, const std::string& expected) {
    std::ifstream file(folder + "/greeting");
    std::string found;
    std::getline(file, found);
    return found == expected ? "" : "the greeting is \"" + found + "\", expected \"" + expected + "\"";
}

std::string shows_none(Fleet& fleet, int device) {
    const auto containers = fleet.containers(device);
    if (!containers) return containers.error().summary;
    return containers->empty() ? "" : "podman still shows " + containers->front().name;
}

class Lifecycle {
 public:
    Lifecycle(Fleet& fleet, std::string first, std::string second)
        : fleet_(fleet), first_(std::move(first)), second_(std::move(second)) {}

    Result<void> run() {
        return fleet_.steps(
            {{"the bystander runs something of its own", [&] { return prepare(); }},
             {"deploy: one container, of this image and environment", [&] { return deploy(); }},
             {"the same document again: nothing changes", [&] { return again(); }},
             {"image and environment change: the container is replaced", [&] { return upgrade(); }},
             {"a failure is told and does not touch what others run", [&] { return broken(); }},
             {"delete: podman shows none", [&] { return remove(); }},
             {"the bystander was never touched", [&] { return untouched(); }}});
    }

 private:
    Result<void> prepare() {
        auto folder = make_folder(fleet_, "greeting");
        if (!folder) return plugin::failure(std::move(folder.error()));
        folder_ = std::move(*folder);
        if (auto done = fleet_.deploy("bystander", "b", one_service(first_)); !done) return done;
        if (auto done = runs(fleet_, "bystander"); !done) return done;
        return remember(kBystander, bystander_);
    }
    Result<void> deploy() {
        if (auto done = fleet_.deploy("hello", "a", greeter(first_, "first", folder_)); !done) return done;
        if (auto done = runs(fleet_, "hello"); !done) return done;
        if (auto done = remember(kBusy, busy_); !done) return done;
        return looks_like(first_, "first");
    }
    Result<void> again() {
        if (auto done = fleet_.deploy("hello", "a", greeter(first_, "first", folder_)); !done) return done;
        return fleet_.throughout(3s, [&]() -> std::string {
            const auto container = only_container(fleet_, kBusy);
            if (!container) return container.error().summary;
            return container->id == busy_.id ? "" : "the container was replaced";
        });
    }
    Result<void> upgrade() {
        const std::string former = busy_.id;
        if (auto done = fleet_.deploy("hello", "a", greeter(second_, "second", folder_)); !done) return done;
        auto done = fleet_.eventually(20s, [&] { return greeting_is(folder_, "second"); });
        if (!done) return done;
        if (done = runs(fleet_, "hello"); !done) return done;
        if (done = remember(kBusy, busy_); !done) return done;
        if (busy_.id == former) return failed("the container was not replaced");
        return looks_like(second_, "second");
    }
    Result<void> broken() {
        if (auto done = fleet_.deploy("broken", "a", one_service("localhost/no-such-image:1")); !done)
            return done;
        auto done = fleet_.eventually(
            20s, [&] { return fleet_.counts_are("broken", "1 matched, 0 succeeded, 1 failed, 0 pending"); });
        if (!done) return done;
        const auto told = fleet_.api().deployment("broken");
        if (!told) return failed(told.error());
        const auto& error = told->status->aggregate.last_error;
        if (!error || error->message.find("no-such-image") == std::string::npos)
            return failed("the reason does not name the image");
        if (done = fleet_.remove("broken"); !done) return done;
        const auto container = only_container(fleet_, kBusy);
        if (!container) return plugin::failure(container.error());
        return expect_equal("the container beside it", container->id, busy_.id);
    }
    Result<void> remove() {
        if (auto done = fleet_.remove("hello"); !done) return done;
        return fleet_.eventually(20s, [&] { return shows_none(fleet_, kBusy); });
    }
    Result<void> untouched() {
        const auto container = only_container(fleet_, kBystander);
        if (!container) return plugin::failure(container.error());
        return expect_equal("the bystander's container", container->id, bystander_.id);
    }

    Result<void> remember(int device, plugin::Container& into) {
        auto container = only_container(fleet_, device);
        if (!container) return plugin::failure(std::move(container.error()));
        into = std::move(*container);
        return {};
    }
    Result<void> looks_like(const std::string& image, const std::string& greeting) {
        if (auto done = expect_equal("the container's image", busy_.image, image); !done) return done;
        if (auto done = expect_equal("the container's state", busy_.state, "running"); !done) return done;
        return fleet_.eventually(5s, [&] { return greeting_is(folder_, greeting); });
    }

    Fleet& fleet_;
    std::string first_;
    std::string second_;
    std::string folder_;
    plugin::Container busy_;
    plugin::Container bystander_;
};

// By hand, as an operator writes it: nothing but the keys tells the devices.
Result<void> write_keys(Fleet& fleet, const std::string& image) {
    const auto name = contracts::DeploymentName::parse("intruder");
    if (!name) return failed(name.error());
    auto bucket = fleet.bucket(contracts::kDesiredStateBucket);
    const auto device = fleet.device(kBusy);
    const auto score = one_service(image).to_score();
    if (auto put = bucket.put(contracts::desired_state_key(device, *name), score.encode()); !put)
        return failed(put.error());
    const contracts::DesiredIndex index{{*name}};
    if (auto put = bucket.put(contracts::desired_index_key(device), index.encode()); !put)
        return failed(put.error());
    return {};
}

std::string reported_nothing(Fleet& fleet, int device) {
    const auto keys = fleet.bucket(contracts::kDeviceStateBucket)
                          .keys(contracts::device_state_filter(fleet.device(device)));
    if (!keys) return keys.error().text();
    return keys->empty() ? "" : fleet.device(device).str() + " has reported " + keys->front();
}

}  // namespace

Result<void> DeployLifecycleScenario::run(Run& run) {
    return on_a_fleet(run, {.devices = 2}, [&](Fleet& fleet) -> Result<void> {
        const auto first = ensure_test_image(run, 1);
        if (!first) return plugin::failure(first.error());
        const auto second = ensure_test_image(run, 2);
        if (!second) return plugin::failure(second.error());
        return Lifecycle(fleet, *first, *second).run();
    });
}

Result<void> IsolationScenario::run(Run& run) {
    return on_a_fleet(run, {.devices = 2}, [&](Fleet& fleet) -> Result<void> {
        const auto image = ensure_test_image(run, 1);
        if (!image) return plugin::failure(image.error());
        return fleet.steps({{"the operator is away, so that keys written by hand stay",
                             [&]() -> Result<void> {
                                 if (auto stopped = fleet.processes().stop(kOperatorDaemon); !stopped)
                                     return plugin::failure(std::move(stopped.error()));
                                 return {};
                             }},
                            {"keys of one device are written", [&] { return write_keys(fleet, *image); }},
                            {"that device runs what they say",
                             [&] {
                                 return fleet.eventually(20s, [&]() -> std::string {
                                     const auto container = only_container(fleet, kBusy);
                                     if (!container) return container.error().summary;
                                     return container->state == "running" ? "" : "it is " + container->state;
                                 });
                             }},
                            {"the other device does nothing and reports nothing for three heartbeats", [&] {
                                 return fleet.throughout(6s, [&] {
                                     const auto container = shows_none(fleet, kBystander);
                                     return container.empty() ? reported_nothing(fleet, kBystander)
                                                              : container;
                                 });
                             }}});
    });
}

}  // namespace harmony::fleet_e2e
