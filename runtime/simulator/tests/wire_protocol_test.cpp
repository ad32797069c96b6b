#include "harmony/simulator/wire_protocol.hpp"

#include <catch2/catch.hpp>
#include <vector>

using namespace harmony::simulator;

namespace {

struct Heard {
    std::vector<std::string> events;
    WireHandlers handlers;
    Heard() {
        handlers.on_info = [this](std::string_view json) { events.push_back("info " + std::string(json)); };
        handlers.on_message = [this](const WireMessage& m) {
            events.push_back("message " + std::string(m.subject) + " " + std::to_string(m.subscription) +
                             " " + std::string(m.reply) + " " + std::to_string(m.status()) + " " +
                             std::string(m.header("KV-Operation")) + " " + std::string(m.payload));
        };
        handlers.on_ping = [this] { events.emplace_back("ping"); };
        handlers.on_pong = [this] { events.emplace_back("pong"); };
        handlers.on_error = [this](std::string_view text) { events.push_back("error " + std::string(text)); };
    }
};

const std::string kHeaders = "NATS/1.0\r\nKV-Operation: DEL\r\n\r\n";
const std::string kSession =
    "INFO {\"a\":1}\r\nPING\r\nPONG\r\n+OK\r\nMSG a.b 7 5\r\nhe\r\nx\r\nMSG a 1 r.s 0\r\n\r\nHMSG c 2 " +
    std::to_string(kHeaders.size()) + " " + std::to_string(kHeaders.size() + 1) + "\r\n" + kHeaders +
    "x\r\nHMSG d 3 30 30\r\nNATS/1.0 404 No Messages\r\n\r\n  \r\n-ERR 'no'\r\n";

}  // namespace

TEST_CASE("a session is understood however it is cut") {
    Heard whole;
    REQUIRE(WireParser().feed(kSession, whole.handlers));
    CHECK(whole.events == std::vector<std::string>{"info {\"a\":1}", "ping", "pong",
                                                   "message a.b 7  0  he\r\nx", "message a 1 r.s 0  ",
                                                   "message c 2  0 DEL x", "message d 3  404  ",
                                                   "error 'no'"});
    for (std::size_t cut = 1; cut < kSession.size(); ++cut) {
        Heard pieces;
        WireParser parser;
        REQUIRE(parser.feed(std::string_view(kSession).substr(0, cut), pieces.handlers));
        REQUIRE(parser.feed(std::string_view(kSession).substr(cut), pieces.handlers));
        REQUIRE(pieces.events == whole.events);
    }
}

TEST_CASE("what breaks the protocol is refused with what came") {
    for (const char* wrong : {"HELLO\r\n", "MSG a\r\n", "MSG a x 5\r\n", "MSG a 1 99999999999\r\n",
                              "HMSG a 1 9 5\r\n", "MSG a 1 2\r\nabcd\r\n", "MSG a 1 b c 5\r\n"}) {
        Heard heard;
        const auto fed = WireParser().feed(wrong, heard.handlers);
        INFO(wrong);
        REQUIRE_FALSE(fed);
        CHECK(fed.error().kind() == harmony::ErrorKind::Corrupt);
    }
}

TEST_CASE("publishes say their sizes") {
    std::string out;
    append_publish(out, "a", "r", "xyz");
    append_publish(out, "b", "", "KV-Operation", "DEL", "");
    append_subscribe(out, "c.>", 12);
    append_unsubscribe(out, 12);
    CHECK(out ==
          "PUB a r 3\r\nxyz\r\nHPUB b 31 31\r\nNATS/1.0\r\nKV-Operation: DEL\r\n\r\n\r\nSUB c.> 12\r\nUNSUB "
          "12\r\n");
}

TEST_CASE("a client without credentials sends none") {
    std::string out;
    append_connect(out, "", "", "me");
    CHECK(out.find("pass") == std::string::npos);
    append_connect(out, "u\"v", "p", "me");
    CHECK(out.find("\"user\":\"u\\\"v\"") != std::string::npos);
}
