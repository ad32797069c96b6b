#include <sys/resource.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <fstream>
#include <memory>
#include <sstream>
#include <thread>

#include "api_cluster.hpp"
#include "harmony/kubernetes/objects.hpp"
#include "observer.hpp"

using namespace harmony::runtime::kubernetes;
using namespace harmony::runtime::kubernetes::testing;
using namespace std::chrono_literals;

namespace {

struct Real {
    Real() { need_cluster(); }
    ClusterAccess access = (need_cluster(), cluster_access());
    std::unique_ptr<KubernetesClient> client = connect(access);
    std::unique_ptr<KubernetesClient> other = connect(access);
    TestNamespace name_space{*client};
    Subject subject{*client, *other, name_space.name()};
};

int threads_of_this_process() {
    std::ifstream status("/proc/self/status");
    std::string line;
    while (std::getline(status, line)) {
        if (line.rfind("Threads:", 0) == 0) return std::stoi(line.substr(8));
    }
    return -1;
}

const ResourceType kGadgets{"test.nationtech.io", "v1", "gadgets", "Gadget", true};

Json gadget_definition() {
    const Json number{{"type", "integer"}, {"minimum", 0}};
    return {{"apiVersion", "apiextensions.k8s.io/v1"},
            {"kind", "CustomResourceDefinition"},
            {"metadata", {{"name", "gadgets.test.nationtech.io"}}},
            {"spec",
             {{"group", "test.nationtech.io"},
              {"scope", "Namespaced"},
              {"names", {{"plural", "gadgets"}, {"singular", "gadget"}, {"kind", "Gadget"}}},
              {"versions",
               Json::array(
                   {{{"name", "v1"},
                     {"served", true},
                     {"storage", true},
                     {"subresources", {{"status", Json::object()}}},
                     {"schema",
                      {{"openAPIV3Schema",
                        {{"type", "object"},
                         {"properties",
                          {{"spec", {{"type", "object"}, {"properties", {{"size", number}}}}},
                           {"status", {{"type", "object"}, {"properties", {{"seen", number}}}}}}}}}}}}})}}}};
}

}  // namespace

TEST_CASE("the API server tells absence, existence and staleness apart") {
    absence_existence_and_staleness_are_told_apart(Real().subject);
}
TEST_CASE("the API server names the managers in an apply's way") {
    apply_names_the_managers_in_its_way(Real().subject);
}
TEST_CASE("a dry run changes nothing on the API server") {
    a_dry_run_changes_nothing(Real().subject);
}
TEST_CASE("a finalizer keeps an object on the API server") {
    a_finalizer_keeps_an_object_until_it_is_removed(Real().subject);
}
TEST_CASE("the API server lists in pages") {
    lists_come_in_pages(Real().subject);
}
TEST_CASE("a watch of the API server tells what is and what changes") {
    a_watch_tells_what_is_and_what_changes(Real().subject);
}
TEST_CASE("a lease on the API server has one holder and passes on") {
    a_lease_has_one_holder_and_passes_on(Real().subject);
}
TEST_CASE("a repeated event counts on the API server") {
    a_repeated_event_counts(Real().subject);
}

TEST_CASE("a definition brings its kind, whose status is written apart and whose fields are checked") {
    Real real;
    const ObjectRef definition{
        {"apiextensions.k8s.io", "v1", "customresourcedefinitions", "CustomResourceDefinition", false},
        "",
        "gadgets.test.nationtech.io"};
    REQUIRE(real.client->patch(definition, PatchKind::Apply, gadget_definition()));
    TypeCatalog catalog(*real.client);
    const auto deadline = std::chrono::steady_clock::now() + 20s;
    while (!catalog.find("test.nationtech.io/v1", "Gadget")) {
        REQUIRE(std::chrono::steady_clock::now() < deadline);
        std::this_thread::sleep_for(50ms);
    }
    CHECK(catalog.find("test.nationtech.io/v1", "Gadget").value().plural == "gadgets");

    const ObjectRef ref{kGadgets, real.name_space.name(), "one"};
    Json gadget{{"apiVersion", "test.nationtech.io/v1"}, {"kind", "Gadget"}, {"metadata", {{"name", "one"}}}};
    gadget["spec"]["size"] = 3;
    gadget["status"]["seen"] = 9;
    const Json created = real.client->create(ref, gadget).value();
    CHECK_FALSE(created.contains("status"));
    WriteOptions status;
    status.subresource = "status";
    const Json seen =
        real.client
            ->patch(ref, PatchKind::MergePatch, {{"status", {{"seen", 4}}}, {"spec", {{"size", 7}}}}, status)
            .value();
    CHECK(seen["status"]["seen"] == 4);
    CHECK(seen["spec"]["size"] == 3);

    const auto refused = real.client->patch(ref, PatchKind::MergePatch, {{"spec", {{"size", -1}}}});
    REQUIRE_FALSE(refused);
    CHECK(refused.error().reason == Reason::Invalid);
    REQUIRE(refused.error().problems.size() == 1);
    CHECK(refused.error().problems[0].field == "spec.size");
    REQUIRE(real.client->remove(definition));
    REQUIRE(wait_until_gone(*real.client, definition, 20s));
}

TEST_CASE("deleting in the foreground takes what is owned first") {
    Real real;
    const ObjectRef owner = config_map(real.subject, "owner");
    const ObjectRef owned = config_map(real.subject, "owned");
    const Json made = real.client->create(owner, config_map_object("owner", {{"a", "1"}})).value();
    Json dependent = config_map_object("owned", {{"a", "1"}});
    dependent["metadata"]["ownerReferences"] = Json::array({{{"apiVersion", "v1"},
                                                             {"kind", "ConfigMap"},
                                                             {"name", "owner"},
                                                             {"uid", made["metadata"]["uid"]},
                                                             {"blockOwnerDeletion", true}}});
    REQUIRE(real.client->create(owned, dependent));
    DeleteOptions options;
    options.propagation = Propagation::Foreground;
    REQUIRE(real.client->remove(owner, options));
    REQUIRE(wait_until_gone(*real.client, owner, 30s));
    CHECK(real.client->get(owned).error().reason == Reason::NotFound);
}

TEST_CASE("a quota and a namespace that ends say so") {
    Real real;
    const std::string home = real.name_space.name();
    const ObjectRef quota{{"", "v1", "resourcequotas", "ResourceQuota", true}, home, "small"};
    REQUIRE(real.client->create(quota, {{"apiVersion", "v1"},
                                        {"kind", "ResourceQuota"},
                                        {"metadata", {{"name", "small"}}},
                                        {"spec", {{"hard", {{"count/secrets", "0"}}}}}}));
    const auto deadline = std::chrono::steady_clock::now() + 20s;
    while (!real.client->get(quota).value()["status"].contains("used")) {
        REQUIRE(std::chrono::steady_clock::now() < deadline);
        std::this_thread::sleep_for(50ms);
    }
    const ResourceType secrets{"", "v1", "secrets", "Secret", true};
    const auto over = real.client->create(
        {secrets, home, ""}, {{"apiVersion", "v1"}, {"kind", "Secret"}, {"metadata", {{"name", "over"}}}});
    REQUIRE_FALSE(over);
    CHECK(over.error().reason == Reason::QuotaExceeded);
    CHECK(over.error().text().find("exceeded quota: small") != std::string::npos);

    const ObjectRef kept = config_map(real.subject, "kept");
    REQUIRE(real.client->create(kept, config_map_object("kept", {{"a", "1"}})));
    REQUIRE(set_finalizer(*real.client, kept, "fleet.nationtech.io/test", true));
    REQUIRE(real.client->remove({namespace_type(), "", home}));
    const auto late =
        real.client->create(config_map(real.subject, "late"), config_map_object("late", {{"a", "1"}}));
    REQUIRE_FALSE(late);
    CHECK(late.error().reason == Reason::NamespaceTerminating);
    REQUIRE(set_finalizer(*real.client, kept, "fleet.nationtech.io/test", false));
    REQUIRE(wait_until_gone(*real.client, {namespace_type(), "", home}, 60s));
}

TEST_CASE("a thousand watches share one thread and see the same changes") {
    // Each has a connection.
    rlimit files{};
    REQUIRE(getrlimit(RLIMIT_NOFILE, &files) == 0);
    files.rlim_cur = files.rlim_max;
    REQUIRE(setrlimit(RLIMIT_NOFILE, &files) == 0);
    Real real;
    const int before = threads_of_this_process();
    constexpr int kWatches = 1'000;
    std::vector<std::unique_ptr<Observer>> observers;
    std::vector<std::unique_ptr<Watch>> watches;
    for (int i = 0; i < kWatches; ++i) {
        observers.push_back(std::make_unique<Observer>());
        watches.push_back(
            real.client->watch({config_map_type(), real.name_space.name()}, observers.back()->handlers())
                .value());
    }
    for (auto& observer : observers)
        REQUIRE(observer->wait([](const Observer& o) { return o.caught_up == 1; }, 30s));
    REQUIRE(real.client->create(config_map(real.subject, "new"), config_map_object("new", {{"a", "1"}})));
    for (auto& observer : observers)
        REQUIRE(observer->wait([](const Observer& o) { return o.known.count("new") == 1; }, 30s));
    // Looking up a host name starts one more.
    CHECK(threads_of_this_process() <= before + 1);
}

TEST_CASE("a handler that calls the client is told so instead of waiting for itself") {
    Real real;
    std::atomic<int> reason{-1};
    WatchHandlers handlers;
    handlers.on_caught_up = [&] {
        const auto answer = real.client->get(config_map(real.subject, "any"));
        reason = static_cast<int>(answer.error().reason);
    };
    const auto watch = real.client->watch({config_map_type(), real.name_space.name()}, handlers).value();
    const auto deadline = std::chrono::steady_clock::now() + 10s;
    while (reason == -1 && std::chrono::steady_clock::now() < deadline)
        std::this_thread::sleep_for(5ms);
    CHECK(reason == static_cast<int>(Reason::Configuration));
}

TEST_CASE("a watch and a call ride out a restart of the API server") {
    Real real;
    Observer observer;
    WatchOptions options;
    options.retry_max = 500ms;
    const auto watch =
        real.client->watch({config_map_type(), real.name_space.name()}, observer.handlers(), options).value();
    REQUIRE(observer.wait([](const Observer& o) { return o.caught_up == 1; }, 10s));
    REQUIRE(
        real.client->create(config_map(real.subject, "before"), config_map_object("before", {{"a", "1"}})));
    REQUIRE(observer.wait([](const Observer& o) { return o.known.count("before") == 1; }, 10s));
    // Changes that this watch does not see make its version older than what the new server begins with.
    TestNamespace elsewhere(*real.client);

    bool restarted = false;
    std::thread restart([&] { restarted = run_cluster_command("restart kube-apiserver"); });
    const bool noticed = observer.wait([](const Observer& o) { return !o.troubles.empty(); }, 30s);
    CallLimits limits;
    limits.deadline = 60s;
    limits.attempts = 1'000;
    const auto during = real.client->get(config_map(real.subject, "before"), limits);
    restart.join();
    REQUIRE(restarted);
    CHECK(noticed);
    INFO((during ? std::string() : during.error().text()));
    CHECK(during);

    REQUIRE(real.other->create(config_map(real.subject, "after"), config_map_object("after", {{"a", "1"}})));
    REQUIRE(observer.wait(
        [](const Observer& o) { return o.known.count("after") == 1 && o.known.count("before") == 1; }, 30s));
    bool gone = false;
    REQUIRE(observer.wait(
        [&](const Observer& o) {
            for (const Failure& failure : o.troubles)
                gone = gone || failure.reason == Reason::Gone;
            return true;
        },
        1s));
    CHECK(gone);
    CHECK(watch->replays() == 2);
}
