#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "harmony/contracts/canonical_json.hpp"
#include "harmony/contracts/commands.hpp"
#include "harmony/contracts/deployment_state.hpp"
#include "harmony/contracts/fleet_api.hpp"
#include "samples.hpp"

using namespace harmony::contracts;
using harmony::Error;
using harmony::ErrorKind;
using Json = nlohmann::json;
using testing::deployment;
using testing::device;

TEST_CASE("a command's subject is parsed back to device and verb") {
    for (const auto verb : {CommandVerb::Ping, CommandVerb::Logs, CommandVerb::Exec}) {
        const auto subject = command_subject(device("edge-01"), verb);
        CHECK(parse_command_subject(subject).value() == CommandSubject{device("edge-01"), verb});
    }
    for (const auto* bad : {"", "device-commands", "device-commands.a", "device-commands.a.b", "x.a.ping",
                            "device-commands.A.ping", "device-commands.a.ping.x"}) {
        INFO(bad);
        CHECK_FALSE(parse_command_subject(bad).has_value());
    }
}

TEST_CASE("command headers are checked before they are used") {
    const auto headers = CommandHeaders::parse("a-1", "2025-03-01T12:00:00Z", "user@example").value();
    CHECK(headers.deadline.value() == testing::time("2025-03-01T12:00:00Z"));
    CHECK_FALSE(CommandHeaders::parse("", "", "").value().deadline.has_value());
    CHECK_FALSE(CommandHeaders::parse("a b", "", "").has_value());
    CHECK_FALSE(CommandHeaders::parse("a", "soon", "").has_value());
    CHECK_FALSE(CommandHeaders::parse("a", "", "line\nbreak").has_value());
    CHECK_FALSE(CommandHeaders::parse(std::string(65, 'a'), "", "").has_value());
}

TEST_CASE("the number of log lines is clamped on both sides") {
    CHECK(LogsRequest::decode(R"({"deployment":"web"})").value().lines == 200);
    CHECK(LogsRequest::decode(R"({"deployment":"web","lines":999999})").value().lines == 10'000);
    CHECK(LogsRequest::decode(R"({"deployment":"web","lines":-5})").value().lines == 1);
    LogsRequest request;
    request.deployment = deployment("web");
    request.lines = 1'000'000;
    CHECK_THAT(request.encode(), Catch::Contains("\"lines\":10000"));
}

TEST_CASE("a logs reply drops its oldest lines until it fits into a message") {
    LogsReply reply{"web", {}, std::vector<std::string>(10'000, std::string(200, '\x01')), false};
    reply.lines.back() = "newest";
    const auto encoded = reply.encode();
    CHECK(encoded.size() <= kMaxDocumentBytes);
    const auto decoded = LogsReply::decode(encoded).value();
    CHECK(decoded.truncated);
    CHECK(decoded.lines.back() == "newest");
    CHECK(decoded.lines.size() > 100);
}

TEST_CASE("lines that a logs reply drops are counted") {
    LogsReply reply{"web", {}, std::vector<std::string>(20'000, "x"), false};
    reply.lost_lines = 5;
    const auto decoded = LogsReply::decode(reply.encode()).value();
    CHECK(decoded.truncated);
    CHECK(decoded.lost_lines == 5 + 20'000 - static_cast<std::int64_t>(decoded.lines.size()));
}

TEST_CASE("a log line is cut at its limit, says so, and is always UTF-8") {
    CHECK(log_line_text("s\xc3\xa9", 3) == "s\xc3\xa9");
    CHECK(log_line_text("a\xff"
                        "b",
                        3) ==
          "a\xef\xbf\xbd"
          "b");
    const std::string most(kLogsMaxLineBytes, 'x');
    CHECK(log_line_text(most, most.size()) == most);
    const auto cut = log_line_text(most, 10'485'760);
    CHECK(cut.size() <= kLogsMaxLineBytes);
    CHECK_THAT(cut, Catch::EndsWith("x \u2026[cut, 10485760 bytes]"));
    // U+FFFD has three bytes: what fits as it came may not fit any more.
    CHECK(log_line_text(std::string(kLogsMaxLineBytes, '\xff'), kLogsMaxLineBytes).size() <=
          kLogsMaxLineBytes);
}

TEST_CASE("an exec request names one place to run in") {
    CHECK(ExecRequest::decode(R"({"argv":["ls"],"host":true})").value().host);
    for (const auto* bad : {R"({"argv":["ls"]})", R"({"argv":["ls"],"host":false})",
                            R"({"argv":["ls"],"host":true,"deployment":"web"})",
                            R"({"argv":["ls"],"host":true,"service":"app"})", R"({"argv":[],"host":true})",
                            R"({"argv":["a\u0000b"],"host":true})"}) {
        INFO(bad);
        CHECK_FALSE(ExecRequest::decode(bad).has_value());
    }
}

TEST_CASE("an exec reply keeps the beginning of long streams, in whole characters") {
    ExecReply reply{0, std::string(300'000, '\x02'), std::string(300'000, '\xff'), false};
    auto encoded = reply.encode();
    CHECK(encoded.size() <= kMaxDocumentBytes);
    CHECK(ExecReply::decode(encoded).value().truncated);
    reply = {0, "x" + std::string(3, '\xe2') + "\xe2\x82\xac", "", false};
    CHECK_FALSE(ExecReply::decode(reply.encode()).value().truncated);
    std::string euros;
    while (euros.size() < kExecMaxStreamBytes + 3)
        euros += "\xe2\x82\xac";
    reply.standard_output = euros;
    const auto kept = ExecReply::decode(reply.encode()).value().standard_output;
    CHECK(kept.size() <= kExecMaxStreamBytes);
    CHECK(kept.size() % 3 == 0);
}

TEST_CASE("an exec request names a program") {
    CHECK(ExecRequest::decode(R"({"deployment":"web","argv":[]})").error().text() ==
          "argv: names no program");
    CHECK_FALSE(ExecRequest::decode(R"({"deployment":"web","argv":["a\u0000b"]})").has_value());
    const auto many = Json{{"deployment", "web"}, {"argv", std::vector<std::string>(257, "x")}}.dump();
    CHECK(ExecRequest::decode(many).error().text() == "argv: holds 257 items, expected at most 256");
}

TEST_CASE("an error document is the error of whatever reply was expected") {
    const auto bytes = RemoteError{RemoteErrorKind::NotFound, "no device \"x\""}.encode();
    CHECK(PingReply::decode(bytes).error().kind() == ErrorKind::NotFound);
    CHECK(DeviceReply::decode(bytes).error().text() == "no device \"x\"");
    CHECK(DeploymentList::decode(bytes).error().kind() == ErrorKind::NotFound);
    CHECK(find_remote_error(bytes).value()->kind == RemoteErrorKind::NotFound);
    CHECK_FALSE(find_remote_error("{}").value().has_value());
    const auto unknown = find_remote_error(R"({"error":{"kind":"Odd","message":""}})");
    REQUIRE_FALSE(unknown.has_value());
    CHECK_THAT(unknown.error().text(),
               Catch::StartsWith(R"(error.kind: found "Odd", expected BadRequest, )"));
}

TEST_CASE("a local failure keeps its meaning across the wire") {
    for (const auto kind :
         {ErrorKind::InvalidInput, ErrorKind::NotFound, ErrorKind::Conflict, ErrorKind::Timeout,
          ErrorKind::PermissionDenied, ErrorKind::Unavailable, ErrorKind::Internal}) {
        const auto remote = RemoteError::from_error(Error(kind, "why"));
        CHECK(RemoteError::decode(remote.encode()).value().to_error().kind() == kind);
    }
    CommandFailure failure{CommandFailureKind::Agent, RemoteErrorKind::NotFound, "no deployment"};
    CHECK(failure.text() == "Agent{NotFound}: no deployment");
    CHECK(CommandFailure{CommandFailureKind::DeviceOffline, std::nullopt, ""}.text() == "DeviceOffline");
}

TEST_CASE("a long or broken message is shortened to valid text") {
    DeploymentState state;
    state.deployment = deployment("web");
    state.score_hash = "0000000000000000";
    state.last_error = std::string(5000, '\xff');
    const auto decoded = DeploymentState::decode(state.encode()).value();
    CHECK(decoded.last_error->size() <= kMaxLastErrorBytes);
    CHECK_THAT(*decoded.last_error, Catch::EndsWith("..."));
}

TEST_CASE("a subject of the fleet API is one of its methods or not found") {
    CHECK(parse_fleet_api_subject("fleet-api.v1.status").value() == FleetApiMethod::Status);
    CHECK(parse_fleet_api_subject("fleet-api.v1.secrets.list").error().kind() == ErrorKind::NotFound);
    CHECK(parse_fleet_api_subject("other").error().kind() == ErrorKind::InvalidInput);
}

TEST_CASE("a page of a list holds what was asked for and fits into a message") {
    const auto item = testing::deployment_sample().encode();
    ListReplyBuilder two(2);
    CHECK(two.add(item));
    CHECK(two.add(item));
    CHECK_FALSE(two.add(item));
    const auto page = DeploymentList::decode(two.finish("web")).value();
    CHECK(page.items.size() == 2);
    CHECK(page.continue_token.value() == "web");
    CHECK(two.finish("web") == page.encode());

    ListReplyBuilder full(500);
    std::size_t added = 0;
    while (full.add(item))
        ++added;
    CHECK(full.finish(std::string(512, '"')).size() <= kMaxListReplyBytes);
    CHECK(added > 100);
    ListReplyBuilder tiny(10, 1);
    CHECK(tiny.add(item));
    CHECK_FALSE(tiny.add(item));
    CHECK_FALSE(DeploymentList::decode(tiny.finish(std::nullopt)).value().continue_token.has_value());
}

TEST_CASE("an empty list request asks for the first default page") {
    CHECK(ListRequest::decode("").value() == ListRequest{});
    CHECK(ListRequest::decode(R"({"limit":100000})").value().limit == kListMaxLimit);
    CHECK(ListRequest::decode(R"({"limit":0})").value().limit == 1);
}
