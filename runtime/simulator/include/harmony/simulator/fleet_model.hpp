// The simulated devices: what each holds, has said and will do next. No socket, no clock, no chance of its
// own.
//
// What a device does is what runtime/agent does on the wire: it subscribes before it reads, reads its index
// and the keys that it lists, takes messages on its keys as hints, reports Pending, then Running or Failed,
// asserts everything again on each connect, and repeats a request that stays unanswered. What it does not do
// is remember values: their hashes are enough to behave as if.
//
// Not thread-safe.
#pragma once

#include <array>
#include <boost/container/deque.hpp>
#include <cstdint>
#include <deque>
#include <map>
#include <queue>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "harmony/contracts/deployment_state.hpp"
#include "harmony/contracts/names.hpp"
#include "harmony/contracts/timestamps.hpp"
#include "harmony/simulator/decisions.hpp"
#include "harmony/simulator/figures.hpp"
#include "harmony/simulator/wire_protocol.hpp"

namespace harmony::simulator {

struct Now {
    std::int64_t steady_us = 0;
    contracts::Timestamp wall;
};

// Where the model's messages go. `link` is the connection's number.
class Outbox {
 public:
    virtual ~Outbox() = default;
    virtual void subscribe(std::uint32_t link, const std::string& subject, std::uint64_t subscription) = 0;
    virtual void unsubscribe(std::uint32_t link, std::uint64_t subscription) = 0;
    // An empty reply: nobody waits for an answer.
    virtual void publish(std::uint32_t link, const std::string& subject, const std::string& reply,
                         std::string_view payload) = 0;
    virtual void delete_key(std::uint32_t link, const std::string& subject, const std::string& reply) = 0;
};

class FleetModel {
 public:
    // Both must outlive it. `inbox` is a subject prefix that nobody else uses, without a final dot.
    FleetModel(const SimulatorOptions& options, Outbox& outbox, std::string inbox, std::string version);

    void link_up(std::uint32_t link, const Now& now);
    void link_down(std::uint32_t link, const Now& now);
    void receive(std::uint32_t link, const WireMessage& message, const Now& now);
    // Does what is due, at most about `limit` pieces of it. Returns when the next is due, in steady
    // microseconds; `now` or earlier where something was left over.
    std::int64_t advance(const Now& now, std::size_t limit = 4'096);

    [[nodiscard]] Figures& figures() { return figures_; }
    [[nodiscard]] const Figures& figures() const { return figures_; }

 private:
    enum class Status : std::uint8_t { Waiting, Online, Away };
    enum class Stage : std::uint8_t { Unread, Working, Running, Failed, Withdrawn };
    enum class Timer : std::uint8_t { Heartbeat, Finish, ReadKey, ReadIndex, Check, Return };

    // One deployment on one device.
    struct Held {
        std::uint32_t deployment = 0;
        Stage stage = Stage::Unread;
        std::uint8_t attempts = 0;    // reads that did not show yet what the hint told
        bool listed = false;          // by the index
        bool read_scheduled = false;  // a ReadKey timer waits
        std::uint64_t value = 0;      // hash of the score
        std::uint64_t hinted = 0;     // hash that the last hint told; 0: nothing to compare with
        std::int64_t hint_at = 0;     // steady; 0: no hint, or accounted for
        std::int64_t sent_at = 0;     // of the unconfirmed write; 0: confirmed
    };
    struct Device {
        std::vector<Held> held;
        std::array<char, 16> digest{};
        std::int64_t last_event_us = 0;
        std::int64_t online_since = 0;
        std::int64_t synced_at = 0;  // the last full read
        std::uint64_t index_hinted = 0;
        std::uint32_t life = 0;  // timers of an earlier life do nothing
        std::uint32_t beats = 0;
        Status status = Status::Waiting;
        std::uint8_t index_attempts = 0;
        std::uint8_t checks = 0;
        bool index_wanted = false;  // asked for, not answered
        bool info_wanted = false;
        bool read_all = false;  // with the next index: every listed key, changed or not
        bool check_scheduled = false;
    };
    // Each device has several: packed.
    struct DueTimer {
        std::int64_t at = 0;
        std::uint32_t device : 24 = 0;
        Timer timer : 8 = Timer::Heartbeat;
        std::uint32_t life = 0;
        std::uint32_t deployment = 0;
        std::uint32_t guard = 0;
        bool operator>(const DueTimer& other) const { return at > other.at; }
    };
    static_assert(kMaxDevices < 1U << 24 && sizeof(DueTimer) == 24);
    // What a value says, worked out once for all devices that get it.
    struct ScoreFacts {
        std::string problem;  // why no device can run it; empty: none
        bool may_fail = false;
        std::vector<std::pair<std::string, std::string>> services;  // name, image
    };

    [[nodiscard]] std::uint32_t link_of(std::uint32_t device) const { return device % options_.connections; }
    [[nodiscard]] contracts::DeviceId id_of(std::uint32_t device) const;
    [[nodiscard]] bool device_number(std::string_view id, std::uint32_t& device) const;
    [[nodiscard]] std::uint64_t name_hash(std::uint32_t deployment) const;
    [[nodiscard]] std::uint32_t intern(const contracts::DeploymentName& name);
    [[nodiscard]] std::string reply_subject(char kind, std::uint32_t device, std::uint32_t deployment,
                                            const Now& now) const;

    void join(std::uint32_t device, const Now& now);
    void leave(std::uint32_t device, const Now& now);
    void go_dark(std::uint32_t device);
    void publish_info(std::uint32_t device, const Now& now);
    void send_heartbeat(std::uint32_t device, const Now& now);
    void read_everything(std::uint32_t device, const Now& now);
    void read_index(std::uint32_t device, const Now& now);
    void read_key(std::uint32_t device, Held& held, const Now& now);
    void publish_state(std::uint32_t device, Held& held, const Now& now);
    void withdraw(std::uint32_t device, Held& held, const Now& now);
    void assert_everything(std::uint32_t device, const Now& now);

    void take_hint(std::uint32_t device, std::string_view token, const WireMessage& message, const Now& now);
    void take_command(std::uint32_t link, std::uint32_t device, const WireMessage& message, const Now& now);
    void take_answer(const WireMessage& message, const Now& now);
    void take_index(std::uint32_t device, const WireMessage& message, const Now& now);
    void adopt_index(std::uint32_t device, const std::vector<contracts::DeploymentName>& listed,
                     const Now& now);
    void take_value(std::uint32_t device, Held& held, const WireMessage& message, const Now& now);
    void take_confirmation(std::uint32_t device, char kind, std::uint32_t deployment, std::int64_t sent_at,
                           const WireMessage& message, const Now& now);
    void start_work(std::uint32_t device, Held& held, std::uint64_t value, const ScoreFacts& facts,
                    const Now& now);
    void finish_work(std::uint32_t device, Held& held, const Now& now);
    [[nodiscard]] contracts::DeploymentState state_of(std::uint32_t device, const Held& held) const;

    void fire(const DueTimer& due, const Now& now);
    void check(std::uint32_t device, const Now& now);
    void expect_answer(std::uint32_t device, const Now& now);
    void schedule(Timer timer, std::int64_t at, std::uint32_t device, std::uint32_t deployment = 0,
                  std::uint32_t guard = 0);
    void depart(const Now& now);
    [[nodiscard]] std::size_t join_waiting(const Now& now, std::size_t limit);

    [[nodiscard]] static Held* find(Device& device, std::uint32_t deployment);
    [[nodiscard]] Held& find_or_add(Device& device, std::uint32_t deployment);
    void refresh_digest(Device& device) const;
    [[nodiscard]] const ScoreFacts& facts_of(std::uint64_t hash, std::string_view value);

    const SimulatorOptions& options_;
    Outbox& outbox_;
    const std::string inbox_;
    const std::string version_;
    Decisions decisions_;
    Figures figures_;

    std::vector<Device> devices_;
    std::vector<bool> links_up_;
    // A deque, because a vector of millions would need three times its size while it grows; of large blocks,
    // because those of a burst go back to the system, and small ones would stay behind between the devices'.
    using TimerBlocks = boost::container::deque_options<boost::container::block_bytes<128 * 1024>>::type;
    using Timers = boost::container::deque<DueTimer, void, TimerBlocks>;
    std::priority_queue<DueTimer, Timers, std::greater<>> timers_;
    std::deque<std::uint32_t> joining_;
    double join_credit_ = 0;
    std::int64_t last_credit_us_ = 0;
    std::uint64_t departures_ = 0;
    std::int64_t next_departure_us_ = -1;

    std::vector<contracts::DeploymentName> names_;
    std::map<std::string, std::uint32_t, std::less<>> name_ids_;
    std::unordered_map<std::uint64_t, ScoreFacts> facts_;
    // The last heartbeat, which many devices would say in the same words.
    std::int64_t heartbeat_second_ = 0;
    std::map<std::array<char, 16>, std::string> heartbeats_;
};

}  // namespace harmony::simulator
