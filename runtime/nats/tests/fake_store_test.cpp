#include <catch2/catch.hpp>

#include "harmony/nats/fake_connection.hpp"
#include "store_behaviour.hpp"

namespace harmony::runtime::nats::testing {
namespace {

void on_fake(void (*behaviour)(NatsConnection&)) {
    const auto connection = FakeNatsConnection::create(FakeNatsServer::create());
    REQUIRE(connection->start({}));
    behaviour(*connection);
}

}  // namespace

TEST_CASE("a bucket is created, kept and changed on the fake") {
    on_fake(bucket_is_created_and_changed);
}
TEST_CASE("a bucket that has lost entries shows it on the fake") {
    on_fake(bucket_tells_its_losses);
}
TEST_CASE("values are written, read and deleted on the fake") {
    on_fake(values_are_written_read_and_deleted);
}
TEST_CASE("keys and values are loaded with and without a filter on the fake") {
    on_fake(keys_and_values_are_loaded);
}
TEST_CASE("a watch replays and then follows on the fake") {
    on_fake(watch_replays_then_follows);
}
TEST_CASE("a watch survives a missing and a recreated bucket on the fake") {
    on_fake(watch_survives_recreated_bucket);
}
TEST_CASE("a batch writes everything and reports each failure on the fake") {
    on_fake(batch_writes_and_reports);
}
TEST_CASE("a request tells silence from absence on the fake") {
    on_fake(requests_tell_silence_from_absence);
}

}  // namespace harmony::runtime::nats::testing
