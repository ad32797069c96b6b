#include "harmony/contracts/heartbeat.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

#include "harmony/contracts/canonical_json.hpp"
#include "json_field.hpp"

namespace harmony::contracts {

namespace {

constexpr std::int64_t kMaxAt = 9'999'999'999;  // ten digits: until the year 2286

bool is_version_character(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' ||
           c == '+' || c == '-' || c == '_';
}

void read_heartbeat(const Field& root, Heartbeat& out) {
    const auto version = root.required("agent_version");
    version.text(out.agent_version, 0, kHeartbeatVersionBytes);
    if (version.present() &&
        !std::all_of(out.agent_version.begin(), out.agent_version.end(), is_version_character)) {
        version.reject("letters, digits and \".+-_\"");
    }
    root.required("at").integer(out.at, 0, kMaxAt);
    root.required("desired_digest").hash(out.desired_digest);
}

constexpr std::string_view kBeforeVersion = R"({"agent_version":")";
constexpr std::string_view kBeforeAt = R"(","at":)";
constexpr std::string_view kBeforeDigest = R"(,"desired_digest":")";
constexpr std::string_view kAfterDigest = R"("})";

bool take(std::string_view& text, std::string_view literal) {
    if (text.substr(0, literal.size()) != literal) return false;
    text.remove_prefix(literal.size());
    return true;
}

// What encode() writes, which is nearly all that an operator ever gets, read without a document being built.
// Nothing for any other spelling, right or wrong.
std::optional<Heartbeat> read_canonical(std::string_view json) {
    Heartbeat out;
    if (!take(json, kBeforeVersion)) return std::nullopt;
    const std::size_t version = std::min(json.find('"'), json.size());
    if (version > kHeartbeatVersionBytes) return std::nullopt;
    out.agent_version = json.substr(0, version);
    if (!std::all_of(out.agent_version.begin(), out.agent_version.end(), is_version_character)) {
        return std::nullopt;
    }
    json.remove_prefix(version);
    if (!take(json, kBeforeAt) || json.empty() || json.front() < '0' || json.front() > '9')
        return std::nullopt;
    const auto number = std::from_chars(json.data(), json.data() + json.size(), out.at);
    const auto digits = static_cast<std::size_t>(number.ptr - json.data());
    if (number.ec != std::errc() || out.at > kMaxAt || (json.front() == '0' && digits > 1))
        return std::nullopt;
    json.remove_prefix(digits);
    if (!take(json, kBeforeDigest) || json.size() != 16 + kAfterDigest.size()) return std::nullopt;
    out.desired_digest = json.substr(0, 16);
    if (!is_hex16(out.desired_digest) || json.substr(16) != kAfterDigest) return std::nullopt;
    return out;
}

}  // namespace

Result<Heartbeat> Heartbeat::decode(std::string_view json) {
    if (auto canonical = read_canonical(json)) return *std::move(canonical);
    // Four times the limit leaves room for fields that a later agent may add.
    return decode_document<Heartbeat>(json, 4 * kHeartbeatBytesLimit, read_heartbeat);
}

std::string Heartbeat::encode() const {
    std::string version;
    std::copy_if(agent_version.begin(), agent_version.end(), std::back_inserter(version),
                 is_version_character);
    version.resize(std::min(version.size(), kHeartbeatVersionBytes));
    // Canonical as it stands: sorted, and nothing in it needs an escape.
    std::string out(kBeforeVersion);
    out += version;
    out += kBeforeAt;
    out += std::to_string(std::clamp<std::int64_t>(at, 0, kMaxAt));
    out += kBeforeDigest;
    out += is_hex16(desired_digest) ? desired_digest : std::string(16, '0');
    out += kAfterDigest;
    return out;
}

}  // namespace harmony::contracts
