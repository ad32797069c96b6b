// A small plugin that uses every kind of contribution, for the tests of the SDK.
#pragma once

#include <harmony/capability/process_host.hpp>
#include <harmony/capability/secret_store.hpp>
#include <harmony/capability/service_directory.hpp>
#include <harmony/plugin.hpp>

namespace sample {

using namespace harmony::plugin;

enum class Mode { Fast, Careful };
inline EnumNames<Mode> enum_names(Mode) {
    return {{Mode::Fast, "fast"}, {Mode::Careful, "careful"}};
}

struct Device {
    std::string id;
    std::map<std::string, std::string> labels{};

    static auto fields() {
        return harmony::plugin::fields(
            field("id", &Device::id, "Its name").required().pattern("^[a-z][a-z0-9-]*$"),
            field("labels", &Device::labels, "What selectors see"));
    }
};

struct Parameters {
    std::string greeting = "hello";
    int port = 8080;
    double ratio = 0.5;
    bool verbose = false;
    Mode mode = Mode::Fast;
    std::optional<std::string> token;
    std::vector<Device> devices;
    std::string fault;

    static auto fields() {
        using P = Parameters;
        return harmony::plugin::fields(
            field("greeting", &P::greeting, "What it says").flag("greeting").example("hi"),
            field("port", &P::port, "Where it listens").range(0, 65535).env("SAMPLE_PORT"),
            field("ratio", &P::ratio, "Between none and all").range(0, 1), field("verbose", &P::verbose),
            field("mode", &P::mode, "How it works"), field("token", &P::token, "Who may call").sensitive(),
            field("devices", &P::devices, "Who is served").max_items(3),
            field("fault", &P::fault, "What goes wrong in verify"));
    }
};

class SampleScore final : public Score<Parameters, ProcessHost, Optional<SecretStore>> {
 public:
    static inline const ScoreInfo info{.name = "SampleScore",
                                       .summary = "A daemon that greets",
                                       .after = {"OtherScore"},
                                       .overlaps = true,
                                       .renders = {kHelmChart}};

    Result<void> validate(Run& run) override;
    Result<std::vector<Object>> read(Run& run) override;
    Result<Plan> plan(Run& run, const PlanRequest& request) override;
    Result<void> apply(Run& run, const Step& step) override;
    Result<std::vector<Check>> verify(Run& run) override;
    Result<void> destroy(Run& run, const Step& step) override;
    Result<std::vector<RenderedFile>> render(Call& call, const Parameters& params,
                                             const RenderRequest& request) override;

 private:
    static DaemonSpec spec(const Parameters& params);
};

struct Settings {
    std::string prefix = "sample";

    static auto fields() {
        return harmony::plugin::fields(field("prefix", &Settings::prefix, "Of all names"));
    }
};

class SampleTopology final : public Topology<Settings, ServiceDirectory>, private ServiceDirectory {
 public:
    static inline const TopologyInfo info{.name = "SampleTopology", .summary = "Knows one service"};

    Result<void> open() override;
    Result<std::vector<Offer>> probe() override;

 private:
    Result<Endpoint> resolve(const std::string& service, const std::string& port) override;
    Result<std::vector<ServicePort>> list() override;
};

class SampleCommand final : public Command<AnyOf<ServiceDirectory, ProcessHost>> {
 public:
    static inline const CommandInfo info{
        .path = {"sample", "echo"},
        .summary = "Says it again",
        .arguments = {{.name = "word", .positional = true, .required = true, .summary = "What to say"},
                      {.name = "times", .kind = ArgumentKind::Integer, .default_value = 1},
                      {.name = "style", .values = {"plain", "loud"}},
                      {.name = "from", .kind = ArgumentKind::File, .repeated = true}},
        .examples = {{.command = "harmony sample echo hi", .explanation = "Says hi"}}};

    Result<CommandResult> run(Run& run) override;
};

class SampleScenario final : public Scenario<NoParameters> {
 public:
    static inline const ScenarioInfo info{.name = "sample", .summary = "Applies and destroys"};

    Result<void> run(Run& run) override;
};

class SkippedScenario final : public Scenario<NoParameters> {
 public:
    static inline const ScenarioInfo info{.name = "sample_skipped", .summary = "Lacks something"};

    Result<void> run(Run& run) override;
};

}  // namespace sample
