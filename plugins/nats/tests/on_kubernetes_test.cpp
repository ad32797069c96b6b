// FleetNatsScore on a cluster in memory.
#include <catch2/catch.hpp>
#include <harmony/plugin/testing/fake_host.hpp>
#include <harmony/plugin/testing/fake_kubernetes.hpp>

using namespace harmony::plugin;
using namespace harmony::plugin::testing;

namespace {

struct Fixture {
    Fixture() {
        host.offer<Kubernetes>(cluster);
        host.offer<SecretStore>(secrets);
    }
    Result<ScoreHandle> score(const std::string& further = "",
                              const std::string& devices = R"("edge-north")") {
        const std::string text =
            R"({"devices":[)" + devices + R"(],"namespace":"fleet","image":"nats:test")" + further + "}";
        return host.score("FleetNatsScore", Json::parse(text).value());
    }
    // Without verify, which needs a server.
    void apply(ScoreHandle& handle) {
        const auto plan = handle.plan().value();
        for (const auto& step : plan.steps)
            REQUIRE(handle.apply(step));
    }
    Json live(const std::string& api_version, const std::string& kind, const std::string& name) {
        return cluster.get({api_version, kind, "fleet", name}).value().value_or(Json());
    }
    Json workload() { return live("apps/v1", "StatefulSet", "fleet-nats"); }

    FakeHost host{harmony_plugin_entry_1};
    FakeKubernetes cluster;
    FakeSecretStore secrets;
};

const Step& step_of(const Plan& plan, const std::string& kind) {
    for (const auto& step : plan.steps) {
        if (step.object.kind == kind) return step;
    }
    throw std::runtime_error("no step of kind " + kind);
}

Json storage_class(const std::string& name, bool is_default) {
    Json made = Json::object({{"apiVersion", "storage.k8s.io/v1"}, {"kind", "StorageClass"}});
    made["metadata"]["name"] = name;
    if (is_default) made["metadata"]["annotations"]["storageclass.kubernetes.io/is-default-class"] = "true";
    return made;
}

}  // namespace

TEST_CASE("the first plan on a cluster names every object, and the plan after it is empty") {
    Fixture fixture;
    auto score = fixture.score().value();
    const auto plan = score.plan().value();
    std::vector<std::string> kinds;
    for (const auto& step : plan.steps)
        kinds.push_back(step.object.kind);
    CHECK(kinds == std::vector<std::string>{"credentials", "Namespace", "NetworkPolicy", "ServiceAccount",
                                            "Secret", "Service", "StatefulSet"});
    CHECK(fixture.cluster.size() == 0);
    CHECK(fixture.secrets.values().empty());
    fixture.apply(score);
    CHECK(score.plan().value().steps.empty());
    CHECK(score.read().value().size() == 6);
}

TEST_CASE("no password is in a plan of a cluster") {
    Fixture fixture;
    auto score = fixture.score().value();
    fixture.apply(score);
    auto wider = fixture.score("", R"("edge-north","edge-south")").value();
    const std::string shown = to_json(wider.plan().value()).dump();
    CHECK(fixture.secrets.values().size() == 4);
    for (const auto& [name, value] : fixture.secrets.values())
        CHECK(shown.find(value) == std::string::npos);
}

TEST_CASE("without a StorageClass the plan says that JetStream's data ends with the pod") {
    Fixture fixture;
    auto score = fixture.score().value();
    CHECK(step_of(score.plan().value(), "StatefulSet").summary ==
          "JetStream's data ends with the pod: the cluster has no default StorageClass");
    fixture.cluster.put(storage_class("slow", false));
    CHECK(step_of(score.plan().value(), "StatefulSet").summary.find("ends with the pod") !=
          std::string::npos);
}

TEST_CASE("a default StorageClass gives JetStream a volume that a destroy keeps until it is told otherwise") {
    Fixture fixture;
    fixture.cluster.put(storage_class("fast", true));
    auto score = fixture.score(R"(,"jetstream_storage_mib":400)").value();
    fixture.apply(score);
    const Json claim = fixture.live("v1", "PersistentVolumeClaim", "fleet-nats-data");
    CHECK(claim["spec"]["resources"]["requests"]["storage"] == Json("500Mi"));
    const auto kept = score.plan({.purpose = Purpose::Destroy}).value();
    CHECK(kept.steps.front().summary ==
          "its JetStream data, PersistentVolumeClaim fleet-nats-data, and the namespace stay");
    CHECK(score.destroy_all().value() == 6);
    CHECK_FALSE(fixture.live("v1", "PersistentVolumeClaim", "fleet-nats-data").is_null());
    CHECK(score.read().value().size() == 1);
    CHECK(fixture.secrets.values().empty());
    // The volume is used again, also when the cluster has no default class any more.
    REQUIRE(fixture.cluster.remove({.ref = {"storage.k8s.io/v1", "StorageClass", "", "fast"}}).value());
    fixture.apply(score);
    CHECK(fixture.workload().dump().find("persistentVolumeClaim") != std::string::npos);
    const auto gone = score.plan({.purpose = Purpose::Destroy, .delete_data = true}).value();
    CHECK(step_of(gone, "PersistentVolumeClaim").destructive);
    CHECK(score.destroy_all(true).value() == 7);
    CHECK(score.read().value().empty());
}

TEST_CASE("a StorageClass that is not there is named with those that are") {
    Fixture fixture;
    auto score = fixture.score(R"(,"storage_class":"fastest")").value();
    CHECK(score.plan().error().summary.find("the cluster has no StorageClass") != std::string::npos);
    fixture.cluster.put(storage_class("fast", false));
    const auto plan = score.plan();
    REQUIRE_FALSE(plan);
    CHECK(plan.error().path == "storage_class");
    CHECK(plan.error().status == HP_E_INVALID);
    CHECK(plan.error().summary.find("one of the cluster's: fast") != std::string::npos);
    auto right = fixture.score(R"(,"storage_class":"fast")").value();
    fixture.apply(right);
    const auto claimed = [&] {
        return fixture.live("v1", "PersistentVolumeClaim", "fleet-nats-data")["spec"]["storageClassName"];
    };
    CHECK(claimed() == Json("fast"));
    // It can't be changed, and need not be named again.
    auto unnamed = fixture.score().value();
    CHECK(unnamed.plan().value().steps.empty());
    fixture.apply(unnamed);
    CHECK(claimed() == Json("fast"));
}

TEST_CASE("a server that can't be reached for a reload is started anew with its users") {
    Fixture fixture;
    auto before = fixture.score().value();
    fixture.apply(before);
    const Json first = fixture.workload();
    auto after = fixture.score("", R"("edge-north","edge-west")").value();
    fixture.apply(after);
    const Json second = fixture.workload();
    const char* const start = "io.nationtech.harmony/users-at-start";
    const auto started = [&](const Json& object) {
        return object["spec"]["template"]["metadata"]["annotations"][start];
    };
    CHECK(started(first) != started(second));
    CHECK(after.plan().value().steps.empty());
    CHECK(fixture.secrets.values().contains("nats/device/edge-west"));
}

TEST_CASE("another configuration of the server starts it anew by itself") {
    Fixture fixture;
    auto before = fixture.score().value();
    fixture.apply(before);
    const Json first = fixture.workload();
    auto after = fixture.score(R"(,"jetstream_memory_mib":64)").value();
    fixture.apply(after);
    const char* const hash = "io.nationtech.harmony/config-hash";
    const auto configured = [&](const Json& object) {
        return object["spec"]["template"]["metadata"]["annotations"][hash];
    };
    CHECK(configured(first) != configured(fixture.workload()));
    CHECK(after.plan().value().steps.empty());
}

TEST_CASE("parameters that have no effect here are told, those that contradict each other are refused") {
    Fixture fixture;
    REQUIRE(fixture.score(R"(,"port":4333)").value().validate());
    REQUIRE(fixture.host.logs().size() == 1);
    CHECK(fixture.host.logs().front().message == "port has no effect on a cluster");
    CHECK(
        fixture.score(R"(,"service_type":"cluster-ip","node_port":30423)").value().validate().error().path ==
        "node_port");
    CHECK(fixture.score(R"(,"image_registry":"registry.example.com")").value().validate().error().path ==
          "image_registry");
    CHECK_FALSE(fixture.score(R"(,"service_type":"ingress")"));
}

TEST_CASE("more devices than a Secret holds are refused with both numbers") {
    Fixture fixture;
    std::string devices;
    for (int i = 0; i < 2000; ++i)
        devices += (devices.empty() ? "\"d-" : ",\"d-") + std::to_string(i) + "\"";
    const auto plan = fixture.score("", devices).value().plan();
    REQUIRE_FALSE(plan);
    CHECK(plan.error().path == "devices");
    CHECK(plan.error().summary.find("expected at most 700 KiB") != std::string::npos);
}

TEST_CASE("what keeps the pod from running is what verify says") {
    Fixture fixture;
    auto score = fixture.score().value();
    fixture.apply(score);
    fixture.cluster.stuck("fleet-nats", "the image nats:test can't be pulled");
    const auto checks = score.verify();
    REQUIRE_FALSE(checks);
    CHECK(checks.error().code == Kubernetes::kNotRolledOut);
    CHECK(checks.error().summary.find("can't be pulled") != std::string::npos);
}

TEST_CASE("a server that can't be reached from here fails verify with the way out") {
    Fixture fixture;
    auto score = fixture.score().value();
    fixture.apply(score);
    const auto checks = score.verify().value();
    REQUIRE(checks.size() == 1);
    CHECK_FALSE(checks[0].ok);
    CHECK(checks[0].detail.find("service_type cluster-ip") != std::string::npos);
}
