#include <catch2/catch.hpp>

#include "channel_frames.hpp"
#include "exec_plugin.hpp"
#include "retry.hpp"

using namespace harmony::runtime::kubernetes;

TEST_CASE("a channel frame is its channel and the rest") {
    const std::string message = encode_channel_frame(kStderr, "no\n");
    CHECK(message == std::string("\x02no\n"));
    const auto frame = decode_channel_frame(message).value();
    CHECK(frame.channel == kStderr);
    CHECK(frame.bytes == "no\n");
    CHECK(decode_channel_frame(std::string("\x00", 1)).value().bytes.empty());
    CHECK_FALSE(decode_channel_frame(""));
}

TEST_CASE("the end of a command is its exit code, or why it could not start") {
    CHECK(decode_exec_status(R"({"status":"Success"})").value() == 0);
    CHECK(decode_exec_status(R"({"status":"Failure","reason":"NonZeroExitCode","details":{"causes":[
        {"reason":"ExitCode","message":"3"}]}})")
              .value() == 3);
    const auto refused = decode_exec_status(R"({"status":"Failure","message":"no such file"})");
    CHECK(refused.error().reason == Reason::Rejected);
    CHECK(refused.error().text() == "exec: no such file");
    for (const char* text : {"", "[]", "{}", R"({"status":1})"}) {
        INFO(text);
        CHECK(decode_exec_status(text).error().reason == Reason::Malformed);
    }
    CHECK_FALSE(decode_exec_status(
        R"({"status":"Failure","details":{"causes":[1,{"reason":"ExitCode","message":"x"}]}})"));
}

TEST_CASE("the first frame of a forwarded port is its number") {
    CHECK(decode_port_frame(std::string("\x90\x1f", 2)) == 8080);
    CHECK_FALSE(decode_port_frame("\x90"));
}

TEST_CASE("a plugin's credential is taken with its end") {
    ExecPlugin plugin;
    plugin.command = "get-token";
    plugin.api_version = "client.authentication.k8s.io/v1";
    const auto credential = decode_exec_credential(plugin, R"({"apiVersion":"client.authentication.k8s.io/v1",
        "kind":"ExecCredential","status":{"token":"sesame","expirationTimestamp":"2020-01-01T01:00:00+01:00"}})")
                                .value();
    CHECK(credential.token == "sesame");
    CHECK(credential.expires_at == 1'577'836'800);
    for (
        const char* text :
        {"", "hunter2",
         R"({"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1beta1","status":{"token":"hunter2"}})",
         R"({"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","status":{}})",
         R"({"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","status":{"clientKeyData":"hunter2"}})",
         R"({"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","status":{"token":"hunter2","expirationTimestamp":"soon"}})"}) {
        INFO(text);
        const auto refused = decode_exec_credential(plugin, text);
        REQUIRE_FALSE(refused);
        CHECK(refused.error().reason == Reason::Configuration);
        CHECK(refused.error().text().find("hunter2") == std::string::npos);
    }
}

TEST_CASE("a plugin learns of the cluster only where it asks for it") {
    ClusterAccess access;
    access.host = "::1";
    access.port = 6443;
    access.token = "hunter2";
    ExecPlugin plugin;
    plugin.api_version = "client.authentication.k8s.io/v1";
    CHECK(exec_info(plugin, access).find("::1") == std::string::npos);
    plugin.provide_cluster_info = true;
    CHECK(exec_info(plugin, access).find(R"("server":"https://[::1]:6443")") != std::string::npos);
    CHECK(exec_info(plugin, access).find("hunter2") == std::string::npos);
    CHECK(exec_info(plugin, access).find("certificate-authority-data") == std::string::npos);
    access.authority_pem = "the authority";
    CHECK(exec_info(plugin, access).find(R"("certificate-authority-data":"dGhlIGF1dGhvcml0eQ==")") !=
          std::string::npos);
}

TEST_CASE("times are read with fractions and offsets") {
    CHECK(parse_time("2020-01-01T00:00:00Z") == 1'577'836'800);
    CHECK(parse_time("2020-01-01T00:00:00.123456Z") == 1'577'836'800);
    CHECK(parse_time("2019-12-31T19:00:00-05:00") == 1'577'836'800);
    CHECK_FALSE(parse_time("2020-01-01"));
    CHECK_FALSE(parse_time("2020-01-01T00:00:00"));
    CHECK_FALSE(parse_time("2020-01-01T00:00:00Zulu"));
}

TEST_CASE("a call is repeated where it is safe, as late as the server says, and not for ever") {
    const Attempt first{1, 3, true};
    const Failure away = make_failure(Reason::Unreachable, "refused");
    CHECK(delay_before_retry(away, first, 0.9)->count() < 100);
    CHECK_FALSE(delay_before_retry(away, {3, 3, true}, 0.9));

    Failure busy = make_failure(Reason::Unavailable, "busy");
    busy.status = 429;
    busy.retry_after = std::chrono::seconds(2);
    CHECK(delay_before_retry(busy, {1, 3, false}, 0.9) == std::chrono::milliseconds(2'000));

    for (const Reason reason : {Reason::Forbidden, Reason::Conflict, Reason::Invalid, Reason::Unauthorized,
                                Reason::UntrustedServer, Reason::Timeout, Reason::NotFound, Reason::Gone}) {
        CHECK_FALSE(delay_before_retry(make_failure(reason, "no"), first, 0.9));
    }
}

TEST_CASE("a create whose fate is unknown is not repeated") {
    const Attempt create{1, 3, false};
    Failure lost = make_failure(Reason::Unavailable, "lost");
    lost.maybe_done = true;
    CHECK_FALSE(delay_before_retry(lost, create, 0.5));
    lost.status = 503;  // without Retry-After: some proxy on the way
    CHECK_FALSE(delay_before_retry(lost, create, 0.5));
    CHECK(delay_before_retry(make_failure(Reason::Unreachable, "refused"), create, 0.5));
}
