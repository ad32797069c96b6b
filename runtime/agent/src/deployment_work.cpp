#include "harmony/agent/deployment_work.hpp"

#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <set>

#include "harmony/daemon/logging.hpp"

namespace harmony::agent {

namespace podman = runtime::podman;

namespace {

constexpr runtime::daemon::Logger kLog("containers");
// By convention, images of this registry were built here and exist nowhere else.
constexpr std::string_view kLocalRegistry = "localhost/";
// How podman begins a line of its progress.
constexpr std::string_view kLayerLine = "Copying blob ";

class Waiting {
 public:
    explicit Waiting(WorkPace& pace) : pace_(pace) { pace_.wait_begins(); }
    ~Waiting() { pace_.wait_ends(); }
    Waiting(const Waiting&) = delete;
    Waiting& operator=(const Waiting&) = delete;

 private:
    WorkPace& pace_;
};

Result<void> go_on(const std::stop_token& stop) {
    if (stop.stop_requested()) return fail(ErrorKind::Cancelled, "the deployment changed meanwhile");
    return {};
}

template <class Visit>
void each_new_container(const ContainerPlan& plan, Visit visit) {
    for (const InitStep& step : plan.init)
        visit(step.container);
    for (const podman::ContainerSpec& spec : plan.create)
        visit(spec);
}

Result<void> have_volumes(const ContainerPlan& plan, const WorkTools& tools) {
    Result<void> result;
    each_new_container(plan, [&](const podman::ContainerSpec& spec) {
        for (const podman::BindMount& mount : spec.mounts) {
            if (!result) return;
            auto checked = tools.path_check(mount.source);
            if (!checked) result = fail(checked.error().wrap("container " + spec.name + ": volume"));
        }
    });
    return result;
}

Result<void> pull(const std::string& image, const WorkTools& tools) {
    kLog.info("pulling", {{"image", image}});
    const std::string doing = "pulling image " + image;
    tools.pace.progress(doing);
    std::set<std::string, std::less<>> layers;
    const auto on_line = [&](std::string_view line) {
        if (!line.starts_with(kLayerLine)) return;
        layers.emplace(line.substr(kLayerLine.size(), line.find(' ', kLayerLine.size())));
        tools.pace.progress(doing + ": " + std::to_string(layers.size()) +
                            (layers.size() == 1 ? " layer so far" : " layers so far"));
    };
    const Waiting waiting(tools.pace);
    const auto pulled = tools.runtime.pull(image, on_line, tools.stop);
    if (!pulled) return fail(pulled.error());
    kLog.info("pulled", {{"image", image}, {"layers", layers.size()}});
    return {};
}

Result<void> have_image(const std::string& image, const WorkTools& tools) {
    const auto present = tools.runtime.image_exists(image);
    if (!present) return fail(present.error().wrap("image " + image));
    if (*present) return {};
    if (image.starts_with(kLocalRegistry)) {
        return fail(ErrorKind::NotFound,
                    "image " + image + " is not on this device, and images of localhost/ are never pulled");
    }
    return pull(image, tools);
}

Result<void> have_images(const ContainerPlan& plan, const WorkTools& tools) {
    std::set<std::string> images;
    each_new_container(plan, [&](const podman::ContainerSpec& spec) { images.insert(spec.image); });
    for (const std::string& image : images) {
        if (auto done = go_on(tools.stop); !done) return done;
        if (auto done = have_image(image, tools); !done) return done;
    }
    return {};
}

// Gone already is what was wanted.
Result<void> remove(const std::string& id, podman::ContainerRuntime& runtime) {
    auto removed = runtime.remove(id);
    if (!removed && removed.error().kind() == ErrorKind::NotFound) return {};
    return removed;
}

Result<void> stop_and_remove(const ContainerReference& container, const WorkTools& tools) {
    const auto known = tools.runtime.inspect(container.id);
    if (!known && known.error().kind() == ErrorKind::NotFound) return {};
    if (!known) return fail(known.error().wrap("removing " + container.name));
    {
        tools.pace.progress("stopping " + container.name + ", for at most " +
                            std::to_string(known->stop_timeout.count()) + " s");
        const Waiting waiting(tools.pace);
        const auto stopped = tools.runtime.stop(container.id, known->stop_timeout);
        if (!stopped && stopped.error().kind() == ErrorKind::Unavailable) return stopped;
    }
    auto removed = remove(container.id, tools.runtime);
    if (!removed) return fail(removed.error().wrap("removing " + container.name));
    kLog.info("removed", {{"container", container.name}, {"id", container.id}});
    return {};
}

Result<std::string> create_and_start(const podman::ContainerSpec& spec, podman::ContainerRuntime& runtime) {
    auto id = runtime.create(spec);
    if (!id) return fail(id.error().wrap("container " + spec.name));
    if (auto started = runtime.start(*id); !started) {
        return fail(started.error().wrap("container " + spec.name));
    }
    kLog.info("started", {{"container", spec.name}, {"id", *id}});
    return id;
}

Result<InitOutcome> run_init(const InitStep& step, const WorkTools& tools) {
    const std::string& name = step.container.name;
    const auto id = create_and_start(step.container, tools.runtime);
    if (!id) {
        // Without this, a container that was created and could not start would be there for the next attempt.
        if (id.error().kind() != ErrorKind::Conflict) (void)remove(name, tools.runtime);
        return fail(id.error().wrap("init"));
    }
    tools.pace.progress("init container " + name + " runs, for at most " +
                        std::to_string(step.timeout.count()) + " s");
    Result<int> code = 0;
    {
        const Waiting waiting(tools.pace);
        code = tools.runtime.wait(*id, step.timeout, tools.stop);
    }
    const auto removed = remove(*id, tools.runtime);
    if (!code && code.error().kind() == ErrorKind::Timeout) return TimedOut{step.timeout};
    if (!code) return fail(code.error().wrap("init container " + name));
    if (*code == 0 && !removed) return fail(removed.error().wrap("init container " + name));
    return Exited{*code};
}

Result<void> run_inits(const ContainerPlan& plan, const WorkTools& tools) {
    for (const ContainerReference& leftover : plan.remove_leftovers) {
        if (auto done = remove(leftover.id, tools.runtime); !done)
            return fail(done.error().wrap("removing " + leftover.name));
    }
    for (const InitStep& step : plan.init) {
        if (auto done = go_on(tools.stop); !done) return done;
        const auto outcome = run_init(step, tools);
        if (!outcome) return fail(outcome.error());
        if (auto failure = init_failure(step.container.name, *outcome)) return fail(*std::move(failure));
    }
    return go_on(tools.stop);
}

Result<void> run_services(const ContainerPlan& plan, const WorkTools& tools) {
    for (const ContainerReference& container : plan.remove) {
        if (auto done = stop_and_remove(container, tools); !done) return done;
    }
    for (const podman::ContainerSpec& spec : plan.create) {
        if (auto done = go_on(tools.stop); !done) return done;
        if (auto done = create_and_start(spec, tools.runtime); !done) return fail(done.error());
    }
    for (const ContainerReference& container : plan.start) {
        if (auto done = go_on(tools.stop); !done) return done;
        if (auto started = tools.runtime.start(container.id); !started) {
            return fail(started.error().wrap("container " + container.name));
        }
        kLog.info("started again", {{"container", container.name}, {"id", container.id}});
    }
    return {};
}

}  // namespace

std::optional<Error> init_failure(const std::string& container, const InitOutcome& outcome) {
    const std::string subject = "init container " + container + ": ";
    if (const auto* exited = std::get_if<Exited>(&outcome)) {
        if (exited->exit_code == 0) return std::nullopt;
        return Error(ErrorKind::InvalidInput,
                     subject + "Exited with code " + std::to_string(exited->exit_code));
    }
    const auto waited = std::get<TimedOut>(outcome).waited;
    return Error(ErrorKind::Timeout, subject + "TimedOut after " + std::to_string(waited.count()) + " s");
}

Result<void> check_path(const std::string& path) {
    struct stat status {};
    if (stat(path.c_str(), &status) == 0) return {};
    // Where the agent may not look, podman may: it has the last word.
    if (errno != ENOENT && errno != ENOTDIR) return {};
    return fail(ErrorKind::NotFound, path + " does not exist on this device");
}

Performed perform(const ContainerPlan& plan, const WorkTools& tools) {
    Performed result;
    result.outcome = have_volumes(plan, tools);
    if (result.outcome) result.outcome = have_images(plan, tools);
    if (result.outcome) result.outcome = run_inits(plan, tools);
    if (!result.outcome) return result;
    result.initialized = true;
    result.outcome = run_services(plan, tools);
    return result;
}

}  // namespace harmony::agent
