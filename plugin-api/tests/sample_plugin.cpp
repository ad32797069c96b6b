#include "sample_plugin.hpp"

#include <stdexcept>

namespace sample {

DaemonSpec SampleScore::spec(const Parameters& params) {
    return {.name = "greeter",
            .program = "greeter",
            .args = {"--say", params.greeting, "--port", "@{port:http}"},
            .ports = {{.name = "http", .port = params.port}},
            .readiness = {.kind = ReadinessKind::Http, .port = "http"}};
}

Result<void> SampleScore::validate(Run& run) {
    if (run.params().greeting.empty()) return invalid_parameter("greeting", "greeting is empty");
    return {};
}

Result<std::vector<Object>> SampleScore::read(Run& run) {
    auto daemon = run.use<ProcessHost>().inspect("greeter");
    if (!daemon) return failure(daemon.error());
    std::vector<Object> objects;
    if (*daemon) objects.push_back({.kind = "daemon", .name = (*daemon)->name});
    return objects;
}

Result<Plan> SampleScore::plan(Run& run, const PlanRequest& request) {
    auto& host = run.use<ProcessHost>();
    Plan plan;
    if (request.purpose == Purpose::Destroy) {
        auto objects = read(run);
        if (!objects) return failure(objects.error());
        for (const auto& object : *objects) {
            plan.steps.push_back({.id = "daemon", .action = Action::Delete, .object = object});
        }
        return plan;
    }
    auto found = host.plan(spec(run.params()));
    if (!found) return failure(found.error());
    if (auto action = step_action(found->action)) {
        plan.steps.push_back({.id = "daemon",
                              .action = *action,
                              .object = {.kind = "daemon", .name = "greeter"},
                              .diff = found->diff});
    }
    return plan;
}

Result<void> SampleScore::apply(Run& run, const Step& /*step*/) {
    run.progress("starting the greeter", 0.5);
    auto done = run.use<ProcessHost>().ensure(spec(run.params()));
    if (!done) return failure(done.error());
    return {};
}

Result<std::vector<Check>> SampleScore::verify(Run& run) {
    if (run.params().fault == "throw") throw std::runtime_error("thrown on purpose");
    if (run.params().fault == "throw-int") throw 7;
    if (run.params().fault == "wait") {
        run.progress("waiting");
        if (!run.wait(std::chrono::minutes(5))) return cancelled_failure();
    }
    if (run.offers<SecretStore>()) {
        auto secret = run.use<SecretStore>().ensure("sample/token", 32);
        if (!secret) return failure(secret.error());
    }
    return std::vector<Check>{{.name = "ready", .ok = run.params().fault != "not-ready"}};
}

Result<void> SampleScore::destroy(Run& run, const Step& /*step*/) {
    auto removed = run.use<ProcessHost>().remove("greeter", false);
    if (!removed) return failure(removed.error());
    return {};
}

Result<std::vector<RenderedFile>> SampleScore::render(Call& call, const Parameters& params,
                                                      const RenderRequest& /*request*/) {
    call.info("rendering");
    return std::vector<RenderedFile>{{"Chart.yaml", "name: sample\n"}, {"NOTES.txt", params.greeting + "\n"}};
}

Result<void> SampleTopology::open() {
    offer<ServiceDirectory>(*this);
    return {};
}

Result<std::vector<Offer>> SampleTopology::probe() {
    return std::vector<Offer>{{.capability = std::string(ServiceDirectory::kId), .available = true}};
}

Result<Endpoint> SampleTopology::resolve(const std::string& service, const std::string& port) {
    call().debug("resolving " + service);
    if (service != settings().prefix || port != "http") {
        return failure(std::string(kNotFound), "nothing named " + service + " is deployed");
    }
    return Endpoint{"127.0.0.1", 8080};
}

Result<std::vector<ServicePort>> SampleTopology::list() {
    return std::vector<ServicePort>{};
}

Result<CommandResult> SampleCommand::run(Run& run) {
    CommandResult result{.data = Json::array()};
    for (std::int64_t i = 0; i < run.arguments().integer("times"); ++i) {
        result.data->push_back(run.arguments().text("word"));
    }
    for (const auto& file : run.arguments().files("from"))
        result.data->push_back(file.content);
    return result;
}

Result<void> SampleScenario::run(Run& run) {
    auto applied = run.step("applied", [&]() -> Result<void> {
        auto steps = run.apply_score("SampleScore", Parameters{});
        if (!steps) return failure(steps.error());
        return {};
    });
    if (!applied) return applied;
    run.artifact("log", "/tmp/log");
    return run.step("destroyed", [&]() -> Result<void> {
        auto steps = run.destroy_score("SampleScore", Parameters{});
        if (!steps) return failure(steps.error());
        return {};
    });
}

Result<void> SkippedScenario::run(Run& run) {
    run.log_lines("sky", {"dark"});
    run.command("look up", "whether there is a moon");
    return run.step("a moon is there", [&]() -> Result<void> { return run.skip("no moon tonight"); });
}

}  // namespace sample

HARMONY_PLUGIN((harmony::plugin::PluginInfo{.id = "harmony-test/sample",
                                            .version = "1.2.3",
                                            .summary = "Every kind of contribution",
                                            .permissions = {.network = {"loopback"}},
                                            .license = "Apache-2.0"}),
               scores<sample::SampleScore>(), topologies<sample::SampleTopology>(),
               commands<sample::SampleCommand>(),
               scenarios<sample::SampleScenario, sample::SkippedScenario>());
