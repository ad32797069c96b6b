// The Authorization header of each request: a fixed token, one in a file that is replaced, or what a plugin
// prints.
#pragma once

#include <chrono>
#include <functional>
#include <mutex>
#include <optional>
#include <string>

#include "exec_plugin.hpp"
#include "harmony/kubernetes/access.hpp"

namespace harmony::runtime::kubernetes {

// Thread-safe.
class Credentials {
 public:
    using Clock = std::chrono::steady_clock;
    // Called with the plugin's certificate and key when they are new.
    using CertificateHandler =
        std::function<Answer<void>(const std::string& certificate, const std::string& key)>;

    Credentials(const ClusterAccess& access, CertificateHandler on_certificate);

    // A header's value, empty where none is needed (client certificates). May run the plugin, and waits for
    // one that another thread runs: not on the I/O thread.
    [[nodiscard]] Answer<std::string> authorization(Clock::time_point deadline);
    // The same as far as no plugin has to be run or waited for; nothing otherwise.
    [[nodiscard]] std::optional<Answer<std::string>> at_hand();
    // The server did not accept them: true where other ones may come now.
    [[nodiscard]] bool refused();
    // Why they may have been refused, as far as it can be seen from here; empty: unknown.
    [[nodiscard]] std::string suspicion() const;

 private:
    [[nodiscard]] Answer<std::string> from_file();
    [[nodiscard]] Answer<std::string> from_plugin() const;
    [[nodiscard]] bool plugin_is_due() const;
    [[nodiscard]] Answer<void> run_plugin(Clock::time_point deadline);

    const ClusterAccess access_;
    const CertificateHandler on_certificate_;
    std::mutex plugin_mutex_;  // one plugin runs at a time; locked before the other
    // Never held while a plugin runs: the I/O thread takes it, too.
    mutable std::mutex mutex_;
    std::string token_;  // of the file or the plugin
    std::optional<Clock::time_point> read_at_;
    std::optional<ExecCredential> credential_;
};

}  // namespace harmony::runtime::kubernetes
