// What the server tells about itself, and how it is told to load its users anew, through its own account:
// where no signal reaches it.
#pragma once

#include <chrono>
#include <functional>
#include <harmony/plugin/call.hpp>
#include <memory>
#include <string>

#include "harmony/nats/connection.hpp"

namespace harmony::fleet_nats {

struct ServerFacts {
    std::string id;
    std::string version;
    std::string revision;  // of the users it has loaded (system_config); empty: it tells none
};

class SystemAccount {
 public:
    // "nats.unavailable", "nats.permission-denied".
    [[nodiscard]] static plugin::Result<SystemAccount> connect(const std::string& url,
                                                               const std::string& password);

    [[nodiscard]] plugin::Result<ServerFacts> ask();
    // Tells it to reload until it has that revision: its files may arrive later than this is called. `hurry`
    // is called before the first attempt and every few seconds. False when it has another one at the end of
    // `patience`.
    [[nodiscard]] plugin::Result<bool> reload(plugin::Call& call, const std::string& revision,
                                              std::chrono::milliseconds patience,
                                              const std::function<void()>& hurry);

 private:
    explicit SystemAccount(std::unique_ptr<runtime::nats::NatsConnection> connection)
        : connection_(std::move(connection)) {}
    [[nodiscard]] plugin::Result<ServerFacts> request(const std::string& subject);

    std::unique_ptr<runtime::nats::NatsConnection> connection_;
};

}  // namespace harmony::fleet_nats
