// The few JetStream API messages this library needs, parsed once.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "harmony/nats/connection.hpp"
#include "harmony/nats/entry.hpp"

namespace harmony::runtime::nats {

// Codes of the server's API errors that decide something here.
inline constexpr int kStreamNotFound = 10059;
inline constexpr int kConsumerNotFound = 10014;
inline constexpr int kStreamNameInUse = 10058;

// Sends one API request and returns its answer. The error's kind: NotFound for a missing stream or consumer,
// Conflict for a name in use with other settings, Unavailable without JetStream or while it can't serve.
Result<nlohmann::json> api_request(NatsConnection& connection, const std::string& subject,
                                   const nlohmann::json& body, Milliseconds timeout);

// The error inside an API answer or a publish acknowledgement; nothing wrong: a success.
Result<void> api_error(const nlohmann::json& answer, std::string_view context);

// The sequence in a publish acknowledgement.
Result<std::uint64_t> parse_ack(const Message& reply, std::string_view context);

std::string stream_of(std::string_view bucket);                         // KV_<bucket>
std::string subject_of(std::string_view bucket, std::string_view key);  // $KV.<bucket>.<key>
bool is_deletion(const Message& message);
// NATS token rules for keys, checked before anything is sent.
Result<void> check_key(std::string_view key);
Message deletion_message(std::string_view bucket, std::string_view key);

}  // namespace harmony::runtime::nats
