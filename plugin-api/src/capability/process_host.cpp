#include <harmony/capability/process_host.hpp>

#include "wire.hpp"

namespace harmony::plugin {

namespace {

struct SpecParams {
    DaemonSpec spec;

    static auto fields() { return harmony::plugin::fields(field("spec", &SpecParams::spec).required()); }
};

struct NameParams {
    std::string name;

    static auto fields() { return harmony::plugin::fields(field("name", &NameParams::name).required()); }
};

struct RemoveParams {
    std::string name;
    bool delete_data = false;

    static auto fields() {
        return harmony::plugin::fields(field("name", &RemoveParams::name).required(),
                                       field("delete_data", &RemoveParams::delete_data));
    }
};

struct SignalParams {
    std::string name;
    std::string signal;

    static auto fields() {
        return harmony::plugin::fields(field("name", &SignalParams::name).required(),
                                       field("signal", &SignalParams::signal).required());
    }
};

struct LogParams {
    std::string name;
    int lines = 20;

    static auto fields() {
        return harmony::plugin::fields(field("name", &LogParams::name).required(),
                                       field("lines", &LogParams::lines).range(1, 10000));
    }
};

class Client final : public ProcessHost {
 public:
    explicit Client(CapabilityCaller& caller) : caller_(caller) {}

    Result<DaemonPlan> plan(const DaemonSpec& spec) override {
        return wire::ask<DaemonPlan>(caller_, kId, "plan", to_json(SpecParams{spec}));
    }
    Result<DaemonEnsured> ensure(const DaemonSpec& spec) override {
        return wire::ask<DaemonEnsured>(caller_, kId, "ensure", to_json(SpecParams{spec}));
    }
    Result<std::optional<Daemon>> inspect(const std::string& name) override {
        return wire::ask_member<std::optional<Daemon>>(caller_, kId, "inspect", to_json(NameParams{name}),
                                                       "daemon");
    }
    Result<std::vector<Daemon>> list() override {
        return wire::ask_member<std::vector<Daemon>>(caller_, kId, "list", Json::object(), "daemons");
    }
    Result<Daemon> restart(const std::string& name) override {
        return wire::ask_member<Daemon>(caller_, kId, "restart", to_json(NameParams{name}), "daemon");
    }
    Result<bool> remove(const std::string& name, bool delete_data) override {
        return wire::ask_member<bool>(caller_, kId, "remove", to_json(RemoveParams{name, delete_data}),
                                      "removed");
    }
    Result<std::vector<std::string>> logs(const std::string& name, int lines) override {
        return wire::ask_member<std::vector<std::string>>(caller_, kId, "logs",
                                                          to_json(LogParams{name, lines}), "lines");
    }
    Result<Daemon> stop(const std::string& name) override {
        return wire::ask_member<Daemon>(caller_, kId, "stop", to_json(NameParams{name}), "daemon");
    }
    Result<void> signal(const std::string& name, const std::string& signal) override {
        auto answer = caller_.call(kId, "signal", to_json(SignalParams{name, signal}));
        if (!answer) return failure(std::move(answer.error()));
        return {};
    }
    Result<std::vector<std::string>> kept_data() override {
        return wire::ask_member<std::vector<std::string>>(caller_, kId, "kept_data", Json::object(), "names");
    }

 private:
    CapabilityCaller& caller_;
};

}  // namespace

std::optional<Action> step_action(DaemonAction action) {
    switch (action) {
        case DaemonAction::None:
            return std::nullopt;
        case DaemonAction::Create:
            return Action::Create;
        case DaemonAction::Update:
            return Action::Update;
        case DaemonAction::Reload:
            return Action::Reload;
        case DaemonAction::Restart:
            return Action::Restart;
    }
    return std::nullopt;
}

Result<Daemon> ProcessHost::stop(const std::string& /*name*/) {
    return unknown_capability_method(kId, "stop");
}

Result<void> ProcessHost::signal(const std::string& /*name*/, const std::string& /*signal*/) {
    return unknown_capability_method(kId, "signal");
}

Result<std::vector<std::string>> ProcessHost::kept_data() {
    return unknown_capability_method(kId, "kept_data");
}

std::unique_ptr<ProcessHost> ProcessHost::client(CapabilityCaller& caller) {
    return std::make_unique<Client>(caller);
}

Result<Json> ProcessHost::dispatch(ProcessHost& server, std::string_view method, const Json& params) {
    using wire::reply;
    using wire::serve;
    if (method == "plan") {
        return serve<SpecParams>(params, [&](const SpecParams& p) { return reply(server.plan(p.spec)); });
    }
    if (method == "ensure") {
        return serve<SpecParams>(params, [&](const SpecParams& p) { return reply(server.ensure(p.spec)); });
    }
    if (method == "inspect") {
        return serve<NameParams>(
            params, [&](const NameParams& p) { return reply("daemon", server.inspect(p.name)); });
    }
    if (method == "list") return reply("daemons", server.list());
    if (method == "restart") {
        return serve<NameParams>(
            params, [&](const NameParams& p) { return reply("daemon", server.restart(p.name)); });
    }
    if (method == "remove") {
        return serve<RemoveParams>(params, [&](const RemoveParams& p) {
            return reply("removed", server.remove(p.name, p.delete_data));
        });
    }
    if (method == "logs") {
        return serve<LogParams>(
            params, [&](const LogParams& p) { return reply("lines", server.logs(p.name, p.lines)); });
    }
    if (method == "stop") {
        return serve<NameParams>(params,
                                 [&](const NameParams& p) { return reply("daemon", server.stop(p.name)); });
    }
    if (method == "signal") {
        return serve<SignalParams>(
            params, [&](const SignalParams& p) { return reply(server.signal(p.name, p.signal)); });
    }
    if (method == "kept_data") return reply("names", server.kept_data());
    return unknown_capability_method(kId, method);
}

}  // namespace harmony::plugin
