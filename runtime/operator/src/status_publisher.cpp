#include "harmony/operator/status_publisher.hpp"

#include <pthread.h>

#include <algorithm>
#include <condition_variable>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <thread>
#include <utility>

#include "harmony/daemon/logging.hpp"
#include "harmony/kubernetes/objects.hpp"
#include "harmony/operator/cluster_worker.hpp"

namespace harmony::op {

namespace kubernetes = runtime::kubernetes;
using kubernetes::Reason;
using Clock = std::chrono::steady_clock;
using Json = nlohmann::json;
using namespace std::chrono_literals;

namespace {

constexpr runtime::daemon::Logger kLog("cluster");
constexpr auto kInterval = 1s;
constexpr auto kRetryFirst = 1s;
constexpr auto kRetryMost = 30s;
constexpr std::size_t kMostNotes = 32;  // that wait, of one Deployment

struct Waiting {
    StatusWish wish;
    Clock::time_point at;  // not before
    std::chrono::milliseconds retry = kRetryFirst;
};

class Publisher final : public StatusPublisher {
 public:
    Publisher(kubernetes::KubernetesClient& client, std::string name_space, std::function<bool()> leading,
              runtime::daemon::MetricsRegistry& metrics)
        : client_(client),
          name_space_(std::move(name_space)),
          leading_(std::move(leading)),
          written_(metrics.counter("harmony_operator_statuses_written_total", "Statuses of Deployments.")),
          failed_(metrics.counter("harmony_operator_statuses_failed_total",
                                  "Statuses of Deployments that the API server did not take.")),
          events_(metrics.counter("harmony_operator_events_recorded_total", "Events on Deployments.")) {
        thread_ = std::jthread([this](const std::stop_token& stop) {
            pthread_setname_np(pthread_self(), "cluster-status");
            run(stop);
        });
    }
    ~Publisher() override { stop(); }

    void publish(StatusWish wish) override {
        {
            const std::lock_guard lock(mutex_);
            add(std::move(wish));
        }
        changed_.notify_all();
    }

    void stop() override {
        thread_.request_stop();
        if (thread_.joinable()) thread_.join();
    }

 private:
    void add(StatusWish wish) {
        const auto [place, fresh] = waiting_.try_emplace(wish.deployment);
        Waiting& waiting = place->second;
        if (fresh) {
            const auto last = last_.find(wish.deployment);
            waiting.at = last == last_.end() ? Clock::now() : last->second + kInterval;
        }
        if (waiting.wish.uid == wish.uid) {
            auto& notes = waiting.wish.notes;
            std::move(wish.notes.begin(), wish.notes.end(), std::back_inserter(notes));
            if (notes.size() > kMostNotes)
                notes.erase(notes.begin(), notes.end() - static_cast<std::ptrdiff_t>(kMostNotes));
            if (!wish.status.empty()) waiting.wish.status = std::move(wish.status);
        } else {
            waiting.wish = std::move(wish);
        }
    }

    void run(const std::stop_token& stop) {
        while (!stop.stop_requested()) {
            auto next = take(stop);
            if (!next) continue;
            if (!leading_()) continue;  // whoever leads says it
            const std::string name = next->wish.deployment;
            const bool done = perform(next->wish);
            const std::lock_guard lock(mutex_);
            if (done) {
                note_written(name);
                continue;
            }
            failed_.add();
            const auto [place, fresh] = waiting_.try_emplace(name, *next);
            Waiting& waiting = place->second;
            if (waiting.wish.uid != next->wish.uid) continue;  // what is wanted now is of another one
            if (!fresh && waiting.wish.status.empty()) waiting.wish.status = next->wish.status;
            if (!fresh) {
                waiting.wish.notes.insert(waiting.wish.notes.begin(), next->wish.notes.begin(),
                                          next->wish.notes.end());
            }
            waiting.retry = std::min<std::chrono::milliseconds>(next->retry * 2, kRetryMost);
            waiting.at = Clock::now() + next->retry;
        }
    }

    std::optional<Waiting> take(const std::stop_token& stop) {
        std::unique_lock lock(mutex_);
        const auto now = Clock::now();
        auto first = std::min_element(waiting_.begin(), waiting_.end(),
                                      [](const auto& a, const auto& b) { return a.second.at < b.second.at; });
        if (first == waiting_.end() || first->second.at > now) {
            const auto until = first == waiting_.end() ? now + 1s : std::min(first->second.at, now + 1s);
            changed_.wait_until(lock, stop, until, [&] {
                return std::any_of(waiting_.begin(), waiting_.end(),
                                   [&](const auto& one) { return one.second.at <= Clock::now(); });
            });
            return std::nullopt;
        }
        auto taken = std::move(first->second);
        waiting_.erase(first);
        return taken;
    }

    // Only what was written a moment ago holds the next one back.
    void note_written(const std::string& name) {
        const auto now = Clock::now();
        last_[name] = now;
        if (const auto next = waiting_.find(name); next != waiting_.end())
            next->second.at = std::max(next->second.at, now + kInterval);
        std::erase_if(last_, [&](const auto& one) { return now - one.second > 2 * kInterval; });
    }

    // False: to be tried again. What was done is taken out of the wish, and what is left when another one
    // leads is its business.
    bool perform(StatusWish& wish) {
        if (!wish.status.empty()) {
            const auto written = write(wish);
            if (!written) return conclude("status", wish, written.error());
            written_.add();
            wish.status.clear();
        }
        while (!wish.notes.empty() && leading_()) {
            const auto recorded = record(wish, wish.notes.front());
            if (!recorded) return conclude("event", wish, recorded.error());
            events_.add();
            wish.notes.erase(wish.notes.begin());
        }
        return true;
    }

    // True: not to be tried again.
    bool conclude(const char* what, const StatusWish& wish, const kubernetes::Failure& failure) {
        const bool gone = failure.reason == Reason::NotFound ||
                          failure.reason == Reason::NamespaceTerminating ||
                          (failure.reason == Reason::Conflict && is_gone(wish));
        if (!gone) {
            kLog.warning("not written, will be tried again",
                         {{"what", what}, {"deployment", wish.deployment}, {"error", failure.text()}});
        }
        return gone;
    }

    // A conflict is another Deployment of that name, or somebody who wrote at the same moment.
    bool is_gone(const StatusWish& wish) {
        const auto now = client_.get({deployment_type(), name_space_, wish.deployment}, leader_limits());
        if (!now) return now.error().reason == Reason::NotFound;
        return now->value("/metadata/uid"_json_pointer, std::string()) != wish.uid;
    }

    Json reference(const StatusWish& wish) const {
        return {{"apiVersion", contracts::kApiVersion},
                {"kind", contracts::kDeploymentKind},
                {"metadata", {{"name", wish.deployment}, {"namespace", name_space_}, {"uid", wish.uid}}}};
    }

    kubernetes::Answer<void> write(const StatusWish& wish) {
        Json body = reference(wish);  // with the uid: of another one of that name it is a conflict
        body["status"] = Json::parse(wish.status);
        kubernetes::WriteOptions options;
        options.field_manager = kStatusFieldManager;
        options.force = true;
        options.subresource = "status";
        const auto patched = client_.patch({deployment_type(), name_space_, wish.deployment},
                                           kubernetes::PatchKind::Apply, body, options, leader_limits());
        if (!patched) return kubernetes::refuse(patched.error());
        return {};
    }

    kubernetes::Answer<void> record(const StatusWish& wish, const DeploymentNote& note) {
        const kubernetes::EventNote event{note.warning, note.reason, note.message,
                                          std::string(kFieldManager)};
        return kubernetes::record_event(client_, reference(wish), event, std::chrono::system_clock::now(),
                                        leader_limits());
    }

    kubernetes::KubernetesClient& client_;
    const std::string name_space_;
    const std::function<bool()> leading_;
    runtime::daemon::Counter& written_;
    runtime::daemon::Counter& failed_;
    runtime::daemon::Counter& events_;
    std::mutex mutex_;
    std::condition_variable_any changed_;
    // Guarded by mutex_, by name:
    std::map<std::string, Waiting> waiting_;
    std::map<std::string, Clock::time_point> last_;  // when it was written
    std::jthread thread_;
};

}  // namespace

std::unique_ptr<StatusPublisher> start_status_publisher(kubernetes::KubernetesClient& client,
                                                        std::string name_space, std::function<bool()> leading,
                                                        runtime::daemon::MetricsRegistry& metrics) {
    return std::make_unique<Publisher>(client, std::move(name_space), std::move(leading), metrics);
}

}  // namespace harmony::op
