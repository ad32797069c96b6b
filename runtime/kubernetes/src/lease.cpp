#include "harmony/kubernetes/lease.hpp"

#include <algorithm>
#include <ctime>

namespace harmony::runtime::kubernetes {
namespace {

// MicroTime of the API.
std::string micro_time(std::chrono::system_clock::time_point time) {
    const auto micros =
        std::chrono::duration_cast<std::chrono::microseconds>(time.time_since_epoch()).count();
    const std::time_t seconds = micros / 1'000'000;
    std::tm parts{};
    gmtime_r(&seconds, &parts);
    char text[40];
    const std::size_t length = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
    std::string fraction = std::to_string(1'000'000 + micros % 1'000'000);
    return std::string(text, length) + "." + fraction.substr(1) + "Z";
}

Answer<std::int64_t> whole(const Json& spec, const char* key) {
    const auto found = spec.find(key);
    if (found == spec.end() || found->is_null()) return 0;
    if (!found->is_number_integer()) {
        return refuse(Reason::Malformed, std::string("lease: spec.") + key + " is no whole number");
    }
    return found->get<std::int64_t>();
}

SteadyTime end_of(const LeaseSettings& settings, const LeaseRecord& record, const LeaseView& view) {
    const auto duration = record.duration_s > 0 ? std::chrono::seconds(record.duration_s) : settings.duration;
    return view.unchanged_since + duration;
}

bool expired(const LeaseSettings& settings, const LeaseRecord& record, const LeaseView& view,
             SteadyTime now) {
    return record.resource_version == view.resource_version && now >= end_of(settings, record, view);
}

}  // namespace

ResourceType lease_type() {
    return {"coordination.k8s.io", "v1", "leases", "Lease", true};
}

Answer<LeaseRecord> parse_lease(const Json& object) {
    LeaseRecord record;
    const auto malformed = [](const char* what) {
        return refuse(Reason::Malformed, std::string("lease: ") + what);
    };
    if (!object.is_object()) return malformed("no JSON object");
    const auto metadata = object.find("metadata");
    if (metadata == object.end() || !metadata->is_object()) return malformed("metadata is missing");
    const auto version = metadata->find("resourceVersion");
    if (version == metadata->end() || !version->is_string())
        return malformed("metadata.resourceVersion is missing");
    record.resource_version = version->get<std::string>();
    const auto spec = object.find("spec");
    if (spec == object.end() || spec->is_null()) return record;
    if (!spec->is_object()) return malformed("spec is no map");
    const auto holder = spec->find("holderIdentity");
    if (holder != spec->end() && !holder->is_null()) {
        if (!holder->is_string()) return malformed("spec.holderIdentity is no text");
        record.holder = holder->get<std::string>();
    }
    const auto duration = whole(*spec, "leaseDurationSeconds");
    if (!duration) return refuse(duration.error());
    record.duration_s = static_cast<int>(std::clamp<std::int64_t>(*duration, 0, 3'600));
    const auto transitions = whole(*spec, "leaseTransitions");
    if (!transitions) return refuse(transitions.error());
    record.transitions = std::clamp<std::int64_t>(*transitions, 0, INT32_MAX - 1);
    return record;
}

LeaseStep next_lease_step(const LeaseSettings& settings, const std::optional<LeaseRecord>& record,
                          const LeaseView& view, SteadyTime now) {
    if (!record) return TakeLease{true, 0};
    if (record->holder == settings.identity) return RenewLease{};
    if (record->holder.empty() || expired(settings, *record, view, now)) {
        return TakeLease{false, record->transitions + 1};
    }
    return WaitForLease{settings.renew_interval};
}

LeaseElection::LeaseElection(KubernetesClient& client, LeaseSettings settings)
    : client_(client),
      settings_(std::move(settings)),
      ref_{lease_type(), settings_.name_space, settings_.name} {}

Leadership LeaseElection::leadership(SteadyTime now) const {
    return renewed_ && now - *renewed_ < settings_.renew_deadline ? Leadership::Leader : Leadership::Follower;
}

void LeaseElection::see(const std::string& resource_version, SteadyTime now) {
    if (view_.resource_version == resource_version) return;
    view_ = {resource_version, now};
}

// Two calls must fit into what a leader has left; a call that ends at once is of no use either.
CallLimits LeaseElection::limits(SteadyTime now, std::stop_token stop) const {
    CallLimits limits;
    limits.deadline = settings_.renew_interval;
    limits.stop = std::move(stop);
    if (leadership(now) == Leadership::Follower) return limits;
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(*renewed_ + settings_.renew_deadline - now) / 2;
    limits.deadline = std::clamp(left, std::chrono::milliseconds(50), settings_.renew_interval);
    return limits;
}

Answer<Leadership> LeaseElection::tick(SteadyTime now, std::stop_token stop) {
    const CallLimits limits = this->limits(now, std::move(stop));
    auto current = client_.get(ref_, limits);
    if (!current && current.error().reason != Reason::NotFound) return refuse(current.error());
    std::optional<LeaseRecord> record;
    if (current) {
        auto parsed = parse_lease(*current);
        if (!parsed) return refuse(parsed.error());
        see(parsed->resource_version, now);
        holder_ = parsed->holder;
        record = std::move(*parsed);
    }
    const LeaseStep step = next_lease_step(settings_, record, view_, now);
    const Json empty = Json::object();
    expires_.reset();
    if (const auto* take = std::get_if<TakeLease>(&step))
        return write(take, current ? *current : empty, now, limits);
    if (std::holds_alternative<RenewLease>(step)) return write(nullptr, *current, now, limits);
    renewed_.reset();
    expires_ = end_of(settings_, *record, view_);
    return Leadership::Follower;
}

Answer<Leadership> LeaseElection::write(const TakeLease* take, const Json& current, SteadyTime now,
                                        CallLimits limits) {
    const std::string stamp = micro_time(std::chrono::system_clock::now());
    Json lease = current;
    lease["apiVersion"] = "coordination.k8s.io/v1";
    lease["kind"] = "Lease";
    lease["metadata"]["name"] = settings_.name;
    lease["metadata"]["namespace"] = settings_.name_space;
    Json& spec = lease["spec"];
    if (!spec.is_object()) spec = Json::object();
    spec["holderIdentity"] = settings_.identity;
    spec["leaseDurationSeconds"] = settings_.duration.count();
    spec["renewTime"] = stamp;
    if (take != nullptr) {
        spec["acquireTime"] = stamp;
        spec["leaseTransitions"] = take->transitions;
    }
    // A second write after one that may have been done would not tell ours from somebody else's.
    limits.attempts = 1;
    const bool create = take != nullptr && take->create;
    const auto written =
        create ? client_.create(ref_, lease, {}, limits) : client_.replace(ref_, lease, {}, limits);
    if (!written) {
        const Reason reason = written.error().reason;
        const bool outrun = reason == Reason::Conflict || reason == Reason::AlreadyExists;
        if (!outrun) return refuse(written.error());
        renewed_.reset();
        return Leadership::Follower;
    }
    const auto record = parse_lease(*written);
    if (!record) return refuse(record.error());
    see(record->resource_version, now);
    holder_ = settings_.identity;
    renewed_ = now;
    return Leadership::Leader;
}

Answer<void> LeaseElection::release(const CallLimits& limits) {
    renewed_.reset();
    auto current = client_.get(ref_, limits);
    if (!current) return refuse(current.error());
    const auto record = parse_lease(*current);
    if (!record) return refuse(record.error());
    if (record->holder != settings_.identity) return {};
    (*current)["spec"]["holderIdentity"] = "";
    // The server wants at least one second.
    (*current)["spec"]["leaseDurationSeconds"] = 1;
    const auto written = client_.replace(ref_, *current, {}, limits);
    if (!written) return refuse(written.error());
    return {};
}

}  // namespace harmony::runtime::kubernetes
