#include <catch2/catch.hpp>

#include "call_shape.hpp"
#include "harmony/kubernetes/resource.hpp"
#include "server_url.hpp"

using namespace harmony::runtime::kubernetes;

namespace {

const ResourceType kDeployments{"apps", "v1", "deployments", "Deployment", true};
const ResourceType kNodes{"", "v1", "nodes", "Node", false};

}  // namespace

TEST_CASE("objects of groups, of the core, and of the cluster have their paths") {
    CHECK(object_path({kDeployments, "shop", "web"}).value() ==
          "/apis/apps/v1/namespaces/shop/deployments/web");
    CHECK(object_path({kDeployments, "shop", "web"}, "status").value() ==
          "/apis/apps/v1/namespaces/shop/deployments/web/status");
    CHECK(object_path({kNodes, "", "one"}).value() == "/api/v1/nodes/one");
    CHECK(collection_path(kDeployments, "").value() == "/apis/apps/v1/deployments");
    // Names of roles may hold a colon.
    CHECK(object_path({kNodes, "", "system:x"}).value() == "/api/v1/nodes/system%3Ax");
}

TEST_CASE("a name can't lead to another path") {
    for (const char* name : {"", ".", "..", "a/b", "a%2fb", "a b", "a\nb", "\xc3\xa4"}) {
        INFO(name);
        CHECK(object_path({kDeployments, "shop", name}).error().reason == Reason::Configuration);
        CHECK_FALSE(object_path({kDeployments, "shop", "web"}, std::string(name) + "/x"));
    }
    CHECK_FALSE(object_path({kDeployments, "shop", std::string(254, 'a')}));
    CHECK_FALSE(object_path({kDeployments, "../kube-system", "web"}));
}

TEST_CASE("a namespace is needed where there is one, and refused where there is none") {
    CHECK(object_path({kDeployments, "", "web"}).error().text() == "Deployment web: a namespace is needed");
    CHECK_FALSE(object_path({kNodes, "shop", "one"}));
    CHECK_FALSE(shape_create({kDeployments, "", ""}, Json::object(), {}));
}

TEST_CASE("a query encodes its values and leaves empty ones out") {
    CHECK(query({{"labelSelector", "a=b,c in (d)"}, {"continue", ""}}) ==
          "?labelSelector=a%3Db%2Cc%20in%20%28d%29");
    CHECK(query({{"continue", ""}}).empty());
}

TEST_CASE("the address of a server is https, with port and path") {
    const auto plain = parse_server_url("server", "https://edge.example").value();
    CHECK(plain.host == "edge.example");
    CHECK(plain.port == 443);
    const auto full = parse_server_url("server", "https://[::1]:6443/k8s/clusters/a/").value();
    CHECK(full.host == "::1");
    CHECK(full.port == 6443);
    CHECK(full.path_prefix == "/k8s/clusters/a");
    for (const char* text :
         {"http://edge.example", "edge.example", "https://", "https://a:0", "https://a:99999", "https://a:x",
          "https://[::1", "https://a?x", "https://a b", "https://[::1]6443"}) {
        INFO(text);
        CHECK(parse_server_url("server", text).error().reason == Reason::Configuration);
    }
}

TEST_CASE("a password in a server's address is not repeated") {
    const auto failure = parse_server_url("server", "https://ada:hunter2@edge.example").error();
    CHECK(failure.text().find("hunter2") == std::string::npos);
}

TEST_CASE("an apply is a patch with manager, force and dry run") {
    WriteOptions options{"harmony", true, true};
    const auto shaped =
        shape_patch({kDeployments, "shop", "web"}, PatchKind::Apply, Json{{"a", 1}}, options).value();
    CHECK(shaped.request.method == "PATCH");
    CHECK(shaped.request.content_type == "application/apply-patch+yaml");
    CHECK(shaped.request.target ==
          "/apis/apps/v1/namespaces/shop/deployments/web?fieldManager=harmony&force=true&dryRun=All");
    CHECK(shaped.request.body == R"({"a":1})");
    CHECK(shaped.request.repeatable);
}

TEST_CASE("a create that is stored must not be sent twice, everything else may") {
    const ObjectRef ref{kDeployments, "shop", "web"};
    CHECK_FALSE(shape_create(ref, Json::object(), {}).value().request.repeatable);
    CHECK(shape_replace(ref, Json::object(), {}).value().request.repeatable);
    CHECK(shape_remove(ref, {}).value().request.repeatable);
    CHECK_FALSE(shape_patch(ref, PatchKind::JsonPatch, Json::array(), {}).value().request.repeatable);
}

TEST_CASE("a delete carries propagation, grace and the uid it is meant for") {
    DeleteOptions options;
    options.propagation = Propagation::Foreground;
    options.grace_period_s = 0;
    options.uid = "u-1";
    const auto body = Json::parse(shape_remove({kDeployments, "shop", "web"}, options).value().request.body);
    CHECK(body["propagationPolicy"] == "Foreground");
    CHECK(body["gracePeriodSeconds"] == 0);
    CHECK(body["preconditions"]["uid"] == "u-1");
    CHECK_FALSE(body.contains("dryRun"));
}

TEST_CASE("an exec keeps every argument, also an empty one") {
    const auto shaped =
        shape_channels({"shop", "web-0"}, ExecRequest{{"sh", "-c", "", "a&b"}, "main"}).value();
    CHECK(shaped.request.target ==
          "/api/v1/namespaces/shop/pods/web-0/exec?container=main&stdout=true&stderr=true"
          "&command=sh&command=-c&command=&command=a%26b");
    CHECK_FALSE(shape_channels({"shop", "web-0"}, ExecRequest{}));
    CHECK_FALSE(shape_channels({"shop", "web-0"}, PortForwardRequest{}));
}

TEST_CASE("a text that is not UTF-8 is refused before it is sent") {
    const auto failure = shape_replace({kDeployments, "shop", "web"}, Json{{"a", "\xff"}}, {}).error();
    CHECK(failure.text() == "update deployments.apps shop/web: a text in the object is not UTF-8");
}

TEST_CASE("discovery takes a version or a group with one") {
    CHECK(shape_discover("v1").value().request.target == "/api/v1");
    CHECK(shape_discover("apps/v1").value().request.target == "/apis/apps/v1");
    for (const char* text : {"", "/v1", "apps/", "a/b/c"}) {
        INFO(text);
        CHECK_FALSE(shape_discover(text));
    }
}
