#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "harmony/contracts/podman_v0.hpp"

using namespace harmony::contracts;
using Json = nlohmann::json;

namespace {

// A minimal score with one change to its only service.
std::string with(const std::string& member, const Json& value) {
    Json service{{"name", "app"}, {"image", "nginx"}};
    service[member] = value;
    const auto answer = PodmanV0::decode(Json{{"services", {service}}}.dump());
    return answer ? std::string("accepted") : answer.error().text();
}
std::string refusal(const std::string& json) {
    const auto answer = PodmanV0::decode(json);
    return answer ? std::string("accepted") : answer.error().text();
}

}  // namespace

TEST_CASE("a port mapping has a host port, a container port, and perhaps an address and a protocol") {
    CHECK(PortMapping::parse("8080:80/tcp").value() == PortMapping{"", 8080, 80, PortProtocol::Tcp});
    CHECK(PortMapping::parse("53:53/udp").value() == PortMapping{"", 53, 53, PortProtocol::Udp});
    CHECK(PortMapping::parse("127.0.0.1:8080:80").value().host_ip == "127.0.0.1");
    CHECK(PortMapping::parse("[::1]:8080:80").value().format() == "[::1]:8080:80/tcp");
    for (const auto* bad :
         {"", "80", ":80", "80:", "0:80", "80:65536", "a:80", "80:80/sctp", "80:80/", "300.0.0.1:80:80",
          "[::1:80:80", "::1:80:80", "1:2:3:4", "80:80/tcp/udp", "+1:80"}) {
        INFO(bad);
        CHECK_FALSE(PortMapping::parse(bad).has_value());
    }
}

TEST_CASE("two mappings that need the same host port overlap") {
    const auto overlap = [](const char* a, const char* b) {
        return PortMapping::parse(a).value().overlaps(PortMapping::parse(b).value());
    };
    CHECK(overlap("80:80", "80:81"));
    CHECK(overlap("127.0.0.1:80:80", "80:80"));
    CHECK(overlap("127.0.0.1:80:80", "0.0.0.0:80:80"));
    CHECK_FALSE(overlap("127.0.0.1:80:80", "127.0.0.2:80:80"));
    CHECK_FALSE(overlap("80:80/tcp", "80:80/udp"));
    CHECK_FALSE(overlap("80:80", "81:80"));
}

TEST_CASE("a volume binds an absolute path to an absolute path") {
    CHECK(VolumeMount::parse("/a:/b:ro").value() == VolumeMount{"/a", "/b", true});
    CHECK(VolumeMount::parse("/a:/b").value() == VolumeMount{"/a", "/b", false});
    CHECK(VolumeMount::parse("/a:/b:rw").value().format() == "/a:/b");
    for (const auto* bad :
         {"", "/a", "a:/b", "/a:b", "/a:/b:x", "/a:/b:ro:z", "/a/../c:/b", "/a:/b/..", ":", "/a:"}) {
        INFO(bad);
        CHECK_FALSE(VolumeMount::parse(bad).has_value());
    }
}

TEST_CASE("an image is a reference that a registry could have") {
    for (const auto* good : {"nginx", "nginx:1.25", "library/nginx", "localhost/web:latest",
                             "registry.example:5000/a/b-c/d_e:V1.0", "10.0.0.1:5000/x",
                             "a@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"}) {
        INFO(good);
        CHECK(with("image", good) == "accepted");
    }
    for (const auto* bad : {"", " ", "Nginx", "a b", "a:", "a:b:c", "/a", "a/", "a//b", "a@sha256:zz",
                            "http://a/b", "a:-x", "-a", "a\n"}) {
        INFO(bad);
        CHECK_THAT(with("image", bad), Catch::StartsWith("services[0].image: found "));
    }
}

TEST_CASE("a refused field of a service is named") {
    CHECK_THAT(with("name", "Not_good"),
               Catch::StartsWith(R"(services[0].name: found "Not_good", expected )"));
    CHECK(with("restart_policy", "never") ==
          R"(services[0].restart_policy: found "never", expected always, on-failure or no)");
    CHECK_THAT(with("ports", {"80"}), Catch::StartsWith(R"(services[0].ports[0]: found "80", expected )"));
    CHECK_THAT(with("volumes", {"/a"}),
               Catch::StartsWith(R"(services[0].volumes[0]: found "/a", expected )"));
    CHECK(with("args", {1}) == "services[0].args[0]: found 1, expected a text of at most 65536 bytes");
    CHECK_THAT(with("env", Json{{"A=B", "x"}}), Catch::StartsWith(R"(services[0].env["A=B"]: expected )"));
    CHECK(refusal("{}") == "services: missing, expected an array");
    CHECK(refusal(R"({"services":[]})") == "services: holds no items, expected at least 1");
    CHECK(refusal(R"({"services":[{"name":"a"}]})") ==
          "services[0].image: missing, expected a text of 1 to 512 bytes");
}

TEST_CASE("a refused environment value is not shown") {
    const auto message = with("env", Json{{"PASSWORD", Json::array({"hunter2"})}});
    CHECK(message == R"(services[0].env["PASSWORD"]: expected a text)");
    CHECK_THAT(with("env", Json{{"PASSWORD", std::string("hunter2\0x", 9)}}), !Catch::Contains("hunter2"));
}

TEST_CASE("containers of one score have different names and host ports") {
    CHECK_THAT(refusal(R"({"services":[{"name":"a","image":"x"},{"name":"a","image":"x"}]})"),
               Catch::StartsWith(R"(services[1].name: found "a", expected a name that no other)"));
    CHECK_THAT(
        refusal(R"({"services":[{"name":"a","image":"x"}],"init_containers":[{"name":"a","image":"x"}]})"),
        Catch::StartsWith(R"(init_containers[0].name: found "a", expected )"));
    CHECK(refusal(R"({"services":[{"name":"a","image":"x","ports":["80:1"]},
                                  {"name":"b","image":"x","ports":["81:1","80:2"]}]})") ==
          R"(services[1].ports[1]: found "80:2/tcp", whose host port is taken by "80:1/tcp")");
}

TEST_CASE("what a score leaves out has its default") {
    const auto score = PodmanV0::decode(R"({"services":[{"name":"a","image":"x"}],
                                            "init_containers":[{"name":"i","image":"x"}]})")
                           .value();
    CHECK(score.services[0].restart_policy == RestartPolicy::Always);
    CHECK(score.init_containers[0].timeout == std::chrono::seconds{300});
    CHECK(score.lifecycle.stop_signal == "SIGTERM");
    CHECK(score.lifecycle.grace_period == std::chrono::seconds{30});
    CHECK(PodmanV0::decode(R"({"services":[{"name":"a","image":"x"}]})").value().init_containers.empty());
}

TEST_CASE("lifecycle and timeouts stay in their ranges") {
    const auto life = [](const std::string& lifecycle) {
        return refusal(R"({"services":[{"name":"a","image":"x"}],"lifecycle":)" + lifecycle + "}");
    };
    CHECK(life(R"({"stop_signal":"SIGINT","grace_period_secs":0})") == "accepted");
    CHECK_THAT(life(R"({"stop_signal":"TERM"})"), Catch::StartsWith("lifecycle.stop_signal: found \"TERM\""));
    CHECK(life(R"({"grace_period_secs":-1})") ==
          "lifecycle.grace_period_secs: found -1, expected a whole number from 0 to 3600");
    CHECK(life(R"({"grace_period_secs":1.5})") ==
          "lifecycle.grace_period_secs: found 1.5, expected a whole number from 0 to 3600");
}

TEST_CASE("a score of another type is refused, with the type") {
    CHECK(PodmanV0::from_score({"Other", "{}"}).error().text() ==
          R"(type: found "Other", expected PodmanV0)");
    CHECK(check_score({"Other", "{}"}, "spec.score").error().text() ==
          R"(spec.score.type: found "Other", expected PodmanV0)");
    CHECK(check_score({"PodmanV0", "{}"}, "spec.score").error().text() ==
          "spec.score.data.services: missing, expected an array");
}
