// The process that keeps a context's daemons alive: one thread around poll().
#pragma once

#include <chrono>
#include <list>
#include <map>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "context_folders.hpp"
#include "descriptor.hpp"
#include "managed_daemon.hpp"

namespace harmony::local {

class Supervisor {
 public:
    // The caller holds the context's supervisor lock for as long as this exists.
    Supervisor(const ContextFolders& context, Descriptor listener);
    ~Supervisor();

    // Serves until it is told to end by SIGTERM or SIGINT (its daemons live on), or until no daemon is left
    // and no client has been connected for a moment.
    [[nodiscard]] Outcome<void> run();

    // A listening socket at the context's control address, accessible to this user alone.
    [[nodiscard]] static Outcome<Descriptor> listen(const ContextFolders& context);

 private:
    struct Client {
        Descriptor fd;
        std::string input;
        std::string output;
        bool waiting = false;  // for the answer to its request
        bool gone = false;
    };
    enum class Goal { Ready, Stopped, Removed };
    // A request whose answer depends on what a daemon does next.
    struct Waiter {
        std::weak_ptr<Client> client;
        std::string daemon;
        Goal goal = Goal::Ready;
        bool delete_data = false;  // with Goal::Removed
        DaemonAction action = DaemonAction::None;
        int exits_before = 0;
        std::optional<TimePoint> deadline;
    };

    void take_over_all();
    [[nodiscard]] bool is_busy() const;
    [[nodiscard]] bool is_finished() const;
    void poll_once();
    [[nodiscard]] int poll_timeout() const;
    void on_timers();
    void accept_client();
    void on_client_readable(const std::shared_ptr<Client>& client);
    void on_client_writable(Client& client);
    void answer(Client& client, const nlohmann::json& document);
    void answer(const std::weak_ptr<Client>& client, const Outcome<nlohmann::json>& outcome);

    void handle_request(const std::shared_ptr<Client>& client, const nlohmann::json& request);
    [[nodiscard]] Outcome<void> ensure(const std::shared_ptr<Client>& client, const nlohmann::json& params);
    [[nodiscard]] Outcome<void> restart(const std::shared_ptr<Client>& client, const nlohmann::json& params);
    [[nodiscard]] Outcome<void> remove(const std::shared_ptr<Client>& client, const nlohmann::json& params);
    [[nodiscard]] Outcome<void> stop(const std::shared_ptr<Client>& client, const nlohmann::json& params);
    [[nodiscard]] Outcome<void> signal(const std::shared_ptr<Client>& client, const nlohmann::json& params);
    [[nodiscard]] Outcome<ManagedDaemon*> known_daemon(const nlohmann::json& params);
    // Whoever waits for it to become ready waits in vain from here on.
    void disappoint_waiters(const std::string& name, const std::string& why);
    // What is asked for takes the place of a stop or removal that is still under way. False: there was none.
    bool call_off_stops(const std::string& name);
    void wait_until_stopped(const std::shared_ptr<Client>& client, ManagedDaemon& daemon, Goal goal,
                            bool delete_data);
    void wait_until_ready(const std::shared_ptr<Client>& client, ManagedDaemon& daemon, DaemonAction action,
                          int exits_before);
    ManagedDaemon& add_daemon(const std::string& name);
    void on_news(const std::string& name, ManagedDaemon::News news);
    void finish_stops();
    [[nodiscard]] Outcome<nlohmann::json> stopped_result(const Waiter& waiter);
    [[nodiscard]] Outcome<nlohmann::json> ready_result(const Waiter& waiter) const;
    [[nodiscard]] Problem not_ready(const Waiter& waiter, const ManagedDaemon& daemon,
                                    bool keeps_ending) const;
    void log(const std::string& message) const;

    const ContextFolders& context_;
    Descriptor listener_;
    Descriptor signals_;
    std::map<std::string, std::unique_ptr<ManagedDaemon>> daemons_;
    std::vector<std::shared_ptr<Client>> clients_;
    std::list<Waiter> waiters_;
    TimePoint idle_since_;
    TimePoint next_rotation_;
    bool told_to_end_ = false;
};

}  // namespace harmony::local
