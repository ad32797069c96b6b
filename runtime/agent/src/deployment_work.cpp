#include "harmony/agent/deployment_work.hpp"

#include <set>

#include "harmony/daemon/logging.hpp"

namespace harmony::agent {

namespace podman = runtime::podman;

namespace {

constexpr runtime::daemon::Logger kLog("containers");
// By convention, images of this registry were built here and exist nowhere else.
constexpr std::string_view kLocalRegistry = "localhost/";

Result<void> go_on(const std::stop_token& stop) {
    if (stop.stop_requested()) return fail(ErrorKind::Cancelled, "the deployment changed meanwhile");
    return {};
}

Result<void> have_image(const std::string& image, podman::ContainerRuntime& runtime,
                        const std::stop_token& stop) {
    const auto present = runtime.image_exists(image);
    if (!present) return fail(present.error().wrap("image " + image));
    if (*present) return {};
    if (image.starts_with(kLocalRegistry)) {
        return fail(ErrorKind::NotFound,
                    "image " + image + " is not on this device, and images of localhost/ are never pulled");
    }
    kLog.info("pulling", {{"image", image}});
    const auto pulled = runtime.pull(
        image, [](std::string_view) {}, stop);
    if (!pulled) return fail(pulled.error().wrap("image " + image));
    return {};
}

Result<void> have_images(const ContainerPlan& plan, podman::ContainerRuntime& runtime,
                         const std::stop_token& stop) {
    std::set<std::string> images;
    for (const InitStep& step : plan.init)
        images.insert(step.container.image);
    for (const podman::ContainerSpec& spec : plan.create)
        images.insert(spec.image);
    for (const std::string& image : images) {
        if (auto done = have_image(image, runtime, stop); !done) return done;
    }
    return {};
}

// Gone already is what was wanted.
Result<void> remove(const std::string& id, podman::ContainerRuntime& runtime) {
    auto removed = runtime.remove(id);
    if (!removed && removed.error().kind() == ErrorKind::NotFound) return {};
    return removed;
}

Result<void> stop_and_remove(const ContainerReference& container, std::chrono::seconds grace,
                             podman::ContainerRuntime& runtime) {
    const auto stopped = runtime.stop(container.id, grace);
    if (!stopped && stopped.error().kind() == ErrorKind::Unavailable) return stopped;
    auto removed = remove(container.id, runtime);
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

Result<void> run_init(const InitStep& step, podman::ContainerRuntime& runtime, const std::stop_token& stop) {
    const std::string& name = step.container.name;
    const auto id = create_and_start(step.container, runtime);
    if (!id) {
        // Without this, a container that was created and could not start would be there for the next attempt.
        if (id.error().kind() != ErrorKind::Conflict) (void)remove(name, runtime);
        return fail(id.error().wrap("init"));
    }
    const auto code = runtime.wait(*id, step.timeout, stop);
    auto removed = remove(*id, runtime);
    if (!code && code.error().kind() == ErrorKind::Timeout) return fail(init_timed_out(name, step.timeout));
    if (!code) return fail(code.error().wrap("init container " + name));
    if (*code != 0) return fail(init_exited(name, *code));
    return removed;
}

}  // namespace

Error init_exited(const std::string& name, int exit_code) {
    return {ErrorKind::InvalidInput,
            "init container " + name + ": Exited with code " + std::to_string(exit_code)};
}

Error init_timed_out(const std::string& name, std::chrono::seconds waited) {
    return {ErrorKind::Timeout,
            "init container " + name + ": TimedOut after " + std::to_string(waited.count()) + " s"};
}

Result<void> perform(const ContainerPlan& plan, std::chrono::seconds grace, podman::ContainerRuntime& runtime,
                     const std::stop_token& stop) {
    if (auto done = have_images(plan, runtime, stop); !done) return done;
    for (const ContainerReference& leftover : plan.remove_leftovers) {
        if (auto done = remove(leftover.id, runtime); !done)
            return fail(done.error().wrap("removing " + leftover.name));
    }
    for (const InitStep& step : plan.init) {
        if (auto done = go_on(stop); !done) return done;
        if (auto done = run_init(step, runtime, stop); !done) return done;
    }
    if (auto done = go_on(stop); !done) return done;
    for (const ContainerReference& container : plan.remove) {
        if (auto done = stop_and_remove(container, grace, runtime); !done) return done;
    }
    for (const podman::ContainerSpec& spec : plan.create) {
        if (auto done = go_on(stop); !done) return done;
        if (auto done = create_and_start(spec, runtime); !done) return fail(done.error());
    }
    for (const ContainerReference& container : plan.start) {
        if (auto started = runtime.start(container.id); !started) {
            return fail(started.error().wrap("container " + container.name));
        }
        kLog.info("started again", {{"container", container.name}, {"id", container.id}});
    }
    return {};
}

}  // namespace harmony::agent
