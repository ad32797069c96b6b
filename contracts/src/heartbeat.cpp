#include "harmony/contracts/heartbeat.hpp"

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

}  // namespace

Result<Heartbeat> Heartbeat::decode(std::string_view json) {
    // Four times the limit leaves room for fields that a later agent may add.
    return decode_document<Heartbeat>(json, 4 * kHeartbeatBytesLimit, read_heartbeat);
}

std::string Heartbeat::encode() const {
    std::string version;
    std::copy_if(agent_version.begin(), agent_version.end(), std::back_inserter(version),
                 is_version_character);
    version.resize(std::min(version.size(), kHeartbeatVersionBytes));
    // Canonical as it stands: sorted, and nothing in it needs an escape.
    return R"({"agent_version":")" + version + R"(","at":)" +
           std::to_string(std::clamp<std::int64_t>(at, 0, kMaxAt)) + R"(,"desired_digest":")" +
           (is_hex16(desired_digest) ? desired_digest : std::string(16, '0')) + "\"}";
}

}  // namespace harmony::contracts
