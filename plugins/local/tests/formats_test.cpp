// What is written to disk and to the control socket.
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "control_protocol.hpp"
#include "daemon_spec.hpp"
#include "placeholders.hpp"

using namespace harmony::local;
using nlohmann::json;

namespace {

json full_spec() {
    return json::parse(R"({
        "name": "fleet-nats", "program": "nats-server", "args": ["-c", "@{config}/nats.conf"],
        "env": {"A": "b"},
        "files": [{"path": "nats.conf", "content": "port: @{port:client}", "mode": "0640", "sensitive": true,
                   "reloadable": true}],
        "ports": [{"name": "client", "port": 4222}, {"name": "monitor", "port": 0}],
        "readiness": {"kind": "http", "port": "monitor", "path": "/healthz", "timeout_s": 5},
        "reload_signal": "HUP", "stop": {"signal": "TERM", "grace_s": 3},
        "restart": {"initial_ms": 100, "max_ms": 2000, "reset_after_s": 30}})");
}

std::string refused(const json& document) {
    auto spec = parse_daemon_spec(document);
    REQUIRE_FALSE(spec);
    CHECK(spec.error().code == "process-host.invalid-spec");
    return spec.error().path;
}

}  // namespace

TEST_CASE("a spec survives the way over the control socket") {
    auto spec = parse_daemon_spec(full_spec());
    REQUIRE(spec);
    auto again = parse_daemon_spec(to_json(*spec));
    REQUIRE(again);
    CHECK(to_json(*again) == to_json(*spec));
    CHECK(to_json(*spec).at("files").at(0).at("mode") == "0640");
    CHECK(spec_hash(*again, "/bin/x") == spec_hash(*spec, "/bin/x"));
    CHECK(spec_hash(*spec, "/bin/y") != spec_hash(*spec, "/bin/x"));
}

TEST_CASE("the record of a spec has the hash of a file and not its content") {
    auto spec = parse_daemon_spec(full_spec());
    REQUIRE(spec);
    const json record = to_record_json(*spec);
    CHECK(record.dump().find("port: @") == std::string::npos);
    auto again = parse_daemon_spec(record);
    REQUIRE(again);
    CHECK(again->files.at(0).hash == spec->files.at(0).hash);
    CHECK(spec_hash(*again, "/bin/x") == spec_hash(*spec, "/bin/x"));
}

TEST_CASE("a wrong spec is refused with the path of its field") {
    const auto with = [](const std::string& pointer, const json& value) {
        json document = full_spec();
        document[json::json_pointer(pointer)] = value;
        return document;
    };
    CHECK(refused(with("/name", "Upper")) == "name");
    CHECK(refused(with("/name", "../up")) == "name");
    CHECK(refused(with("/program", "")) == "program");
    CHECK(refused(with("/files/0/path", "../outside")) == "files[0].path");
    CHECK(refused(with("/files/0/path", "/etc/passwd")) == "files[0].path");
    CHECK(refused(with("/files/0/mode", "rw")) == "files[0].mode");
    CHECK(refused(with("/ports/1/name", "client")) == "ports[1].name");
    CHECK(refused(with("/ports/0/port", 70000)) == "ports[0].port");
    CHECK(refused(with("/readiness/port", "none")) == "readiness.port");
    CHECK(refused(with("/readiness/kind", "magic")) == "readiness.kind");
    CHECK(refused(with("/readiness/timeout_s", 0)) == "readiness.timeout_s");
    CHECK(refused(with("/reload_signal", "WINK")) == "reload_signal");
    CHECK(refused(with("/stop/signal", "")) == "stop.signal");
    CHECK(refused(with("/restart/max_ms", 1)) == "restart");
    CHECK(refused(with("/env", json{{"A=B", "c"}})) == "env");
    CHECK(refused(with("/args", 7)).empty());
    CHECK(refused(json::array()).empty());
}

TEST_CASE("signals are known with and without their prefix") {
    CHECK(signal_number("HUP") == 1);
    CHECK(signal_number("SIGTERM") == 15);
    CHECK(signal_number("term") == 0);
    CHECK(signal_name(9) == "SIGKILL");
}

TEST_CASE("placeholders are replaced once and an unknown one is refused") {
    const PlaceholderValues values{"/c", "/d and @{config}", "/r", {{"client", 4222}}};
    CHECK(expand("@{config}/a:@{data}:@{runtime}:@{port:client}", values) == "/c/a:/d and @{config}:/r:4222");
    CHECK(expand("none, @ and { and @{unclosed", values) == "none, @ and { and @{unclosed");
    CHECK(expand("", values) == "");
    CHECK_FALSE(expand("@{port:other}", values));
    auto unknown = expand("@{secret}", values);
    REQUIRE_FALSE(unknown);
    CHECK(unknown.error().code == "process-host.invalid-spec");
}

TEST_CASE("frames are taken whole, in order, however they arrive") {
    const std::string bytes = encode_frame({{"a", 1}}) + encode_frame({{"b", 2}});
    std::string buffer;
    std::vector<json> taken;
    for (const char byte : bytes) {
        buffer += byte;
        auto frame = take_frame(buffer);
        REQUIRE(frame);
        if (*frame) taken.push_back(**frame);
    }
    CHECK(taken == std::vector<json>{{{"a", 1}}, {{"b", 2}}});
    CHECK(buffer.empty());
}

TEST_CASE("a frame that is too long or no object is a problem, never a crash") {
    std::string too_long("\xff\xff\xff\xff", 4);
    CHECK_FALSE(take_frame(too_long));
    std::string not_json = std::string("\x03\0\0\0", 4) + "abc";
    CHECK_FALSE(take_frame(not_json));
    std::string array = encode_frame(json::array({1}));
    CHECK_FALSE(take_frame(array));
}

TEST_CASE("a problem survives the way over the control socket") {
    const Problem sent{"a.b", "summary", "detail", "hint", "path", true};
    const Problem got = problem_from_json(to_json(sent));
    CHECK(got.code == sent.code);
    CHECK(got.summary == sent.summary);
    CHECK(got.detail == sent.detail);
    CHECK(got.hint == sent.hint);
    CHECK(got.path == sent.path);
    CHECK(got.retryable);
}
