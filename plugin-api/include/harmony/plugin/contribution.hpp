// What a plugin contributes, and how each kind answers its methods. HARMONY_PLUGIN in plugin.hpp uses it.
#pragma once

#include <functional>
#include <harmony/plugin/command.hpp>
#include <harmony/plugin/scenario.hpp>
#include <harmony/plugin/score.hpp>
#include <harmony/plugin/topology.hpp>
#include <memory>
#include <string>
#include <vector>

namespace harmony::plugin {

// What it reaches, for people who decide whether to install it.
struct Permissions {
    std::vector<std::string> network{};
    std::vector<std::string> programs{};
    std::vector<std::string> paths{};

    static auto fields() {
        return harmony::plugin::fields(field("network", &Permissions::network),
                                       field("programs", &Permissions::programs),
                                       field("paths", &Permissions::paths));
    }
};

// Worker: different instances may be called in parallel.
enum class Concurrency { Serial, Worker };
inline EnumNames<Concurrency> enum_names(Concurrency) {
    return {{Concurrency::Serial, "serial"}, {Concurrency::Worker, "worker"}};
}

struct PluginInfo {
    std::string id;       // vendor/name; the file is harmony-<name>.so
    std::string version;  // semantic version
    std::string summary;
    Permissions permissions{};
    Concurrency concurrency = Concurrency::Serial;
    std::string license{};
    std::string homepage{};
    std::string install_hint{};

    static auto fields() {
        using Self = PluginInfo;
        return harmony::plugin::fields(
            field("id", &Self::id), field("version", &Self::version), field("summary", &Self::summary),
            field("permissions", &Self::permissions), field("concurrency", &Self::concurrency),
            field("license", &Self::license).omit_default(),
            field("homepage", &Self::homepage).omit_default(),
            field("install_hint", &Self::install_hint).omit_default());
    }
};

namespace detail {

// Something that was created and answers methods. Called by one thread at a time.
class Instance {
 public:
    virtual ~Instance() = default;
    virtual Result<Json> invoke(std::string_view method, const Json& params, Call& call) = 0;
};

struct Creation {
    const Json& settings;
    const Session& session;
    Call& call;
};

struct Contribution {
    std::string kind;  // score, topology, command, scenario
    std::string name;
    Json manifest;
    std::function<Result<std::unique_ptr<Instance>>(const Creation&)> create;
};
using ContributionList = std::vector<Contribution>;

struct Contributions {
    PluginInfo info;
    ContributionList list;
};

[[nodiscard]] tl::unexpected<Diagnostic> unknown_method(std::string_view method);
[[nodiscard]] Json score_manifest(const ScoreInfo& info, const Requirements& requirements, Json parameters);
[[nodiscard]] Json topology_manifest(const TopologyInfo& info, const std::vector<std::string>& offers,
                                     Json settings);
[[nodiscard]] Json command_manifest(const CommandInfo& info, const Requirements& requirements);
[[nodiscard]] Json scenario_manifest(const ScenarioInfo& info, const Requirements& requirements,
                                     Json parameters);
[[nodiscard]] std::string command_name(const CommandInfo& info);

// {"objects": [...]} and the like: a result that holds one member.
template <class T>
Result<Json> answer(const char* key, Result<T> result) {
    if (!result) return failure(std::move(result.error()));
    Json json = Json::object();
    json[key] = to_json(*result);
    return json;
}
template <Described T>
Result<Json> answer(Result<T> result) {
    if (!result) return failure(std::move(result.error()));
    return to_json(*result);
}
inline Result<Json> answer(Result<void> result) {
    if (!result) return failure(std::move(result.error()));
    return Json::object();
}

// params.step, decoded.
[[nodiscard]] Result<Step> step_of(const Json& params);
// HP_E_INVALID for a format that is not among `known`.
[[nodiscard]] Result<RenderRequest> render_request(const Json& params, const std::vector<std::string>& known);

template <class S>
class ScoreInstance final : public Instance {
 public:
    ScoreInstance(typename S::Parameters params, Session session)
        : params_(std::move(params)), session_(std::move(session)) {}

    Result<Json> invoke(std::string_view method, const Json& params, Call& call) override {
        typename S::Run run(call, session_, params_);
        if (method == "score.validate") return answer(score_.validate(run));
        if (method == "score.read") return answer("objects", score_.read(run));
        if (method == "score.verify") return answer("checks", score_.verify(run));
        if (method == "score.plan") {
            auto request = from_json<PlanRequest>(params);
            if (!request) return failure(std::move(request.error()));
            return answer(score_.plan(run, *request));
        }
        if (method == "score.render") return render(params, call);
        if (method != "score.apply" && method != "score.destroy") return unknown_method(method);
        auto step = step_of(params);
        if (!step) return failure(std::move(step.error()));
        return answer(method == "score.apply" ? score_.apply(run, *step) : score_.destroy(run, *step));
    }

 private:
    Result<Json> render(const Json& params, Call& call) {
        if (S::info.renders.empty()) return unknown_method("score.render");
        auto request = render_request(params, S::info.renders);
        if (!request) return failure(std::move(request.error()));
        return answer("files", score_.render(call, params_, *request));
    }

    typename S::Parameters params_;
    Session session_;
    S score_;
};

// Lends the running call to a topology while it works.
template <class T>
class TopologyCall {
 public:
    TopologyCall(T& topology, Call& call) : topology_(topology) { topology_.enter(&call); }
    TopologyCall(const TopologyCall&) = delete;
    TopologyCall& operator=(const TopologyCall&) = delete;
    ~TopologyCall() { topology_.enter(nullptr); }

 private:
    T& topology_;
};

struct CapabilityInvocation {
    std::string capability;
    std::string method;
    Json params;
};
[[nodiscard]] Result<CapabilityInvocation> capability_invocation(const Json& params);
[[nodiscard]] tl::unexpected<Diagnostic> capability_not_offered(std::string_view capability);

template <class T>
class TopologyInstance final : public Instance {
 public:
    Result<void> open(typename T::Settings settings, Session session, Call& call) {
        topology_.bind(std::move(settings), std::move(session));
        TopologyCall<T> scope(topology_, call);
        return topology_.open();
    }

    Result<Json> invoke(std::string_view method, const Json& params, Call& call) override {
        TopologyCall<T> scope(topology_, call);
        if (method == "topology.probe") return answer("offers", topology_.probe());
        if (method == "topology.prepare") return answer(topology_.prepare());
        if (method == "topology.release") return answer(topology_.release());
        if (method != "capability.invoke") return unknown_method(method);
        auto invocation = capability_invocation(params);
        if (!invocation) return failure(std::move(invocation.error()));
        CapabilityServer* server = topology_.server(invocation->capability);
        if (server == nullptr) return capability_not_offered(invocation->capability);
        return server->dispatch(invocation->method, invocation->params);
    }

 private:
    T topology_;
};

template <class C>
class CommandInstance final : public Instance {
 public:
    explicit CommandInstance(Session session) : session_(std::move(session)) {}

    Result<Json> invoke(std::string_view method, const Json& params, Call& call) override {
        if (method != "command.run") return unknown_method(method);
        auto arguments = CommandArguments::check(C::info, params["arguments"]);
        if (!arguments) return failure(std::move(arguments.error()));
        typename C::Run run(call, session_, std::move(*arguments), params["interactive"].boolean_or(false));
        return answer(command_.run(run));
    }

 private:
    Session session_;
    C command_;
};

template <class S>
class ScenarioInstance final : public Instance {
 public:
    ScenarioInstance(typename S::Parameters params, Session session)
        : params_(std::move(params)), session_(std::move(session)) {}

    Result<Json> invoke(std::string_view method, const Json& params, Call& call) override {
        if (method != "scenario.run") return unknown_method(method);
        typename S::Run run(call, session_, params_, params["keep"].boolean_or(false));
        auto outcome = scenario_.run(run);
        return answer(std::move(run.recorder()).finish(S::info.name, std::move(outcome)));
    }

 private:
    typename S::Parameters params_;
    Session session_;
    S scenario_;
};

template <class S>
Contribution score_contribution() {
    auto create = [](const Creation& creation) -> Result<std::unique_ptr<Instance>> {
        auto params = from_json<typename S::Parameters>(creation.settings, UnknownMembers::Reject);
        if (!params) return failure(std::move(params.error()));
        return std::make_unique<ScoreInstance<S>>(std::move(*params), creation.session);
    };
    Json manifest = score_manifest(S::info, S::requirements(), schema_of<typename S::Parameters>());
    return {"score", S::info.name, std::move(manifest), create};
}

template <class T>
Contribution topology_contribution() {
    auto create = [](const Creation& creation) -> Result<std::unique_ptr<Instance>> {
        auto settings = from_json<typename T::Settings>(creation.settings, UnknownMembers::Reject);
        if (!settings) return failure(std::move(settings.error()));
        auto instance = std::make_unique<TopologyInstance<T>>();
        if (auto opened = instance->open(std::move(*settings), creation.session, creation.call); !opened) {
            return failure(std::move(opened.error()));
        }
        return instance;
    };
    Json manifest = topology_manifest(T::info, T::offered_ids(), schema_of<typename T::Settings>());
    return {"topology", T::info.name, std::move(manifest), create};
}

template <class C>
Contribution command_contribution() {
    auto create = [](const Creation& creation) -> Result<std::unique_ptr<Instance>> {
        return std::make_unique<CommandInstance<C>>(creation.session);
    };
    return {"command", command_name(C::info), command_manifest(C::info, C::requirements()), create};
}

template <class S>
Contribution scenario_contribution() {
    auto create = [](const Creation& creation) -> Result<std::unique_ptr<Instance>> {
        auto params = from_json<typename S::Parameters>(creation.settings, UnknownMembers::Reject);
        if (!params) return failure(std::move(params.error()));
        return std::make_unique<ScenarioInstance<S>>(std::move(*params), creation.session);
    };
    Json manifest = scenario_manifest(S::info, S::requirements(), schema_of<typename S::Parameters>());
    return {"scenario", S::info.name, std::move(manifest), create};
}

template <class... Lists>
Contributions contributions(PluginInfo info, Lists... lists) {
    Contributions all{std::move(info), {}};
    auto append = [&](ContributionList list) {
        for (auto& each : list)
            all.list.push_back(std::move(each));
    };
    (append(std::move(lists)), ...);
    return all;
}

}  // namespace detail

template <class... S>
[[nodiscard]] detail::ContributionList scores() {
    return {detail::score_contribution<S>()...};
}
template <class... T>
[[nodiscard]] detail::ContributionList topologies() {
    return {detail::topology_contribution<T>()...};
}
template <class... C>
[[nodiscard]] detail::ContributionList commands() {
    return {detail::command_contribution<C>()...};
}
template <class... S>
[[nodiscard]] detail::ContributionList scenarios() {
    return {detail::scenario_contribution<S>()...};
}

namespace detail {

// The body of the entry. make is called once, before anything else is.
std::int32_t enter(const hp_hello* hello, hp_plugin* out, Contributions (*make)()) noexcept;

}  // namespace detail
}  // namespace harmony::plugin
