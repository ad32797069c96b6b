// The SDK's side of the C interface, seen from a host.
#include <catch2/catch.hpp>
#include <harmony/plugin/testing/fake_capabilities.hpp>
#include <harmony/plugin/testing/fake_host.hpp>

using namespace harmony::plugin;
using namespace harmony::plugin::testing;

namespace {

struct Fixture {
    FakeHost host{harmony_plugin_entry_1};
    FakeProcessHost processes;
    FakeSecretStore secrets;

    Fixture() {
        host.offer<ProcessHost>(processes);
        host.offer<SecretStore>(secrets);
    }
    ScoreHandle score(Json settings = Json::object()) {
        auto made = host.score("SampleScore", std::move(settings));
        REQUIRE(made);
        return *made;
    }
};

}  // namespace

TEST_CASE_METHOD(Fixture, "a Score is applied once and is then as it should be") {
    auto handle = score();
    CHECK(handle.apply_all().value() == 1);
    CHECK(handle.apply_all().value() == 0);
    CHECK(handle.read()->front().name == "greeter");
    CHECK(secrets.values().contains("sample/token"));
    CHECK(host.progress() == std::vector<std::string>{"starting the greeter"});
    CHECK(score(Json::object({{"greeting", "hi"}})).plan()->steps.front().action == Action::Update);
    CHECK(handle.destroy_all().value() == 1);
    CHECK(handle.read()->empty());
}

TEST_CASE_METHOD(Fixture, "a capability's failure reaches the verb with its code") {
    processes.fail_call(2, {.code = "process-host.port-in-use", .summary = "taken", .status = HP_E_INVALID});
    auto failed = score().apply_all();
    REQUIRE_FALSE(failed);
    CHECK(failed.error().code == "process-host.port-in-use");
    CHECK(failed.error().status == HP_E_FAILED);
}

TEST_CASE_METHOD(Fixture, "wrong settings are refused when the instance is made") {
    auto made = host.score("SampleScore", Json::object({{"port", "x"}}));
    REQUIRE_FALSE(made);
    CHECK(made.error().status == HP_E_INVALID);
    CHECK(made.error().path == "port");
    CHECK(score(Json::object({{"greeting", ""}})).validate().error().path == "greeting");
}

TEST_CASE_METHOD(Fixture, "unknown methods, kinds and names are HP_E_METHOD") {
    CHECK(host.invoke(score().handle(), "score.dance", Json::object()).error().status == HP_E_METHOD);
    CHECK(host.invoke(0, "score.read", Json::object()).error().status == HP_E_METHOD);
    CHECK(host.create("score", "NoSuchScore").error().status == HP_E_METHOD);
    CHECK(host.create("dance", "SampleScore").error().status == HP_E_METHOD);
}

TEST_CASE_METHOD(Fixture, "a Score renders the formats it names, and no other") {
    auto handle = score(Json::object({{"greeting", "hi"}}));
    const auto files = handle.render(kHelmChart);
    REQUIRE(files);
    REQUIRE(files->size() == 2);
    CHECK(files->at(1) == RenderedFile{"NOTES.txt", "hi\n"});
    CHECK(host.logs().back().message == "rendering");
    const auto refused = handle.render("helm-chart/9");
    REQUIRE_FALSE(refused);
    CHECK(refused.error().status == HP_E_INVALID);
    CHECK(refused.error().path == "format");
    CHECK(refused.error().summary.find("helm-chart/1") != std::string::npos);
    CHECK(host.invoke(handle.handle(), "score.render", Json::object()).error().path == "format");
}

TEST_CASE_METHOD(Fixture, "a stale handle is HP_E_HANDLE") {
    auto handle = score();
    CHECK(host.destroy(handle.handle()) == HP_OK);
    CHECK(host.destroy(handle.handle()) == HP_E_HANDLE);
    CHECK(handle.read().error().status == HP_E_HANDLE);
    CHECK(host.invoke(123456789, "score.read", Json::object()).error().status == HP_E_HANDLE);
}

TEST_CASE_METHOD(Fixture, "parameters that are no JSON object are HP_E_INVALID") {
    const auto handle = score().handle();
    for (const char* text : {"{", "[]", "null", "\xff"}) {
        CAPTURE(text);
        CHECK(host.invoke_text(handle, "score.read", text).error().status == HP_E_INVALID);
    }
    CHECK(host.invoke(handle, "score.apply", Json::object()).error().path == "step");
    CHECK(host.invoke_text(handle, "score.plan", R"({"purpose":"dance"})").error().path == "purpose");
}

TEST_CASE_METHOD(Fixture, "an exception is stopped and becomes HP_E_INTERNAL") {
    auto thrown = score(Json::object({{"fault", "throw"}})).verify();
    REQUIRE_FALSE(thrown);
    CHECK(thrown.error().status == HP_E_INTERNAL);
    CHECK_THAT(thrown.error().summary, Catch::Contains("thrown on purpose"));
    CHECK(score(Json::object({{"fault", "throw-int"}})).verify().error().status == HP_E_INTERNAL);
}

TEST_CASE_METHOD(Fixture, "a cancelled call wakes and ends as cancelled, one past its deadline as such") {
    auto handle = score(Json::object({{"fault", "wait"}}));
    host.set_timeout(std::chrono::milliseconds(30));
    CHECK(handle.verify().error().status == HP_E_DEADLINE);
    host.set_timeout(std::chrono::milliseconds(0));
    host.cancel_on_progress("waiting");
    CHECK(handle.verify().error().status == HP_E_CANCELLED);
}

TEST_CASE_METHOD(Fixture, "a topology answers for what it offers") {
    auto topology = host.create("topology", "SampleTopology", Json::object({{"prefix", "web"}}));
    REQUIRE(topology);
    CHECK(host.probe(*topology)->front().available);
    const Json params = Json::object({{"service", "web"}, {"port", "http"}});
    auto found = host.capability(*topology, ServiceDirectory::kId, "resolve", params);
    REQUIRE(found);
    CHECK(found->dump() == R"({"host":"127.0.0.1","port":8080})");
    CHECK(host.logs().front().message == "resolving web");
    CHECK(host.capability(*topology, ServiceDirectory::kId, "dance", params).error().status == HP_E_METHOD);
    CHECK(host.capability(*topology, "vm-host/1", "list", params).error().code == "capability.not-offered");
}

TEST_CASE_METHOD(Fixture, "a command's arguments are checked before it runs") {
    auto said = host.command("sample echo", Json::object({{"word", "hi"}, {"times", 2}}));
    REQUIRE(said);
    CHECK(said->data->dump() == R"(["hi","hi"])");
    CHECK(host.command("sample echo").error().path == "word");
    CHECK(host.command("sample echo", Json::object({{"word", 1}})).error().path == "word");
    CHECK(host.command("sample echo", Json::object({{"word", "a"}, {"style", "sad"}})).error().path ==
          "style");
    CHECK(host.command("sample echo", Json::object({{"word", "a"}, {"what", 1}})).error().path == "what");
    const Json files = Json::array({Json::object({{"path", "-"}, {"content", "from a file"}})});
    auto read = host.command("sample echo", Json::object({{"word", "a"}, {"from", files}}));
    REQUIRE(read);
    CHECK(read->data->dump() == R"(["a","from a file"])");
}

TEST_CASE_METHOD(Fixture, "a scenario records its steps and how they ended") {
    int asked = 0;
    host.answer("host.score", [&](const Json& params) -> Result<Json> {
        if (++asked == 2) return failure("host.score-failed", "no " + params["purpose"].string_or(""));
        return Json::object({{"steps", 1}});
    });
    auto result = host.scenario("sample");
    REQUIRE(result);
    CHECK_FALSE(result->passed);
    REQUIRE(result->steps.size() == 2);
    CHECK(result->steps[0].ok);
    CHECK_FALSE(result->steps[1].ok);
    CHECK_THAT(result->steps[1].detail, Catch::Contains("no destroy"));
    CHECK(result->artifacts.front().name == "log");
    CHECK(host.progress() == std::vector<std::string>{"applied", "destroyed"});
}

TEST_CASE_METHOD(Fixture, "a scenario that the machine cannot carry is skipped, and what it said travels") {
    host.answer("host.score", [](const Json&) -> Result<Json> { return Json::object({{"steps", 1}}); });
    const auto result = host.scenario("sample", Json::object());
    REQUIRE(result);
    CHECK(result->passed);
    CHECK_FALSE(result->skipped);
    const auto skipped = host.scenario("sample_skipped");
    REQUIRE(skipped);
    CHECK_FALSE(skipped->passed);
    CHECK(skipped->skipped == "no moon tonight");
    CHECK(skipped->logs.front().lines == std::vector<std::string>{"dark"});
    CHECK(skipped->commands.front().command == "look up");
}

TEST_CASE("the entry negotiates levels and tells its own range when there is none in common") {
    const hp_services services{};
    hp_hello hello{sizeof(hp_hello), HP_LEVEL_MAX + 1, HP_LEVEL_MAX + 5, 0, {}, &services};
    hp_plugin plugin{};
    plugin.size = sizeof(hp_plugin);
    CHECK(harmony_plugin_entry_1(&hello, &plugin) == HP_E_LEVEL);
    CHECK(plugin.level_min == HP_LEVEL_MIN);
    CHECK(plugin.level_max == HP_LEVEL_MAX);
    CHECK(plugin.invoke == nullptr);

    hello.level_min = 0;
    REQUIRE(harmony_plugin_entry_1(&hello, &plugin) == HP_OK);
    CHECK(plugin.level == HP_LEVEL_MAX);
    plugin.shutdown(plugin.context);

    plugin.size = 8;
    CHECK(harmony_plugin_entry_1(&hello, &plugin) == HP_E_INTERNAL);
    CHECK(harmony_plugin_entry_1(nullptr, nullptr) == HP_E_INTERNAL);
}

TEST_CASE("a plugin works with a host whose services are not there") {
    const hp_services services{sizeof(std::uint32_t) * 2, 0, nullptr, nullptr, nullptr, nullptr, nullptr};
    const hp_hello hello{sizeof(hp_hello), HP_LEVEL_MIN, HP_LEVEL_MAX, 0, {}, &services};
    hp_plugin plugin{};
    plugin.size = sizeof(hp_plugin);
    REQUIRE(harmony_plugin_entry_1(&hello, &plugin) == HP_OK);
    const std::string params =
        R"({"kind":"score","name":"SampleScore","settings":{},"session":{"context":"c"}})";
    hp_call call{};
    call.size = sizeof(hp_call);
    call.id = 1;
    call.params = {reinterpret_cast<const std::uint8_t*>(params.data()), params.size()};
    std::uint64_t handle = 0;
    REQUIRE(plugin.create(plugin.context, &call, &handle) == HP_OK);
    call.instance = handle;
    call.params = {};
    const std::string method = "score.read";
    call.method = {reinterpret_cast<const std::uint8_t*>(method.data()), method.size()};
    CHECK(plugin.invoke(plugin.context, &call) == HP_E_FAILED);
    plugin.cancel(plugin.context, 99);
    plugin.shutdown(plugin.context);
}
