#include <catch2/catch.hpp>

#include "watch_decoder.hpp"
#include "watch_progress.hpp"

using namespace harmony::runtime::kubernetes;

namespace {

const CallName kWatch{"watch", "pods", "shop", {}};
constexpr double kNoJitter = 0.999999;

std::string line(const std::string& type, const std::string& version) {
    return R"({"type":")" + type + R"(","object":{"metadata":{"name":"a","resourceVersion":")" + version +
           "\"}}}\n";
}

WatchLine decoded(WatchLineKind kind, const std::string& version) {
    return {kind, version, Json::object()};
}

template <class T>
const T& only(const std::vector<WatchAction>& actions) {
    REQUIRE(actions.size() == 1);
    REQUIRE(std::holds_alternative<T>(actions.front()));
    return std::get<T>(actions.front());
}

}  // namespace

TEST_CASE("a watch's stream may be cut anywhere") {
    const std::string stream =
        line("ADDED", "1") + line("MODIFIED", "2") + line("BOOKMARK", "7") + line("DELETED", "9");
    for (std::size_t cut = 0; cut <= stream.size(); ++cut) {
        WatchDecoder decoder(kWatch);
        std::vector<WatchLine> lines;
        REQUIRE(decoder.feed(std::string_view(stream).substr(0, cut), lines));
        REQUIRE(decoder.feed(std::string_view(stream).substr(cut), lines));
        REQUIRE(lines.size() == 4);
        CHECK(lines[2].kind == WatchLineKind::Bookmark);
        CHECK(lines[3].resource_version == "9");
    }
}

TEST_CASE("an ERROR event is the failure it tells, after the events before it") {
    WatchDecoder decoder(kWatch);
    std::vector<WatchLine> lines;
    const std::string error = R"x({"type":"ERROR","object":{"kind":"Status","code":410,"reason":"Expired",)x"
                              R"x("message":"too old resource version: 1 (9)"}})x";
    const auto fed = decoder.feed(line("ADDED", "1") + error + "\n", lines);
    REQUIRE_FALSE(fed);
    CHECK(fed.error().reason == Reason::Gone);
    CHECK(fed.error().status == 410);
    CHECK(fed.error().text() == "watch pods in namespace shop: too old resource version: 1 (9)");
    CHECK(lines.size() == 1);
}

TEST_CASE("a stream that is no watch is refused") {
    for (const std::string& text :
         {std::string("hello\n"), std::string("[]\n"), std::string("{}\n"),
          std::string(R"({"type":"ADDED"})") + "\n", line("RENAMED", "1"), line("ADDED", ""),
          std::string(R"({"type":"ADDED","object":{"metadata":{"resourceVersion":4}}})") + "\n"}) {
        INFO(text);
        WatchDecoder decoder(kWatch);
        std::vector<WatchLine> lines;
        const auto fed = decoder.feed(text, lines);
        REQUIRE_FALSE(fed);
        CHECK(fed.error().reason == Reason::Malformed);
    }
}

TEST_CASE("a line without an end does not eat the memory") {
    WatchDecoder decoder(kWatch, 100);
    std::vector<WatchLine> lines;
    REQUIRE(decoder.feed(std::string(90, 'x'), lines));
    CHECK(decoder.feed(std::string(20, 'x'), lines).error().reason == Reason::Malformed);
}

TEST_CASE("a watch lists page by page, then watches from the list's version") {
    WatchProgress progress({});
    const auto begun = progress.begin();
    REQUIRE(begun.size() == 2);
    CHECK(std::holds_alternative<TellReplay>(begun[0]));
    CHECK(std::get<StartList>(begun[1]).continue_token.empty());

    const auto first = progress.on_page({{Json{{"n", 1}}}, "40", "more"});
    REQUIRE(first.size() == 2);
    CHECK(std::get<TellChange>(first[0]).change == Change::Added);
    CHECK(std::get<StartList>(first[1]).continue_token == "more");

    const auto last = progress.on_page({{Json{{"n", 2}}}, "41", ""});
    REQUIRE(last.size() == 3);
    CHECK(std::holds_alternative<TellCaughtUp>(last[1]));
    CHECK(std::get<StartWatch>(last[2]).resource_version == "41");
}

TEST_CASE("a lost watch goes on from the last event or bookmark, without a new list") {
    WatchProgress progress({});
    static_cast<void>(progress.begin());
    static_cast<void>(progress.on_page({{}, "41", ""}));
    CHECK(std::get<TellChange>(progress.on_line(decoded(WatchLineKind::Deleted, "42"))[0]).change ==
          Change::Deleted);
    CHECK(progress.on_line(decoded(WatchLineKind::Bookmark, "50")).empty());
    const auto lost = progress.on_failure(make_failure(Reason::Unavailable, "lost"), kNoJitter);
    REQUIRE(lost.size() == 2);
    CHECK(std::holds_alternative<TellTrouble>(lost[0]));
    CHECK(std::holds_alternative<WaitFor>(lost[1]));
    CHECK(only<StartWatch>(progress.on_waited()).resource_version == "50");
}

TEST_CASE("a version that is too old leads to a replay") {
    WatchProgress progress({});
    static_cast<void>(progress.begin());
    static_cast<void>(progress.on_page({{}, "41", ""}));
    static_cast<void>(progress.on_failure(make_failure(Reason::Gone, "too old"), kNoJitter));
    const auto again = progress.on_waited();
    REQUIRE(again.size() == 2);
    CHECK(std::holds_alternative<TellReplay>(again[0]));
    CHECK(std::holds_alternative<StartList>(again[1]));
}

TEST_CASE("a version that the server can't go on from leads to a replay, one that it may not now does not") {
    const auto waited_after = [](Reason reason, int status) {
        WatchProgress progress({});
        static_cast<void>(progress.begin());
        static_cast<void>(progress.on_page({{}, "41", ""}));
        Failure failure = make_failure(reason, "no");
        failure.status = status;
        static_cast<void>(progress.on_failure(failure, kNoJitter));
        return progress.on_waited();
    };
    for (const auto& [reason, status] :
         {std::pair(Reason::Rejected, 400), std::pair(Reason::Malformed, 0), std::pair(Reason::Invalid, 422),
          std::pair(Reason::Unavailable, 500)}) {
        INFO(to_string(reason));
        CHECK(std::holds_alternative<TellReplay>(waited_after(reason, status).front()));
    }
    for (const auto& [reason, status] :
         {std::pair(Reason::Forbidden, 403), std::pair(Reason::Unavailable, 503),
          std::pair(Reason::Unauthorized, 401), std::pair(Reason::Timeout, 0)}) {
        INFO(to_string(reason));
        CHECK(only<StartWatch>(waited_after(reason, status)).resource_version == "41");
    }
}

TEST_CASE("a list that fails in the middle begins again from its start") {
    WatchProgress progress({});
    static_cast<void>(progress.begin());
    static_cast<void>(progress.on_page({{Json::object()}, "40", "more"}));
    static_cast<void>(progress.on_failure(make_failure(Reason::Unavailable, "lost"), kNoJitter));
    const auto again = progress.on_waited();
    REQUIRE(again.size() == 2);
    CHECK(std::get<StartList>(again[1]).continue_token.empty());
}

TEST_CASE("failures in a row wait longer each time, up to a limit, and a sign of life forgets them") {
    WatchProgress progress({std::chrono::milliseconds(100), std::chrono::milliseconds(350)});
    static_cast<void>(progress.begin());
    static_cast<void>(progress.on_page({{}, "41", ""}));
    const auto delay = [&] {
        const auto actions = progress.on_failure(make_failure(Reason::Unavailable, "no"), kNoJitter);
        return std::get<WaitFor>(actions.back()).delay.count();
    };
    CHECK(delay() == 99);
    CHECK(delay() == 199);
    CHECK(delay() == 349);
    CHECK(delay() == 349);
    static_cast<void>(progress.on_line(decoded(WatchLineKind::Bookmark, "42")));
    CHECK(delay() == 99);
}

TEST_CASE("a watch waits as long as the server says") {
    WatchProgress progress({});
    static_cast<void>(progress.begin());
    Failure failure = make_failure(Reason::Unavailable, "busy");
    failure.retry_after = std::chrono::seconds(30);
    const auto actions = progress.on_failure(failure, kNoJitter);
    CHECK(std::get<WaitFor>(actions.back()).delay == std::chrono::seconds(30));
}

TEST_CASE("an orderly end is no trouble, and never a tight loop") {
    WatchProgress progress({});
    static_cast<void>(progress.begin());
    static_cast<void>(progress.on_page({{}, "41", ""}));
    const auto delay = [&](bool lasted) { return only<WaitFor>(progress.on_end(lasted, kNoJitter)).delay; };
    const auto first = delay(false);
    CHECK(first.count() > 0);
    CHECK(only<StartWatch>(progress.on_waited()).resource_version == "41");
    CHECK(delay(false) > first);
    CHECK(delay(true) == first);  // a quiet one that had its time
    CHECK(delay(true) == first);
}
