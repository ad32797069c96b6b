#include "container_podman.hpp"

#include <nlohmann/json.hpp>

#include "child_program.hpp"
#include "podman_trial.hpp"

namespace harmony::local {
namespace {

using nlohmann::json;

constexpr std::chrono::seconds kCommandTimeout{60};

Outcome<ProgramResult> run_podman(const ContextFolders& context, std::vector<std::string> args) {
    auto podman = ContainerPodman::find_program();
    if (!podman) return pass_on(podman.error());
    args.insert(args.begin(), *podman);
    return run_program(args, known_podman_environment(context.podman()), kCommandTimeout);
}

tl::unexpected<Problem> command_failed(const std::string& what, const ProgramResult& result) {
    Problem failed{"container-runtime.failed", "podman could not " + what, result.errors, {}, {}, true};
    return pass_on(std::move(failed));
}

ContainerPodman::Container decode(const json& entry) {
    ContainerPodman::Container container;
    container.id = entry.value("Id", "");
    container.image = entry.value("Image", "");
    container.state = entry.value("State", "");
    if (const auto names = entry.find("Names");
        names != entry.end() && names->is_array() && !names->empty()) {
        container.name = names->front().get<std::string>();
    }
    if (const auto labels = entry.find("Labels"); labels != entry.end() && labels->is_object()) {
        container.labels = labels->get<std::map<std::string, std::string>>();
    }
    return container;
}

}  // namespace

Outcome<std::string> ContainerPodman::find_program() {
    if (auto program = resolve_program("podman", {})) return program;
    return problem("container-runtime.missing", "podman is not installed on this machine",
                   "install it, on Debian with: apt-get install podman");
}

std::string ContainerPodman::socket() const {
    return (daemons_.folders().runtime() / "podman.sock").string();
}

Outcome<std::string> ContainerPodman::version() const {
    auto result = run_podman(daemons_.folders(), {"--version"});
    if (!result) return pass_on(result.error());
    if (result->exit_code != 0) return command_failed("tell its version", *result);
    // "podman version 4.3.1\n"
    std::string text = result->output;
    while (!text.empty() && text.back() == '\n')
        text.pop_back();
    return text.substr(text.rfind(' ') + 1);
}

Outcome<ContainerPodman::Info> ContainerPodman::info() const {
    auto found = version();
    if (!found) return pass_on(found.error());
    auto daemon = daemons_.inspect(kDaemon);
    if (!daemon) return pass_on(daemon.error());
    return Info{socket(), *daemon && (*daemon)->pid != 0 && (*daemon)->ready, *found};
}

Outcome<ContainerPodman::Info> ContainerPodman::ensure(const LocalDaemons::Cancelled& cancelled) {
    auto podman = find_program();
    if (!podman) return pass_on(podman.error());
    auto found = version();
    if (!found) return pass_on(found.error());
    auto environment = podman_environment(daemons_.folders().podman(), *podman, *found);
    if (!environment) return pass_on(environment.error());
    DaemonSpec spec;
    spec.name = kDaemon;
    spec.program = *podman;
    spec.args = {"system", "service", "--time", "0", "unix://@{runtime}/podman.sock"};
    spec.env = *environment;
    spec.readiness.kind = "unix";
    spec.readiness.path = "@{runtime}/podman.sock";
    spec.readiness.timeout_s = 30;
    auto ensured = daemons_.ensure(spec, cancelled);
    if (!ensured) return pass_on(ensured.error());
    return Info{socket(), true, *found};
}

Outcome<std::vector<ContainerPodman::Container>> ContainerPodman::containers(const Labels& labels) const {
    std::vector<std::string> args{"ps", "--all", "--no-trunc", "--format", "json"};
    for (const auto& [name, value] : labels) {
        args.emplace_back("--filter");
        args.push_back("label=" + name + "=" + value);
    }
    auto result = run_podman(daemons_.folders(), std::move(args));
    if (!result) return pass_on(result.error());
    if (result->exit_code != 0) return command_failed("list its containers", *result);
    const json document = json::parse(result->output, nullptr, false);
    if (!document.is_array())
        return problem("container-runtime.failed", "podman's list of containers is no JSON array");
    std::vector<Container> found;
    for (const auto& entry : document) {
        Container container = decode(entry);
        // Filters of one kind are alternatives in some versions of podman; here all of them have to match.
        bool matches = true;
        for (const auto& [name, value] : labels) {
            const auto own = container.labels.find(name);
            matches = matches && own != container.labels.end() && own->second == value;
        }
        if (matches) found.push_back(std::move(container));
    }
    return found;
}

Outcome<int> ContainerPodman::remove_containers(const Labels& labels) {
    if (labels.empty()) {
        return invalid("container-runtime.invalid-labels", "labels",
                       "at least one label is needed, so that no foreign container is removed");
    }
    auto found = containers(labels);
    if (!found) return pass_on(found.error());
    if (found->empty()) return 0;
    std::vector<std::string> args{"rm", "--force", "--ignore", "--time", "0"};
    for (const auto& container : *found)
        args.push_back(container.id);
    auto result = run_podman(daemons_.folders(), std::move(args));
    if (!result) return pass_on(result.error());
    if (result->exit_code != 0) return command_failed("remove containers", *result);
    return static_cast<int>(found->size());
}

Outcome<bool> ContainerPodman::image_exists(const std::string& image) const {
    if (image.empty() || image.front() == '-') {
        return invalid("container-runtime.invalid-image", "image",
                       "an image's name is needed; found \"" + image + "\"");
    }
    auto result = run_podman(daemons_.folders(), {"image", "exists", image});
    if (!result) return pass_on(result.error());
    if (result->exit_code > 1) return command_failed("look for the image " + image, *result);
    return result->exit_code == 0;
}

}  // namespace harmony::local
