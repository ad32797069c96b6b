#include <unistd.h>

#include <catch2/catch.hpp>
#include <thread>

#include "api_cluster.hpp"
#include "harmony/kubernetes/objects.hpp"

using namespace harmony::runtime::kubernetes;
using namespace harmony::runtime::kubernetes::testing;
using namespace std::chrono_literals;

namespace {

const char* const kServe =
    "mkdir -p /tmp/site; echo hello from a pod >/tmp/site/index.html; echo serving; "
    "exec busybox httpd -f -p 8080 -h /tmp/site";

// A pod that serves a page and has said so in its log.
struct ServingPod {
    ServingPod() {
        need_cluster();
        if (::geteuid() != 0) skip("a node needs root");
        client = connect(cluster_access());
        home = std::make_unique<TestNamespace>(*client);
        pod = {home->name(), "web"};
        const Json container{{"name", "web"},
                             {"image", "localhost/harmony/busybox:1"},
                             {"imagePullPolicy", "Never"},
                             {"command", {"/bin/sh", "-c", kServe}}};
        const Json spec{{"containers", Json::array({container})}, {"terminationGracePeriodSeconds", 0}};
        const auto created = client->create(
            ref(), {{"apiVersion", "v1"}, {"kind", "Pod"}, {"metadata", {{"name", "web"}}}, {"spec", spec}});
        INFO((created ? std::string() : created.error().text()));
        REQUIRE(created);
        const auto deadline = std::chrono::steady_clock::now() + 60s;
        while (client->logs(pod).value_or("") != "serving\n") {
            REQUIRE(std::chrono::steady_clock::now() < deadline);
            std::this_thread::sleep_for(100ms);
        }
    }

    [[nodiscard]] ObjectRef ref() const { return {{"", "v1", "pods", "Pod", true}, home->name(), "web"}; }

    std::unique_ptr<KubernetesClient> client;
    std::unique_ptr<TestNamespace> home;
    PodRef pod;
};

ExecRequest shell(const std::string& script) {
    return {{"/bin/sh", "-c", script}};
}

}  // namespace

TEST_CASE("a command in a pod gives its output, its errors and its exit code") {
    ServingPod web;
    const auto ran = exec(*web.client, web.pod, shell("echo out; echo err >&2; exit 3"));
    INFO((ran ? std::string() : ran.error().text()));
    REQUIRE(ran);
    CHECK(ran->exit_code == 3);
    CHECK(ran->standard_output == "out\n");
    CHECK(ran->standard_error == "err\n");
    CHECK(exec(*web.client, web.pod, shell("true")).value().exit_code == 0);

    const auto absent = exec(*web.client, web.pod, {{"/bin/absent"}});
    REQUIRE_FALSE(absent);
    INFO(absent.error().text());
    CHECK(absent.error().reason == Reason::Rejected);

    const auto nowhere = exec(*web.client, {web.home->name(), "nobody"}, shell("true"));
    REQUIRE_FALSE(nowhere);
    CHECK(nowhere.error().reason == Reason::NotFound);

    CallLimits limits;
    limits.deadline = 500ms;
    CHECK(exec(*web.client, web.pod, shell("sleep 60"), limits).error().reason == Reason::Timeout);
}

TEST_CASE("a large output of a command comes whole and in order") {
    ServingPod web;
    const auto ran = exec(*web.client, web.pod, shell("busybox seq 1 100000"));
    REQUIRE(ran);
    std::string expected;
    for (int i = 1; i <= 100'000; ++i)
        expected += std::to_string(i) + "\n";
    CHECK(ran->standard_output.size() == expected.size());
    CHECK(ran->standard_output == expected);
}

TEST_CASE("a command in a pod reads what it is sent") {
    ServingPod web;
    ExecRequest request = shell("read line; echo \"got $line\"");
    request.with_stdin = true;
    auto stream = web.client->channels(web.pod, request);
    REQUIRE(stream);
    REQUIRE((*stream)->send(0, "this\n", 5s));
    std::string output;
    while (output != "got this\n") {
        const auto message = (*stream)->receive(10s);
        REQUIRE(message);
        REQUIRE(*message);
        if ((*message)->channel == 1) output += (*message)->bytes;
    }
}

TEST_CASE("a forwarded port carries a request to the pod and its answer back") {
    ServingPod web;
    auto stream = web.client->channels(web.pod, PortForwardRequest{8080});
    INFO((stream ? std::string() : stream.error().text()));
    REQUIRE(stream);
    // Each of the two channels begins with the port.
    for (int i = 0; i < 2; ++i) {
        const auto message = (*stream)->receive(10s);
        REQUIRE(message);
        REQUIRE(*message);
        CHECK((*message)->bytes == std::string("\x90\x1f"));
    }
    REQUIRE((*stream)->send(0, "GET / HTTP/1.0\r\n\r\n", 5s));
    std::string answer;
    while (answer.find("hello from a pod") == std::string::npos) {
        const auto message = (*stream)->receive(10s);
        REQUIRE(message);
        REQUIRE(*message);
        CHECK((*message)->channel == 0);
        answer += (*message)->bytes;
    }
}

TEST_CASE("the log of a pod is cut to its last lines, and one of no container says so") {
    ServingPod web;
    LogOptions options;
    options.tail_lines = 0;
    CHECK(web.client->logs(web.pod, options).value().empty());
    options.container = "other";
    const auto refused = web.client->logs(web.pod, options);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().text().find("other") != std::string::npos);
}
