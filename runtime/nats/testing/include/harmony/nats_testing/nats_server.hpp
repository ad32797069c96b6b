// A real nats-server for tests: a free loopback port, JetStream in a temporary directory, gone with the
// object.
#pragma once

#include <memory>
#include <string>

#include "harmony/nats/connection.hpp"

namespace harmony::runtime::nats_testing {

struct NatsServerOptions {
    bool jetstream = true;
    // Further lines of the server's configuration, for example an `authorization` block.
    std::string extra_config = {};
};

// Throws std::runtime_error where the server can't be started: a test then fails with the server's log.
class NatsServerFixture {
 public:
    explicit NatsServerFixture(NatsServerOptions options = {});
    ~NatsServerFixture();  // kills the process, removes the directory
    NatsServerFixture(const NatsServerFixture&) = delete;
    NatsServerFixture& operator=(const NatsServerFixture&) = delete;

    [[nodiscard]] std::string url() const;  // nats://127.0.0.1:<port>, the same in every life
    [[nodiscard]] int port() const;
    [[nodiscard]] int pid() const;  // 0 while stopped
    [[nodiscard]] std::string log() const;

    void start();    // returns when it accepts connections
    void stop();     // SIGTERM, waits
    void kill();     // SIGKILL, waits
    void restart();  // stop and start on the same port and directory
    // Takes effect with the next start().
    void set_extra_config(std::string text);
    // Removes the JetStream directory; only while stopped.
    void wipe_storage();

    // A started connection to this server, with a short back-off; throws where it can't connect.
    [[nodiscard]] std::unique_ptr<nats::NatsConnection> connect(nats::Credentials credentials = {},
                                                                nats::ConnectionEvents events = {}) const;
    [[nodiscard]] nats::ConnectionOptions connection_options() const;

 private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace harmony::runtime::nats_testing
