#include "harmony/fleet_access/kubernetes_objects.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <harmony/plugin/testing/fake_kubernetes.hpp>
#include <nlohmann/json.hpp>

using namespace harmony::fleet_access;
using namespace harmony::plugin;

namespace {

class QuietCall final : public Call {
 public:
    void log(LogLevel, std::string_view message) override { lines.emplace_back(message); }
    void progress(std::string_view, std::optional<double>) override {}
    [[nodiscard]] bool cancelled() const override { return false; }
    [[nodiscard]] std::optional<Clock::time_point> deadline() const override { return std::nullopt; }
    bool wait(std::chrono::milliseconds) override { return true; }
    Result<Json> invoke(std::string_view, const Json&) override { return Json(); }

    std::vector<std::string> lines;
};

Json object(const std::string& api_version, const std::string& kind, const std::string& name,
            const std::string& name_space = "shop") {
    Json made = Json::object({{"apiVersion", api_version}, {"kind", kind}});
    made["metadata"]["name"] = name;
    if (!name_space.empty()) made["metadata"]["namespace"] = name_space;
    return made;
}

Json web(int replicas = 2, const std::string& image = "web:1") {
    Json made = object("apps/v1", "Deployment", "web");
    made["spec"]["replicas"] = replicas;
    made["spec"]["image"] = image;
    return made;
}

Step step(const std::string& id) {
    Step made;
    made.id = id;
    return made;
}

struct Fixture {
    Result<std::vector<Step>> steps(const std::vector<Json>& objects) {
        return object_steps(call, cluster, owner, objects);
    }
    void apply(const std::vector<Json>& objects) {
        const auto planned = steps(objects).value();
        for (const auto& each : planned)
            REQUIRE(apply_object_step(cluster, owner, objects, each));
    }

    QuietCall call;
    testing::FakeKubernetes cluster;
    ClusterOwner owner{
        .score = "WebScore",
        .name_space = "shop",
        .kinds = {
            {"v1", "Secret"}, {"rbac.authorization.k8s.io/v1", "ClusterRole"}, {"apps/v1", "Deployment"}}};
};

}  // namespace

TEST_CASE("a namespace and the objects in it are made, and the plan after it is empty") {
    Fixture fixture;
    const std::vector<Json> objects{object("v1", "Secret", "web"), web(),
                                    object("rbac.authorization.k8s.io/v1", "ClusterRole", "web", "")};
    const auto planned = fixture.steps(objects).value();
    REQUIRE(planned.size() == 4);
    CHECK(planned[0].id == "Namespace shop");
    CHECK(planned[1].id == "Secret shop/web");
    CHECK(planned[1].object.detail == "namespace shop");
    CHECK(fixture.cluster.size() == 0);
    fixture.apply(objects);
    CHECK(fixture.steps(objects).value().empty());
}

TEST_CASE("a namespace on its way out is made anew with all that was in it") {
    Fixture fixture;
    fixture.apply({web()});
    Json leaving = object("v1", "Namespace", "shop", "");
    leaving["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z";
    fixture.cluster.put(leaving);
    const auto planned = fixture.steps({web()}).value();
    REQUIRE(planned.size() == 2);
    CHECK(planned[0].why == "the one of that name is being deleted");
    CHECK(planned[1].action == Action::Create);
}

TEST_CASE("who may not look at namespaces is not kept from applying") {
    Fixture fixture;
    fixture.cluster.fail_call(1, {.code = "kubernetes.forbidden", .summary = "forbidden"});
    const auto planned = fixture.steps({web()}).value();
    REQUIRE(planned.size() == 1);
    CHECK(planned[0].object.kind == "Deployment");
}

TEST_CASE("an object that is no longer wanted goes, also from the namespace that was named before") {
    Fixture fixture;
    fixture.apply({object("v1", "Secret", "old"), web()});
    const auto pruned = fixture.steps({web()}).value();
    REQUIRE(pruned.size() == 1);
    CHECK(pruned[0].action == Action::Delete);
    CHECK(pruned[0].id == "Secret shop/old");
    CHECK(pruned[0].why == "it is no longer wanted");
    fixture.apply({web()});
    CHECK(fixture.steps({web()}).value().empty());

    fixture.owner.name_space = "market";
    Json moved = web();
    moved["metadata"]["namespace"] = "market";
    fixture.apply({moved});
    CHECK_FALSE(fixture.cluster.get({"apps/v1", "Deployment", "shop", "web"}).value());
    CHECK(fixture.cluster.get({"apps/v1", "Deployment", "market", "web"}).value());
}

TEST_CASE("a field that somebody else has set is taken back, and the plan says from whom") {
    Fixture fixture;
    fixture.apply({web()});
    fixture.cluster.put(web(2, "web:broken"));
    fixture.cluster.claim("web", {"kubectl-edit", ".spec.image"});
    const auto planned = fixture.steps({web()}).value();
    REQUIRE(planned.size() == 1);
    CHECK(planned[0].why == "it takes back what others have set: .spec.image of kubectl-edit");
    fixture.apply({web()});
    const Json live = *fixture.cluster.get({"apps/v1", "Deployment", "shop", "web"}).value();
    CHECK(live["spec"]["image"] == Json("web:1"));
    CHECK(fixture.steps({web()}).value().empty());
}

TEST_CASE("the number of replicas that somebody else has set stays, and is told") {
    Fixture fixture;
    fixture.apply({web()});
    fixture.cluster.claim("web", {"autoscaler", ".spec.replicas"});
    const auto changes = object_changes(fixture.cluster, fixture.owner, {web()}).value();
    REQUIRE(changes.size() == 1);
    CHECK(changes[0].object["spec"]["replicas"].is_null());
    CHECK(changes[0].object["spec"]["image"] == Json("web:1"));
    CHECK(changes[0].change.conflicts.empty());
    CHECK(fixture.steps({web()}));
    CHECK(std::find(fixture.call.lines.begin(), fixture.call.lines.end(),
                    "Deployment web keeps .spec.replicas of autoscaler") != fixture.call.lines.end());
}

TEST_CASE("a destroy removes what the Score applied and nothing else") {
    Fixture fixture;
    fixture.apply({object("v1", "Secret", "web"), web()});
    fixture.cluster.put(object("v1", "Secret", "of-somebody-else"));
    const auto removals = object_removals(fixture.cluster, fixture.owner).value();
    CHECK(removals.size() == 2);
    for (const auto& each : removals)
        REQUIRE(remove_object_step(fixture.cluster, fixture.owner, each));
    CHECK(object_removals(fixture.cluster, fixture.owner).value().empty());
    CHECK(fixture.cluster.get({"v1", "Secret", "shop", "of-somebody-else"}).value());
}

TEST_CASE("a step of other parameters is refused with what to do") {
    Fixture fixture;
    for (const char* id : {"Deployment shop/other", "nonsense", "Secret", "Pod shop/web"}) {
        CHECK(apply_object_step(fixture.cluster, fixture.owner, {web()}, step(id)).error().code ==
              "kubernetes.unknown-step");
    }
    CHECK(remove_object_step(fixture.cluster, fixture.owner, step("Pod shop/web")).error().code ==
          "kubernetes.unknown-step");
}

TEST_CASE("what the cluster refuses reaches the user as it is") {
    Fixture fixture;
    REQUIRE(fixture.cluster.ensure_namespace("shop", 0));
    for (const char* code :
         {"kubernetes.quota-exceeded", "kubernetes.namespace-terminating", "kubernetes.forbidden"}) {
        fixture.cluster.fail_call(1, {.code = code, .summary = "refused"});
        CHECK(apply_object_step(fixture.cluster, fixture.owner, {web()}, step("Deployment shop/web"))
                  .error()
                  .code == code);
    }
    fixture.cluster.stuck("web", "the image web:1 can't be pulled");
    fixture.apply({web()});
    const auto waited = await_workloads(fixture.cluster, {web()}, 1);
    REQUIRE_FALSE(waited);
    CHECK(waited.error().code == Kubernetes::kNotRolledOut);
    CHECK(waited.error().summary.find("can't be pulled") != std::string::npos);
}

TEST_CASE("numbers, lists and nothing survive the way into the SDK's JSON") {
    const auto made = to_plugin_json(nlohmann::json::parse(R"({"a":[1,-2,0.5,true,null,"x"],"b":{}})"));
    CHECK(made.dump() == R"({"a":[1,-2,0.5,true,null,"x"],"b":{}})");
}
