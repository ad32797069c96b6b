#include <catch2/catch.hpp>

#include "apply_order.hpp"
#include "inventory.hpp"
#include "object_diff.hpp"

using namespace harmony::cluster;

namespace {

json deployment(const std::string& image) {
    return {{"apiVersion", "apps/v1"},
            {"kind", "Deployment"},
            {"metadata", {{"name", "web"}}},
            {"spec", {{"template", {{"spec", {{"containers", {{{"name", "web"}, {"image", image}}}}}}}}}}};
}

}  // namespace

TEST_CASE("a changed image is one difference, named by its container") {
    const json live = deployment("web:1");
    const json next = deployment("web:2");
    const auto found = object_diff(live, next, next);
    REQUIRE(found.size() == 1);
    CHECK(found[0].path == "spec.template.spec.containers[web].image");
    CHECK(found[0].before == json("web:1"));
    CHECK(found[0].after == json("web:2"));
}

TEST_CASE("what the server keeps for itself and adds by itself is no difference") {
    json live = deployment("web:1");
    json merged = live;
    merged["metadata"]["resourceVersion"] = "8";
    merged["metadata"]["managedFields"] = json::array({"x"});
    merged["status"] = {{"replicas", 1}};
    merged["spec"]["progressDeadlineSeconds"] = 600;
    CHECK(object_diff(live, merged, deployment("web:1")).empty());
    merged["spec"]["paused"] = true;
    json desired = deployment("web:1");
    desired["spec"]["paused"] = true;
    const auto found = object_diff(live, merged, desired);
    REQUIRE(found.size() == 1);
    CHECK(found[0].path == "spec.paused");
    CHECK_FALSE(found[0].before);
}

TEST_CASE("what goes away is a difference though nobody asks for it any more") {
    json live = deployment("web:1");
    live["spec"]["template"]["spec"]["containers"].push_back({{"name", "helper"}, {"image", "h:1"}});
    const auto found = object_diff(live, deployment("web:1"), deployment("web:1"));
    REQUIRE(found.size() == 1);
    CHECK(found[0].path == "spec.template.spec.containers[helper]");
    CHECK_FALSE(found[0].after);
}

TEST_CASE("elements in another order are a difference of the list") {
    json first = {{"spec", {{"initContainers", {{{"name", "a"}}, {{"name", "b"}}}}}}};
    json second = {{"spec", {{"initContainers", {{{"name", "b"}}, {{"name", "a"}}}}}}};
    const auto found = object_diff(first, second, second);
    REQUIRE(found.size() == 1);
    CHECK(found[0].path == "spec.initContainers");
}

TEST_CASE("nothing of a Secret's content is shown, not in a change and not in a creation") {
    const json old_secret{{"kind", "Secret"}, {"metadata", {{"name", "keys"}}}, {"data", {{"a", "b2xk"}}}};
    json new_secret = old_secret;
    new_secret["data"] = {{"a", "bmV3"}, {"b", "bmV3"}};
    new_secret["stringData"] = {{"c", "hunter2"}};
    for (const auto& found : {object_diff(old_secret, new_secret, new_secret), creation_diff(new_secret)}) {
        int sensitive = 0;
        for (const auto& each : found) {
            const std::string shown =
                (each.before ? each.before->dump() : "") + (each.after ? each.after->dump() : "");
            CHECK(shown.find("bmV3") == std::string::npos);
            CHECK(shown.find("hunter2") == std::string::npos);
            sensitive += each.sensitive ? 1 : 0;
        }
        CHECK(sensitive == 3);
    }
}

TEST_CASE("namespaces and definitions go first, what others refer to next, workloads late") {
    const std::vector<json> objects{{{"kind", "Deployment"}}, {{"kind", "Widget"}},
                                    {{"kind", "Secret"}},     {{"kind", "Namespace"}},
                                    {{"kind", "Service"}},    {{"kind", "CustomResourceDefinition"}}};
    CHECK(apply_order(objects) == std::vector<std::size_t>{3, 5, 2, 4, 0, 1});
}

TEST_CASE("labels tell ours from those of another context or Score, and from nobody's") {
    const auto with = [](Labels labels) { return json{{"metadata", {{"labels", labels}}}}; };
    const auto ours = owner_labels("bench", {.score = "WebScore", .part_of = "shop"});
    CHECK_FALSE(other_owner(with(ours), "bench", "WebScore"));
    CHECK_FALSE(other_owner(with({}), "bench", "WebScore"));
    CHECK(other_owner(with(ours), "field", "WebScore") == "context bench");
    CHECK(other_owner(with(ours), "bench", "MailScore") == "Score WebScore of this context");
    CHECK(carries(with(ours), context_labels("bench")));
    CHECK_FALSE(carries(with(ours), context_labels("field")));
    CHECK(check_owner({.score = "WebScore"}));
    CHECK(check_owner({.score = "not a label"}).error().path == "owner.score");
    CHECK(check_owner({.score = "WebScore", .part_of = std::string(64, 'a')}).error().path ==
          "owner.part_of");
}
