// An HTTPS server of a test's own: it says what a real API server can't be made to say when it is wanted.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "harmony/kubernetes/access.hpp"

namespace harmony::runtime::kubernetes::testing {

// In PEM; the certificate is signed with its own key.
struct Identity {
    std::string certificate;
    std::string key;
};
[[nodiscard]] Identity make_identity(const std::string& common_name);

struct ServerRequest {
    std::string method;
    std::string target;
    std::string authorization;
    std::string client;  // the common name of the client's certificate; empty: it showed none
};

// `body` is JSON; `further` are lines of the head.
[[nodiscard]] std::string answer(int status, const std::string& body, const std::string& further = "");

class ScriptedServer {
 public:
    // Runs on the connections' threads, one request at a time. `number` is 1 for the first.
    using Handler = std::function<std::string(const ServerRequest& request, int number)>;

    explicit ScriptedServer(Handler handler);
    ~ScriptedServer();
    ScriptedServer(const ScriptedServer&) = delete;
    ScriptedServer& operator=(const ScriptedServer&) = delete;

    // Trusts its certificate and has no credentials.
    [[nodiscard]] ClusterAccess access() const;
    [[nodiscard]] int connections() const;  // accepted until now
    [[nodiscard]] std::vector<ServerRequest> requests() const;

 private:
    class Listener;
    std::unique_ptr<Listener> listener_;
};

}  // namespace harmony::runtime::kubernetes::testing
