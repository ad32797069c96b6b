#include "libpod_json.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "errors.hpp"

namespace harmony::runtime::podman {

TEST_CASE("a container's specification becomes libpod's document") {
    ContainerSpec spec;
    spec.name = "web";
    spec.image = "i";
    spec.ports = {{.host_ip = "127.0.0.1", .host_port = 8080, .container_port = 80}};
    spec.mounts = {{.source = "/a", .destination = "/b", .read_only = true}};
    spec.restart_policy = RestartPolicy::Always;
    spec.stop_signal = "SIGINT";
    const auto body = nlohmann::json::parse(encode_create(spec));
    CHECK(body["portmappings"][0] ==
          nlohmann::json::parse(
              R"({"container_port":80,"host_ip":"127.0.0.1","host_port":8080,"protocol":"tcp"})"));
    CHECK(body["mounts"][0]["options"] == nlohmann::json::array({"rbind", "ro"}));
    CHECK(body["restart_policy"] == "always");
    CHECK(body["stop_signal"] == 2);
    CHECK_FALSE(body.contains("command"));
}

TEST_CASE("answers that are not libpod's are corrupt, never a crash") {
    for (const char* bad :
         {"", "null", "[]", "{}", "x", "[1]", R"({"Id":5,"State":"x"})", R"([{"Names":[1]}])"}) {
        INFO(bad);
        CHECK_FALSE(decode_inspect(bad));
        CHECK_FALSE(decode_created(bad));
        CHECK_FALSE(decode_info(bad));
        const auto list = decode_list(bad);
        CHECK((!list || list->empty()));
        const auto event = decode_event(bad);
        CHECK((!event || !*event));
    }
}

TEST_CASE("times of libpod become seconds") {
    const auto at = [](const std::string& time) {
        return decode_inspect(R"({"Id":"a","State":{"Status":"running","StartedAt":")" + time + R"("}})")
            ->started_at;
    };
    CHECK(at("1970-01-02T00:00:00Z") == 86'400);
    CHECK(at("1970-01-02T02:00:00.123456789+02:00") == 86'400);
    CHECK(at("1970-01-01T22:30:00-01:30") == 86'400);
    CHECK(at("0001-01-01T00:00:00Z") == 0);
    CHECK(at("soon") == 0);
}

TEST_CASE("podman's refusals keep their words and get a kind") {
    CHECK(refusal(404, "no such container", "x").kind() == ErrorKind::NotFound);
    CHECK(refusal(409, "conflict", "x").kind() == ErrorKind::Conflict);
    CHECK(refusal(500, "the container name \"a\" is already in use", "x").kind() == ErrorKind::Conflict);
    CHECK(refusal(500, "rootlessport listen tcp: bind: address already in use", "x").kind() ==
          ErrorKind::Conflict);
    CHECK(refusal(500, "boom", "start web").text() == "start web: podman: boom");
    CHECK(pull_failure("manifest unknown", "x").kind() == ErrorKind::NotFound);
    CHECK(pull_failure("dial tcp: connect: connection refused", "x").kind() == ErrorKind::Unavailable);
    CHECK(decode_error_message(R"({"cause":"a","message":"b","response":500})") == "b");
    CHECK(decode_error_message("plain words") == "plain words");
}

TEST_CASE("every stop signal of the contract has a number, and an unknown one none") {
    for (const char* name : {"SIGTERM", "SIGINT", "SIGQUIT", "SIGHUP", "SIGKILL", "SIGUSR1", "SIGUSR2",
                             "SIGABRT", "SIGALRM", "SIGCONT", "SIGWINCH", "SIGRTMIN+3"}) {
        INFO(name);
        CHECK(signal_number(name) > 0);
    }
    CHECK(signal_number("SIGRTMIN+3") == 37);
    CHECK(signal_number("SIGFOO") == 0);
}

TEST_CASE("a container tells the grace period it was created with") {
    const auto container =
        decode_inspect(R"({"Id":"a","State":{"Status":"running"},"Config":{"StopTimeout":90}})");
    REQUIRE(container);
    CHECK(container->stop_timeout == std::chrono::seconds(90));
}

}  // namespace harmony::runtime::podman
