#include "harmony/agent/broker_writer.hpp"

#include "harmony/contracts/kv.hpp"

namespace harmony::agent {

namespace nats = runtime::nats;

namespace {

constexpr nats::Milliseconds kConfirmTimeout{2'000};

}  // namespace

BrokerWriter::BrokerWriter(nats::NatsConnection& connection, contracts::DeviceId device)
    : connection_(connection), device_(std::move(device)) {}

Result<void> BrokerWriter::write_info(const contracts::DeviceInfo& info) {
    return put(contracts::kDeviceInfoBucket, contracts::device_info_key(device_), info.encode(), false);
}

Result<void> BrokerWriter::write_state(const StateBook::Write& write) {
    return put(contracts::kDeviceStateBucket, contracts::device_state_key(device_, write.deployment),
               write.state ? write.state->encode() : std::string(), !write.state);
}

Result<void> BrokerWriter::put(std::string_view bucket, const std::string& key, std::string value,
                               bool deletes) {
    nats::Message message;
    message.subject = contracts::kv_subject(bucket, key);
    message.payload = std::move(value);
    if (deletes) {
        message.headers.push_back(
            {std::string(contracts::kKvOperationHeader), std::string(contracts::kKvOperationDelete)});
    }
    const auto reply = connection_.request(message, kConfirmTimeout);
    if (!reply) return fail(reply.error().wrap(message.subject));
    // The confirmation of a stream is {"stream":...,"seq":...}; a refusal has an "error" member.
    if (reply->payload.find("\"error\"") != std::string::npos) {
        return fail(ErrorKind::Internal, message.subject + ": refused by the stream: " + reply->payload);
    }
    return {};
}

}  // namespace harmony::agent
