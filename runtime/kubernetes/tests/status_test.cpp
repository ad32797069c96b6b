#include "status.hpp"

#include <catch2/catch.hpp>

using namespace harmony::runtime::kubernetes;

namespace {

const CallName kPatch{"patch", "deployments.apps", "shop", "web"};

}  // namespace

TEST_CASE("a conflict of server-side apply names every field and its manager") {
    const auto failure = decode_failure(kPatch, 409, R"({"kind":"Status","reason":"Conflict","code":409,
        "message":"Apply failed with 2 conflicts","details":{"causes":[
        {"reason":"FieldManagerConflict","message":"conflict with \"kubectl\" using apps/v1","field":".spec.replicas"},
        {"reason":"FieldManagerConflict","message":"conflict with \"hpa\"","field":".spec.paused"}]}})");
    CHECK(failure.reason == Reason::Conflict);
    REQUIRE(failure.conflicts.size() == 2);
    CHECK(failure.conflicts[0].manager == "kubectl");
    CHECK(failure.conflicts[0].field == ".spec.replicas");
    CHECK(failure.conflicts[1].manager == "hpa");
    CHECK(failure.text() ==
          "patch deployments.apps shop/web: fields that other managers own: .spec.replicas (kubectl) "
          ".spec.paused (hpa); give them up there, or take them with force");
}

TEST_CASE("a stale resource version is a conflict without managers") {
    const auto failure =
        decode_failure(kPatch, 409, R"({"reason":"Conflict","message":"the object has been modified"})");
    CHECK(failure.reason == Reason::Conflict);
    CHECK(failure.conflicts.empty());
    CHECK(failure.text() == "patch deployments.apps shop/web: the object has been modified");
}

TEST_CASE("a missing permission is named with verb, resource and namespace") {
    const auto failure = decode_failure(
        {"list", "secrets", "shop", {}}, 403,
        R"({"reason":"Forbidden","message":"secrets is forbidden: User \"system:serviceaccount:shop:x\" cannot list resource \"secrets\" in API group \"\" in the namespace \"shop\""})");
    CHECK(failure.reason == Reason::Forbidden);
    CHECK(failure.error.kind() == harmony::ErrorKind::PermissionDenied);
    CHECK(failure.text() ==
          "list secrets in namespace shop: user \"system:serviceaccount:shop:x\" lacks the permission to "
          "list secrets "
          "in namespace \"shop\": a Role or ClusterRole with that verb and resource must be bound to it");
}

TEST_CASE("a quota and a namespace that ends are not taken for missing permissions") {
    CHECK(
        decode_failure(
            kPatch, 403,
            R"({"reason":"Forbidden","message":"pods \"a\" is forbidden: exceeded quota: small, requested: pods=1"})")
            .reason == Reason::QuotaExceeded);
    CHECK(
        decode_failure(
            kPatch, 403,
            R"({"reason":"Forbidden","message":"x is forbidden: unable to create new content in namespace shop because it is being terminated"})")
            .reason == Reason::NamespaceTerminating);
    CHECK(
        decode_failure(
            kPatch, 403,
            R"({"reason":"Forbidden","message":"no","details":{"causes":[{"reason":"NamespaceTerminating"}]}})")
            .reason == Reason::NamespaceTerminating);
}

TEST_CASE("an invalid object lists its fields") {
    const auto failure =
        decode_failure(kPatch, 422, R"({"reason":"Invalid","code":422,"message":"long","details":{"causes":[
        {"reason":"FieldValueInvalid","message":"Invalid value: -1","field":"spec.replicas"},
        {"reason":"FieldValueRequired","message":"Required value","field":"spec.selector"}]}})");
    CHECK(failure.reason == Reason::Invalid);
    REQUIRE(failure.problems.size() == 2);
    CHECK(failure.problems[1].field == "spec.selector");
    CHECK(failure.text() ==
          "patch deployments.apps shop/web: the server refuses spec.replicas: Invalid value: -1; "
          "spec.selector: Required value");
}

TEST_CASE("what exists and what changed are told apart although both are 409") {
    CHECK(decode_failure(kPatch, 409, R"({"reason":"AlreadyExists"})").reason == Reason::AlreadyExists);
    CHECK(decode_failure(kPatch, 410, R"({"reason":"Expired"})").reason == Reason::Gone);
    CHECK(decode_failure(kPatch, 404, "404 page not found").reason == Reason::NotFound);
    CHECK(decode_failure(kPatch, 503, "").reason == Reason::Unavailable);
    CHECK(decode_failure(kPatch, 418, "").reason == Reason::Rejected);
}

TEST_CASE("the server's wish to wait is kept, from the header or the body, within an hour") {
    CHECK(decode_failure(kPatch, 429, "", "7").retry_after == std::chrono::seconds(7));
    CHECK(decode_failure(kPatch, 429, R"({"details":{"retryAfterSeconds":3}})").retry_after ==
          std::chrono::seconds(3));
    CHECK(parse_retry_after("999999999") == std::chrono::seconds(3'600));
    CHECK_FALSE(parse_retry_after("-1"));
    CHECK_FALSE(parse_retry_after("Wed, 21 Oct 2015 07:28:00 GMT"));
    CHECK_FALSE(parse_retry_after(""));
}

TEST_CASE("what a server quotes of a Secret does not reach an error") {
    const auto failure = decode_failure(
        {"create", "secrets", "shop", {}}, 400,
        R"({"reason":"BadRequest","message":"Secret in version \"v1\" cannot be handled as a Secret: illegal base64, error found in #10 byte of ...|\"hunter2\"|..., bigger context hunter2"})");
    CHECK(failure.text().find("hunter2") == std::string::npos);
    CHECK(failure.text().find("illegal base64") != std::string::npos);
}

TEST_CASE("foreign text becomes one line of bounded length") {
    CHECK(foreign_text("a\nb\x1b[31m") == "a b [31m");
    CHECK(foreign_text(std::string(5'000, 'x')).size() == 1'003);
}

TEST_CASE("the end of a signed token is read, of anything else nothing") {
    // {"alg":"none"} . {"exp":1577836800}
    const std::string claims = "eyJleHAiOjE1Nzc4MzY4MDB9";
    CHECK(token_expiry("e30." + claims + ".sig") == 1'577'836'800);
    CHECK_FALSE(token_expiry("e30.e30.sig"));
    CHECK_FALSE(token_expiry("opaque"));
    CHECK_FALSE(token_expiry("a.!!!.b"));
    CHECK_FALSE(token_expiry("a." + claims));
}
