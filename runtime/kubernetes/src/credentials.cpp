#include "credentials.hpp"

#include <ctime>

#include "status.hpp"

namespace harmony::runtime::kubernetes {
namespace {

// A kubelet replaces a pod's token long before its end; other clients read it again every minute, too.
constexpr std::chrono::seconds kTokenFileAge{60};
// A credential that ends within this is renewed first.
constexpr std::int64_t kExpirySlack_s = 10;

std::int64_t now_s() {
    return static_cast<std::int64_t>(std::time(nullptr));
}

std::string utc_text(std::int64_t seconds) {
    const std::time_t time = seconds;
    std::tm parts{};
    gmtime_r(&time, &parts);
    char text[40];
    return {text, std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts)};
}

bool printable(const std::string& token) {
    for (const char c : token) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte <= 0x20 || byte >= 0x7f) return false;
    }
    return !token.empty();
}

std::string trimmed(std::string text) {
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' '))
        text.pop_back();
    return text;
}

Answer<std::string> bearer(const std::string& token, const std::string& origin) {
    if (!printable(token))
        return refuse(Reason::Configuration, origin + ": the token is empty or not printable");
    return "Bearer " + token;
}

}  // namespace

Credentials::Credentials(const ClusterAccess& access, CertificateHandler on_certificate)
    : access_(access), on_certificate_(std::move(on_certificate)) {}

Answer<std::string> Credentials::authorization(Clock::time_point deadline) {
    if (auto header = at_hand()) return std::move(*header);
    const std::unique_lock one_at_a_time(plugin_mutex_);
    if (auto header = at_hand()) return std::move(*header);  // another thread has just run it
    if (const auto ran = run_plugin(deadline); !ran) return refuse(ran.error());
    const std::unique_lock lock(mutex_);
    return from_plugin();
}

std::optional<Answer<std::string>> Credentials::at_hand() {
    const std::unique_lock lock(mutex_);
    if (access_.exec && plugin_is_due()) return std::nullopt;
    if (access_.exec) return from_plugin();
    if (!access_.token_file.empty()) return from_file();
    if (!access_.token.empty()) return bearer(access_.token, access_.origin);
    return std::string{};
}

Answer<std::string> Credentials::from_file() {
    if (!read_at_ || Clock::now() - *read_at_ > kTokenFileAge) {
        auto contents = read_credential_file(access_.token_file);
        // While the file is being replaced, the token from before is still good.
        if (!contents && token_.empty()) return refuse(contents.error());
        if (contents) token_ = trimmed(std::move(*contents));
        read_at_ = Clock::now();
    }
    return bearer(token_, access_.token_file);
}

bool Credentials::plugin_is_due() const {
    if (!credential_) return true;
    return credential_->expires_at && *credential_->expires_at - kExpirySlack_s <= now_s();
}

Answer<void> Credentials::run_plugin(Clock::time_point deadline) {
    auto fresh = run_exec_plugin(*access_.exec, access_, deadline);
    if (!fresh) return refuse(fresh.error());
    const std::unique_lock lock(mutex_);
    const bool new_key = !fresh->client_key_pem.empty() &&
                         (!credential_ || credential_->client_key_pem != fresh->client_key_pem);
    if (new_key) {
        const auto used = on_certificate_(fresh->client_certificate_pem, fresh->client_key_pem);
        if (!used) return refuse(used.error());
    }
    token_ = fresh->token;
    credential_ = std::move(*fresh);
    return {};
}

Answer<std::string> Credentials::from_plugin() const {
    if (token_.empty()) return std::string{};
    return bearer(token_, "credential plugin " + access_.exec->command);
}

bool Credentials::refused() {
    const std::unique_lock lock(mutex_);
    read_at_.reset();
    credential_.reset();
    return access_.exec.has_value() || !access_.token_file.empty();
}

std::string Credentials::suspicion() const {
    const std::unique_lock lock(mutex_);
    const std::string& token = access_.exec || !access_.token_file.empty() ? token_ : access_.token;
    if (token.empty()) {
        return access_.client_key_pem.empty()
                   ? "no credentials are configured in " + access_.origin
                   : "is the client certificate of " + access_.origin + " still valid?";
    }
    const auto expiry = token_expiry(token);
    if (expiry && *expiry <= now_s())
        return "the token of " + access_.origin + " expired at " + utc_text(*expiry);
    return "the token of " + access_.origin + " is not known to the server";
}

}  // namespace harmony::runtime::kubernetes
