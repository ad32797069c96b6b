#include "harmony/podman/registry_auth.hpp"

#include <catch2/catch.hpp>

#include "errors.hpp"

namespace harmony::runtime::podman {

namespace {

// "fleet:hidden", "team:hidden2" and "hub:hidden3".
const std::string kFile = R"({"auths":{
    "registry.example.com:5000":{"auth":"ZmxlZXQ6aGlkZGVu"},
    "registry.example.com:5000/team":{"auth":"dGVhbTpoaWRkZW4y"},
    "https://index.docker.io/v1/":{"auth":"aHViOmhpZGRlbjM="},
    "token.example.com":{"identitytoken":"hidden4"}}})";

std::string problem(const std::string& text) {
    const auto auths = RegistryAuths::decode(text, "auth.json");
    REQUIRE_FALSE(auths);
    CHECK(auths.error().kind() == ErrorKind::InvalidInput);
    CHECK(auths.error().text().find("hidden") == std::string::npos);
    return auths.error().text();
}

}  // namespace

TEST_CASE("an image gets the credentials of the longest part of its name") {
    const auto auths = RegistryAuths::decode(kFile, "auth.json");
    REQUIRE(auths);
    CHECK(auths->size() == 4);
    const auto user_of = [&](const char* image) {
        const RegistryCredentials* found = auths->find(image);
        return found == nullptr ? std::string("none") : found->user;
    };
    CHECK(user_of("registry.example.com:5000/app:1") == "fleet");
    CHECK(user_of("registry.example.com:5000/team/app:1") == "team");
    CHECK(user_of("registry.example.com:5000/team") == "team");
    CHECK(user_of("registry.example.com:5000/team:1") == "team");
    CHECK(user_of("registry.example.com:5000/teams/app@sha256:00") == "fleet");
    CHECK(user_of("docker.io/library/busybox:1") == "hub");
    CHECK(user_of("registry.example.com/app:1") == "none");
    CHECK(user_of("evil.example.com/registry.example.com:5000/app") == "none");
    CHECK(user_of("busybox") == "none");
    CHECK(user_of("team/app:1") == "none");
    CHECK(auths->find("token.example.com/x")->identity_token == "hidden4");
}

TEST_CASE("a file of credentials that is none is refused without showing a value") {
    using Catch::Contains;
    CHECK_THAT(problem(""), Contains("auth.json"));
    CHECK_THAT(problem("[]"), Contains("auths"));
    CHECK_THAT(problem("{}"), Contains("auths"));
    CHECK_THAT(problem(R"({"auths":{"r.example.com":"hidden"}})"), Contains("auths.r.example.com"));
    CHECK_THAT(problem(R"({"auths":{"r.example.com":{}}})"), Contains("auths.r.example.com.auth"));
    CHECK_THAT(problem(R"({"auths":{"r.example.com":{"auth":"hidden!"}}})"), Contains(".auth"));
    CHECK_THAT(problem(R"({"auths":{"r.example.com":{"auth":"aGlkZGVu"}}})"), Contains("<user>:<password>"));
    CHECK_THAT(problem(R"({"auths":{},"credsStore":"secretservice"})"), Contains("credsStore"));
}

TEST_CASE("credentials become libpod's header, in the alphabet for addresses") {
    CHECK(encode_registry_auth({"u", "p", ""}) == "eyJwYXNzd29yZCI6InAiLCJ1c2VybmFtZSI6InUifQ==");
    CHECK(encode_registry_auth({"", "", "t"}) == "eyJpZGVudGl0eXRva2VuIjoidCJ9");
    const std::string odd = encode_registry_auth({"\xc3\xbf\xc3\xbf\xc3\xbf", "?>?>~~", ""});
    CHECK(odd.find_first_of("+/") == std::string::npos);
}

TEST_CASE("registries are told from short names, and those of this machine from others") {
    CHECK(registry_of("r.example.com/a/b:1") == "r.example.com");
    CHECK(registry_of("localhost:5000/a") == "localhost:5000");
    CHECK(registry_of("library/busybox").empty());
    CHECK(registry_of("busybox:1").empty());
    CHECK(is_loopback_registry("127.0.0.1:5000"));
    CHECK(is_loopback_registry("127.1.2.3"));
    CHECK(is_loopback_registry("[::1]:5000"));
    CHECK(is_loopback_registry("localhost:5000"));
    CHECK_FALSE(is_loopback_registry("localhost"));
    CHECK_FALSE(is_loopback_registry("127.example.com:5000"));
    CHECK_FALSE(is_loopback_registry("10.0.0.1:5000"));
    CHECK_FALSE(is_loopback_registry(""));
}

TEST_CASE("a pull that failed says in its first words what is to be done") {
    const auto told = [](const char* words) { return pull_failure(words, "pull image r.io/x", "r.io"); };
    using Catch::Contains;
    const auto refused = told("reading manifest 1 in r.io/x: unauthorized: authentication required");
    CHECK(refused.kind() == ErrorKind::PermissionDenied);
    CHECK_THAT(refused.text(), Contains("the registry r.io refuses") && Contains("registry_auth_file"));
    CHECK(told("invalid character 'o' in literal null (expecting 'u')").kind() == ErrorKind::Corrupt);
    CHECK(told("pinging container registry r.io: Get \"https://r.io/v2/\": malformed HTTP response").kind() ==
          ErrorKind::Corrupt);
    CHECK(told("pinging container registry r.io: dial tcp: lookup r.io: no such host").kind() ==
          ErrorKind::Unavailable);
    CHECK_THAT(told("tls: failed to verify certificate: x509: unknown authority").text(),
               Contains("insecure_registries"));
    CHECK_THAT(told("writing blob: no space left on device").text(), Contains("disk is full"));
    const auto short_name = pull_failure("short-name \"x\" did not resolve to an alias", "pull image x");
    CHECK(short_name.kind() == ErrorKind::InvalidInput);
    CHECK_THAT(short_name.text(), Contains("registry.example.com/busybox:1"));
    CHECK_THAT(refusal(500, "cannot listen on the TCP port: listen tcp4 :8080: bind: address already in use",
                       "start container web")
                   .text(),
               Contains("port 8080 is taken on this device"));
}

}  // namespace harmony::runtime::podman
