// What a bucket does, stated once and run against the fake and against the real server.
#pragma once

#include <functional>

#include "harmony/nats/connection.hpp"

namespace harmony::runtime::nats::testing {

// Each function is one behaviour; it needs a started connection to an empty server.
void bucket_is_created_and_changed(NatsConnection& connection);
void bucket_tells_its_losses(NatsConnection& connection);
void values_are_written_read_and_deleted(NatsConnection& connection);
void keys_and_values_are_loaded(NatsConnection& connection);
void watch_replays_then_follows(NatsConnection& connection);
void watch_survives_recreated_bucket(NatsConnection& connection);
void batch_writes_and_reports(NatsConnection& connection);
void requests_tell_silence_from_absence(NatsConnection& connection);

// Polls until the condition holds; false after ten seconds.
bool eventually(const std::function<bool()>& condition);

}  // namespace harmony::runtime::nats::testing
