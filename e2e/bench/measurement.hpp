// What every measurement of a running fleet needs: a connection, waits with an end, and failures that say
// what of.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <string>
#include <thread>

#include "harmony/nats/connection.hpp"

namespace harmony::bench {

using Clock = std::chrono::steady_clock;

[[noreturn]] inline void give_up(const std::string& what) {
    std::fprintf(stderr, "%s\n", what.c_str());
    std::exit(1);
}

template <class Value, class Failure>
Value must(tl::expected<Value, Failure> result, const std::string& what) {
    if (!result) give_up(what + ": " + result.error().text());
    if constexpr (!std::is_void_v<Value>) return *std::move(result);
}

inline double milliseconds_since(Clock::time_point start) {
    return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

template <class Condition>
void wait_for(const std::string& what, std::chrono::seconds limit, Condition done) {
    const auto deadline = Clock::now() + limit;
    while (!done()) {
        if (Clock::now() > deadline)
            give_up(what + " did not happen within " + std::to_string(limit.count()) + " s");
        std::this_thread::sleep_for(std::chrono::microseconds(500));
    }
}

// A line on stderr, but not more often than every ten seconds.
class Progress {
 public:
    void tell(const std::string& how_far) {
        if (Clock::now() < next_) return;
        std::fprintf(stderr, "-- %s\n", how_far.c_str());
        next_ += kInterval;
    }

 private:
    static constexpr std::chrono::seconds kInterval{10};
    Clock::time_point next_ = Clock::now() + kInterval;
};

// Until `count()` has come to `target`; gives up when it has not grown for as long as `patience`. Tells how
// far it is, and so does the failure.
template <class Count>
void wait_for_count(const std::string& what, std::chrono::seconds patience, std::uint64_t target,
                    Count count) {
    auto grown_at = Clock::now();
    Progress progress;
    std::uint64_t most = 0;
    for (std::uint64_t now = count(); now < target; now = count()) {
        const std::string far = std::to_string(now) + " of " + std::to_string(target) + " " + what;
        if (now > most) grown_at = Clock::now();
        most = std::max(most, now);
        if (Clock::now() > grown_at + patience)
            give_up("nothing moved for " + std::to_string(patience.count()) + " s: " + far);
        progress.tell(far);
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
}

// As the administrator; "-" is a server without users.
inline std::unique_ptr<runtime::nats::NatsConnection> connect(const std::string& url,
                                                              const std::string& password_file) {
    runtime::nats::ConnectionOptions options;
    options.urls = {url};
    options.name = "harmony-bench";
    options.retry_first_connect = false;
    options.write_at_once = true;
    if (password_file != "-") {
        options.credentials.user = "admin";
        std::ifstream password(password_file);
        if (!std::getline(password, options.credentials.password)) give_up("cannot read " + password_file);
    }
    auto connection = runtime::nats::make_nats_connection(options);
    must(connection->start({}), "connect");
    return connection;
}

}  // namespace harmony::bench
