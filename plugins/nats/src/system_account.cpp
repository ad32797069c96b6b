#include "system_account.hpp"

#include "harmony/fleet_access/diagnostics.hpp"
#include "harmony/fleet_access/nats_access.hpp"
#include "server_config.hpp"

namespace harmony::fleet_nats {

using plugin::failure;
using plugin::Result;

namespace {

constexpr const char* kArea = "nats";
constexpr std::chrono::milliseconds kAnswerTimeout{3'000};
constexpr std::chrono::milliseconds kRetryDelay{250};
constexpr std::chrono::milliseconds kHurryInterval{3'000};

}  // namespace

Result<SystemAccount> SystemAccount::connect(const std::string& url, const std::string& password) {
    auto connection = fleet_access::connect(url, {kSystemUser, password}, {}, kArea);
    if (!connection) return failure(std::move(connection.error()));
    return SystemAccount(std::move(*connection));
}

Result<ServerFacts> SystemAccount::request(const std::string& subject) {
    runtime::nats::Message question;
    question.subject = subject;
    const auto answer = connection_->request(question, kAnswerTimeout);
    if (!answer) return failure(fleet_access::diagnostic_of(answer.error().wrap(subject), kArea));
    const auto document = plugin::Json::parse(answer->payload);
    if (!document || !(*document)["server"].is_object()) {
        return failure("nats.corrupt", subject + ": found an answer without server, expected what it is: " +
                                           answer->payload.substr(0, 200));
    }
    if (const auto* error = document->find("error"))
        return failure("nats.reload-failed", "the server refuses its files: " + error->dump());
    const auto& server = (*document)["server"];
    const auto& tags = server["tags"].items();
    return ServerFacts{.id = server["id"].string_or(""),
                       .version = server["ver"].string_or(""),
                       .revision = tags.empty() ? "" : tags.front().string_or("")};
}

Result<ServerFacts> SystemAccount::ask() {
    return request("$SYS.REQ.SERVER.PING");
}

Result<bool> SystemAccount::reload(plugin::Call& call, const std::string& revision,
                                   std::chrono::milliseconds patience, const std::function<void()>& hurry) {
    const auto facts = ask();
    if (!facts) return failure(facts.error());
    const auto end = plugin::Call::Clock::now() + patience;
    auto next_hurry = plugin::Call::Clock::now();
    while (true) {
        if (plugin::Call::Clock::now() >= next_hurry) {
            hurry();
            next_hurry = plugin::Call::Clock::now() + kHurryInterval;
        }
        const auto loaded = request("$SYS.REQ.SERVER." + facts->id + ".RELOAD");
        if (!loaded) return failure(loaded.error());
        if (loaded->revision == revision) return true;
        if (plugin::Call::Clock::now() >= end) return false;
        if (!call.wait(kRetryDelay)) return plugin::cancelled_failure();
    }
}

}  // namespace harmony::fleet_nats
