#include "fake_plugins.hpp"

#include <harmony/plugin.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "elf_builder.hpp"

namespace harmony::host::testing {
namespace {

using nlohmann::json;

constexpr const char* kManifest =
    R"({"format":1,"id":"acme/fake","version":"1.2.0","summary":"Fakes","generation":1,
"levels":{"min":1,"max":1},"concurrency":"serial",
"scores":[
 {"name":"AppScore","summary":"Goes on top","requires":[["process-host/1"]],"after":["BaseScore"],
  "parameters":{"type":"object","additionalProperties":false,"properties":{
   "tag":{"type":"string","default":"v1","x-flag":"from-tag","description":"Which build"}}},
  "verbs":["validate","read","plan","apply","verify","destroy"],"renders":["helm-chart/1","of-the-future/3"]},
 {"name":"BaseScore","summary":"Comes first","requires":[["process-host/1"]],
  "parameters":{"type":"object","additionalProperties":false,"properties":{
   "port":{"type":"integer","minimum":0,"maximum":65535,"default":4222},
   "password":{"type":"string","x-sensitive":true},
   "devices":{"type":"array","default":[],"items":{"type":"object","required":["id"],"properties":{
     "id":{"type":"string"}}}}}},
  "verbs":["validate","read","plan","apply","verify","destroy"],"renders":["helm-chart/1"]},
 {"name":"LoneScore","summary":"Stands alone","requires":[["process-host/1"]],
  "parameters":{"type":"object","additionalProperties":false,"properties":{}},
  "verbs":["validate","read","plan","apply","verify","destroy"]},
 {"name":"MoonScore","summary":"Needs what nobody offers","requires":[["moon-host/1"]],
  "parameters":{"type":"object"},"verbs":["plan","apply"]}],
"topologies":[{"name":"LocalTopology","summary":"Here","settings":{"type":"object"},"offers":["process-host/1"]}],
"commands":[{"path":["fake","echo"],"summary":"Says it again","requires":[],
  "arguments":[{"name":"word","kind":"string","positional":true,"required":true},
               {"name":"times","kind":"integer","default":1}]},
 {"path":["fake","stream"],"summary":"Says it bit by bit","requires":[],"streams":true,
  "arguments":[{"name":"where","kind":"string","positional":true},
               {"name":"words","kind":"string","positional":true,"repeated":true},
               {"name":"far","kind":"boolean"}]}],
"scenarios":[{"name":"round-trip","summary":"There and back","requires":[["process-host/1"]],"parameters":{"type":"object"}}]})";

struct Made {
    std::string kind;
    std::string name;
    json settings;
};

class FakeProcess : public PluginProcess {
 public:
    FakeProcess(World& world, PluginCallbacks callbacks) : world_(world), callbacks_(std::move(callbacks)) {}

    tl::expected<InstanceId, CallFailure> create(std::string_view params, const CallOptions&) override {
        if (instances_.empty() && next_ == 1) ++world_.processes;
        const json document = json::parse(params);
        instances_[next_] = {document.at("kind"), document.at("name"), document.at("settings")};
        return next_++;
    }

    CallResult invoke(InstanceId instance, std::string_view method, std::string_view params,
                      const CallOptions& options) override {
        if (options.cancellation != nullptr && options.cancellation->requested())
            return failed(HP_E_CANCELLED, "plugin.cancelled", "it was cancelled");
        const auto found = instances_.find(instance);
        if (found == instances_.end()) return failed(HP_E_HANDLE, "plugin.handle", "no such instance");
        const Made made = found->second;
        const std::string call = made.name + " " + std::string(method);
        world_.calls.push_back(call);
        if (world_.on_call) world_.on_call(call);
        if (made.kind == "topology") return topology(method);
        world_.timeouts.push_back(options.timeout);
        if (made.name == "fake stream") return stream(instance, json::parse(params), options);
        if (made.kind == "command") return command(json::parse(params));
        if (made.kind == "scenario") return scenario(instance, options);
        return score(made, method, json::parse(params));
    }

    CallResult destroy(InstanceId instance, const CallOptions&) override {
        instances_.erase(instance);
        return std::string("{}");
    }
    void close() override { instances_.clear(); }
    std::string sha256() const override { return std::string(64, 'a'); }
    int process_id() const override { return 0; }
    void set_callbacks(PluginCallbacks callbacks) override { callbacks_ = std::move(callbacks); }

 private:
    static CallResult failed(std::int32_t code, const char* name, const char* summary) {
        return tl::unexpected(CallFailure{code, diagnostic(name, summary)});
    }

    CallResult topology(std::string_view method) {
        if (method == "topology.probe" && world_.lacks_process_host)
            return std::string(
                R"({"offers":[{"capability":"process-host/1","available":false,"reason":"no supervisor"}]})");
        if (method == "topology.probe")
            return std::string(R"({"offers":[{"capability":"process-host/1","available":true}]})");
        if (method == "topology.prepare") ++world_.prepared;
        if (method == "topology.release") ++world_.released;
        return std::string("{}");
    }

    static CallResult command(const json& params) {
        const auto& arguments = params.at("arguments");
        const json row = {{"word", arguments.at("word")}, {"times", arguments.at("times")}};
        return json{{"data", row}, {"text", "said " + arguments.at("word").get<std::string>()}}.dump();
    }

    // Each word is printed, with a label of its own; "err" goes to stderr, and the last one is the exit code.
    CallResult stream(InstanceId instance, const json& params, const CallOptions& options) {
        const json words = params.at("arguments").value("words", json::array());
        for (const auto& word : words) {
            json output{{"text", word.get<std::string>() + "\n"}, {"data", {{"word", word}}}};
            if (word == "err") {
                output["stream"] = "stderr";
            } else {
                output["label"] = word.get<std::string>().substr(0, 1);
            }
            auto printed = callbacks_.service({"host.output", output.dump(), instance, options});
            if (!printed) return tl::unexpected(printed.error());
        }
        world_.streamed = params.at("arguments");
        if (words.empty()) {
            auto refused = diagnostic("fake.lost", "the far end is gone");
            refused.exit_code = 255;
            return tl::unexpected(CallFailure{HP_E_FAILED, refused});
        }
        return json{{"exit_code", static_cast<int>(words.size())}, {"data", {{"words", words.size()}}}}
            .dump();
    }

    CallResult scenario(InstanceId instance, const CallOptions& options) {
        for (const char* purpose : {"apply", "destroy"}) {
            const std::string params =
                json{{"name", world_.scenario_score}, {"purpose", purpose}, {"settings", json::object()}}
                    .dump();
            auto answer = callbacks_.service({"host.score", params, instance, options});
            if (!answer) return answer;
            if (world_.scenario_stops_halfway) break;
        }
        return world_.scenario_answer;
    }

    CallResult score(const Made& made, std::string_view method, const json& params) {
        const bool there = world_.objects.contains(made.name);
        const json object = {{"kind", "thing"}, {"name", made.name}};
        if (method == "score.validate") return std::string("{}");
        if (method == "score.read" && world_.failing_reads.contains(made.name))
            return failed(HP_E_FAILED, "fake.unreadable", "nobody answers");
        if (method == "score.read") return objects(made);
        if (method == "score.render") return rendering(made, params);
        if (method == "score.plan" && world_.failing_plans.contains(made.name))
            return failed(HP_E_FAILED, "fake.unreachable", "nobody can be asked");
        if (method == "score.plan") {
            json steps = json::array();
            if (params.at("purpose") == "destroy") {
                if (there) steps.push_back({{"id", "d"}, {"action", "delete"}, {"object", object}});
            } else if (!there || world_.objects[made.name] != made.settings) {
                steps.push_back({{"id", "a"}, {"action", there ? "update" : "create"}, {"object", object}});
                steps.back()["diff"] = {{{"path", "settings"}, {"after", made.settings.size()}}};
                if (world_.destructive.contains(made.name)) steps.back()["destructive"] = true;
            }
            return json{{"steps", steps}}.dump();
        }
        if (method == "score.apply") {
            if (world_.crash_in_apply.contains(made.name)) {
                instances_.clear();
                return failed(HP_E_FAILED, "plugin.crashed", "the plugin was ended by SIGSEGV");
            }
            world_.objects[made.name] = made.settings;
            return std::string("{}");
        }
        if (method == "score.destroy") {
            if (world_.failing_destroys > 0) {
                --world_.failing_destroys;
                return failed(HP_E_FAILED, "fake.stuck", "it does not go");
            }
            world_.objects.erase(made.name);
            return std::string("{}");
        }
        const bool ok = !world_.failing_verify.contains(made.name);
        return json{{"checks", {{{"name", "answers"}, {"ok", ok}}}}}.dump();
    }

    // The settings as values.yaml, and a template.
    CallResult rendering(const Made& made, const json& params) const {
        if (!world_.rendered.is_null()) return world_.rendered.dump();
        CHECK(params.at("format") == "helm-chart/1");
        return json{{"files",
                     {{{"path", "values.yaml"}, {"content", made.settings.dump() + "\n"}},
                      {{"path", "templates/thing.yaml"}, {"content", "kind: Thing\n"}}}}}
            .dump();
    }

    CallResult objects(const Made& made) const {
        json list = json::array();
        if (world_.objects.contains(made.name)) list.push_back({{"kind", "thing"}, {"name", made.name}});
        return json{{"objects", list}}.dump();
    }

    World& world_;
    PluginCallbacks callbacks_;
    std::map<InstanceId, Made> instances_;
    InstanceId next_ = 1;
};

}  // namespace

int World::count(const std::string& call) const {
    return static_cast<int>(std::ranges::count(calls, call));
}

ProcessFactory fake_factory(World& world) {
    return [&world](const PluginProcessOptions&, PluginCallbacks callbacks) {
        return std::make_unique<FakeProcess>(world, std::move(callbacks));
    };
}

Machine::Machine(bool overlaps) : before_(std::filesystem::current_path().string()) {
    REQUIRE(::mkdtemp(root.data()) != nullptr);
    for (const char* folder : {"/bin", "/lib/harmony/plugins", "/work"})
        std::filesystem::create_directories(root + folder);
    auto manifest = nlohmann::json::parse(kManifest);
    if (overlaps) manifest["scores"][0]["overlaps"] = true;
    write("lib/harmony/plugins/harmony-fake.so", ElfParts(manifest.dump()).bytes());
    for (const char* name : {"config", "state", "data", "cache"}) {
        std::string variable = std::string("HARMONY_") + name + "_HOME";
        std::ranges::transform(variable, variable.begin(),
                               [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
        variables[variable] = root + "/" + name;
    }
}

Machine::~Machine() {
    std::filesystem::current_path(before_);
    std::filesystem::remove_all(root);
}

int Machine::run(const std::vector<std::string>& words, const std::string& input, bool terminal) {
    std::filesystem::current_path(root + "/work");
    std::istringstream in(input);
    std::ostringstream out_stream;
    std::ostringstream err_stream;
    Streams streams{in, out_stream, err_stream, terminal, terminal, terminal};
    const Environment environment(variables);
    const int exit =
        host::run(words, Setup{streams, environment, root + "/bin", fake_factory(world), &cancellation});
    out = out_stream.str();
    err = err_stream.str();
    INFO(out << err);
    std::filesystem::current_path(before_);
    return exit;
}

void Machine::write(const std::string& file, const std::string& text) const {
    const std::string path = root + "/" + file;
    std::ofstream(path, std::ios::binary | std::ios::trunc) << text;
    std::filesystem::permissions(path, std::filesystem::perms(0644));
}

std::map<std::string, std::string> Machine::trace() const {
    std::map<std::string, std::string> found;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(root)) {
        std::string content;
        if (entry.is_regular_file()) {
            std::ifstream stream(entry.path(), std::ios::binary);
            content.assign(std::istreambuf_iterator<char>(stream), {});
        }
        found[entry.path().string()] = content;
    }
    return found;
}

}  // namespace harmony::host::testing
