#include "harmony/operator/operator_logic.hpp"

#include <algorithm>
#include <utility>

#include "harmony/contracts/kv.hpp"
#include "harmony/daemon/logging.hpp"
#include "harmony/operator/store_keeper.hpp"

namespace harmony::op {

namespace daemon = runtime::daemon;
namespace nats = runtime::nats;
using contracts::Timestamp;

namespace {

constexpr daemon::Logger kLog("core");
constexpr std::size_t kBatchWrites = 4096;  // one window of the writer
constexpr std::int64_t kTickMicroseconds = 200'000;
constexpr std::int64_t kCheckMicroseconds = 10'000'000;
constexpr const char* kForeignKey = "neither a device's deployment nor its index";

}  // namespace

OperatorLogic::OperatorLogic(std::unique_ptr<ResourceStore> store, OperatorOptions options,
                             OperatorPorts ports, daemon::HealthRegistry& health,
                             daemon::MetricsRegistry& metrics, Timestamp now)
    : OperatorLogic(
          [&](Reducer& reducer) {
              return std::make_unique<StoreKeeper>(std::move(store), reducer, options.name_space, health);
          },
          options, std::move(ports), health, metrics, now) {}

OperatorLogic::OperatorLogic(const KeeperFactory& make_keeper, const OperatorOptions& options,
                             OperatorPorts ports, daemon::HealthRegistry& health,
                             daemon::MetricsRegistry& metrics, Timestamp now)
    : reducer_(options.reducer),
      keeper_(make_keeper(reducer_)),
      ports_(std::move(ports)),
      api_(*keeper_, reducer_, ignored_, {options.name_space, options.version, now},
           [this] { return readiness(); }),
      devices_(metrics.gauge("harmony_operator_devices", "Devices that are registered.")),
      online_(metrics.gauge("harmony_operator_devices_online", "Devices whose heartbeat is fresh.")),
      deployments_(metrics.gauge("harmony_operator_deployments", "Deployments in the store.")),
      waiting_(metrics.gauge("harmony_operator_devices_waiting",
                             "Devices whose desired state is still to be written.")),
      hints_(metrics.gauge("harmony_operator_hints_repeated",
                           "Times a device was told anew what it should hold.")),
      ignored_gauge_(
          metrics.gauge("harmony_operator_ignored_entries", "Entries of the buckets that are ignored now.")),
      writes_(metrics.counter("harmony_operator_writes_total", "Writes handed to the buckets.")),
      failed_batches_(
          metrics.counter("harmony_operator_failed_batches_total", "Batches of writes that failed.")),
      requests_(metrics.counter("harmony_operator_api_requests_total", "Requests of the fleet API.")),
      sync_flag_(health.add_flag(daemon::CheckKind::Readiness, "desired-state", "not read yet")) {}

Result<void> OperatorLogic::restore(Timestamp now) {
    if (auto restored = keeper_->restore(now); !restored) return restored;
    const FleetCounts counts = reducer_.counts();
    kLog.info("resources read", {{"devices", counts.devices}, {"deployments", counts.deployments}});
    return {};
}

void OperatorLogic::handle(OperatorEvent item, Timestamp now) {
    if (auto* event = std::get_if<Event>(&item)) {
        reducer_.apply(*event, now);
    } else if (auto* info = std::get_if<contracts::DeviceInfo>(&item)) {
        keeper_->take_device(std::move(*info), now);
    } else if (auto* request = std::get_if<nats::Message>(&item)) {
        answer(*request, now);
    } else if (auto* caught_up = std::get_if<CaughtUp>(&item)) {
        caught_up_[static_cast<std::size_t>(caught_up->source)] = true;
    } else if (std::holds_alternative<ConnectedAgain>(item)) {
        reducer_.apply(BucketUncertain{}, now);
        writer_->ensure_buckets();
    } else if (std::holds_alternative<BucketLost>(item)) {
        reducer_.apply(BucketUncertain{}, now);
    } else if (std::holds_alternative<BucketTrouble>(item)) {
        writer_->ensure_buckets();
    } else if (auto* done = std::get_if<BatchDone>(&item)) {
        --batches_in_flight_;
        if (done->all_written) {
            reducer_.apply(WritesAcknowledged{done->number}, now);
        } else {
            failed_batches_.add();
            reducer_.apply(BucketUncertain{}, now);
        }
    } else if (const auto* change = std::get_if<IgnoredChange>(&item)) {
        ignored_.take(*change, now);
    } else if (auto* cluster = std::get_if<ClusterEvent>(&item)) {
        keeper_->hear(std::move(*cluster), now);
    } else {
        load_in_flight_ = false;
        take_foreign_keys(now);
    }
}

void OperatorLogic::take_foreign_keys(Timestamp now) {
    const std::string bucket(contracts::kDesiredStateBucket);
    for (const std::string& key : reducer_.foreign_keys()) {
        if (ignored_.take({bucket, key, kForeignKey}, now))
            kLog.warning("an entry is left alone", {{"key", key}, {"error", kForeignKey}});
    }
    ignored_.replace(bucket, reducer_.foreign_keys(), kForeignKey, now);
}

void OperatorLogic::advance(Timestamp now) {
    if (const bool acts = keeper_->acting(); acts != std::exchange(acting_, acts)) {
        // Another one may have written since.
        if (acting_) reducer_.apply(BucketUncertain{}, now);
        if (ports_.on_acting) ports_.on_acting(acting_);
    }
    // So that nothing is written that another has moved on from. A cluster's Deployments are told after its
    // devices: who is told of during a rollout has joined it.
    if (has_told(Source::DeviceInfo)) keeper_->adopt(now);
    if (all_told() && acting_) keeper_->advance_rollouts(now);
    drive_writer(now);  // before the disk: a device need not wait for it
    keeper_->store_devices(now);
    const std::int64_t since = now.microseconds() - last_tick_.microseconds();
    if (since >= kTickMicroseconds || since < 0) {
        last_tick_ = now;
        tick(now);
    }
    if (!acting_) return;
    keeper_->release_deployments(now);
    for (LateReply& late : keeper_->release_devices(now)) {
        if (!late.subject.empty()) ports_.reply(late.subject, std::move(late.reply));
    }
}

Timestamp OperatorLogic::next_due() const {
    return Timestamp::from_microseconds(last_tick_.microseconds() + kTickMicroseconds);
}

bool OperatorLogic::settled() const {
    return ready_ && reducer_.settled() && keeper_->settled() && !load_in_flight_ && batches_in_flight_ == 0;
}

void OperatorLogic::answer(const nats::Message& request, Timestamp now) {
    requests_.add();
    keeper_->store_devices(now);  // so that a list shows every device that was heard of before
    ApiAnswer answer = api_.answer(request.subject, request.payload, request.reply, now);
    if (request.reply.empty() || answer.later) return;
    if (!answer.incomplete) {
        ports_.reply(request.reply, std::move(answer.reply));
        return;
    }
    if (ports_.look_up({request.reply, std::move(*answer.incomplete), std::move(answer.wanted)})) return;
    ports_.reply(request.reply, contracts::RemoteError{contracts::RemoteErrorKind::RuntimeUnavailable,
                                                       "too many requests wait"}
                                    .encode());
}

void OperatorLogic::tick(Timestamp now) {
    reducer_.apply(Tick{}, now);
    // Before that a status would take back what the last operator has seen.
    if (all_told()) keeper_->keep_statuses(reducer_.take_statuses(now), now);
    publish_gauges();
    const std::int64_t since = now.microseconds() - last_check_.microseconds();
    if (!ready_ || (since >= 0 && since < kCheckMicroseconds)) return;
    last_check_ = now;
    writer_->check(reducer_.keys_written());
}

bool OperatorLogic::has_told(Source source) const {
    return caught_up_[static_cast<std::size_t>(source)];
}

bool OperatorLogic::all_told() const {
    return std::all_of(caught_up_.begin(), caught_up_.end(), [](bool done) { return done; });
}

void OperatorLogic::drive_writer(Timestamp now) {
    if (!all_told() || !keeper_->complete()) return;
    if (!acting_) return become_ready();  // another one writes
    if (!reducer_.in_sync()) {
        ready_ = false;
        sync_flag_->fail("the bucket is being read");
        if (load_in_flight_) return;
        load_in_flight_ = true;
        writer_->load();
        return;
    }
    while (batches_in_flight_ < DesiredWriter::kMaxBatches) {
        WriteBatchAction batch = reducer_.take_writes(kBatchWrites, now);
        if (batch.writes.empty()) break;
        writes_.add(batch.writes.size());
        ++batches_in_flight_;
        writer_->write(std::move(batch));
    }
    become_ready();
}

void OperatorLogic::become_ready() {
    if (ready_) return;
    ready_ = true;
    sync_flag_->pass();
}

Readiness OperatorLogic::readiness() const {
    if (!ports_.connected()) return {false, "not connected to NATS"};
    if (!ready_ || (acting_ && !reducer_.in_sync())) return {false, "the buckets have not been read yet"};
    return {true, ""};
}

void OperatorLogic::publish_gauges() {
    const FleetCounts counts = reducer_.counts();
    devices_.set(static_cast<double>(counts.devices));
    online_.set(static_cast<double>(counts.online));
    deployments_.set(static_cast<double>(counts.deployments));
    waiting_.set(static_cast<double>(counts.waiting_devices));
    hints_.set(static_cast<double>(counts.repeated_hints));
    ignored_gauge_.set(static_cast<double>(ignored_.size()));
}

}  // namespace harmony::op
