// An in-memory NATS for unit tests: subjects, wildcards, queue groups, request/reply, no responders, and KV
// buckets as the server keeps them (history 1), so that KeyValue, WriteBatch and direct_get run on it
// unchanged. Link harmony::nats_fake.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "harmony/nats/connection.hpp"

namespace harmony::runtime::nats {

// The broker that several fake connections share. Thread-safe. Delivery is synchronous: publish() runs the
// matching handlers of every connection before it returns, on the publishing thread.
class FakeNatsServer : public std::enable_shared_from_this<FakeNatsServer> {
 public:
    [[nodiscard]] static std::shared_ptr<FakeNatsServer> create();
    virtual ~FakeNatsServer() = default;

    // Every message any client has published, in order.
    [[nodiscard]] virtual std::vector<Message> published() const = 0;
    [[nodiscard]] virtual std::vector<Message> published(std::string_view filter) const = 0;
    virtual void forget_published() = 0;

    // The server goes away and comes back: connections see on_disconnected and on_connected(Again), publishes
    // meanwhile fail with Unavailable. `lose_memory` also empties the memory buckets.
    virtual void stop() = 0;
    virtual void restart(bool lose_memory = true) = 0;

    // The n-th next call (1: the very next) that publishes on a matching subject fails with this kind.
    virtual void fail_publish(std::string_view filter, int nth, ErrorKind kind) = 0;
    // Messages on matching subjects are accepted and lost, until told otherwise with an empty filter.
    virtual void drop(std::string_view filter) = 0;
    // Publishing or subscribing on these subjects is refused: reported to on_error, and nothing is delivered.
    virtual void deny(std::string_view filter) = 0;

    // The bucket's current value, with no connection involved; empty bucket or key: nothing.
    [[nodiscard]] virtual std::vector<std::string> keys(std::string_view bucket) const = 0;
    [[nodiscard]] virtual Result<std::string> value(std::string_view bucket, std::string_view key) const = 0;
    virtual void remove_bucket(std::string_view bucket) = 0;
    // Time-to-live is not simulated by a clock: this expires a key as the server would, without a marker.
    virtual void expire(std::string_view bucket, std::string_view key) = 0;

 protected:
    FakeNatsServer() = default;
};

class FakeNatsConnection {
 public:
    // A connection to that server; starts disconnected like the real one.
    [[nodiscard]] static std::unique_ptr<NatsConnection> create(std::shared_ptr<FakeNatsServer> server,
                                                                ConnectionOptions options = {});
};

}  // namespace harmony::runtime::nats
