#include "harmony/agent/reconciler.hpp"

#include <algorithm>
#include <system_error>
#include <utility>

#include "harmony/contracts/canonical_json.hpp"
#include "harmony/daemon/logging.hpp"

namespace harmony::agent {

namespace podman = runtime::podman;
using namespace std::chrono_literals;
using contracts::DeploymentName;
using contracts::Phase;

namespace {

constexpr runtime::daemon::Logger kLog("reconciler");
// A container that ran this long without help begins its waiting times from the start again.
constexpr auto kStableAfter = 60s;

}  // namespace

// What a worker tells of itself, into the mailbox.
class Reconciler::Pace final : public WorkPace {
 public:
    Pace(contracts::DeploymentName name, std::shared_ptr<Mailbox> mailbox, std::function<void()> wake)
        : name_(std::move(name)), mailbox_(std::move(mailbox)), wake_(std::move(wake)) {}

    void wait_begins() override {
        bool another_may_begin = false;
        {
            const std::lock_guard lock(mailbox_->mutex);
            ++mailbox_->waiting;
            another_may_begin = std::exchange(mailbox_->refused, false);
        }
        if (another_may_begin && wake_) wake_();
    }
    void wait_ends() override {
        const std::lock_guard lock(mailbox_->mutex);
        --mailbox_->waiting;
    }
    void progress(std::string text) override {
        const std::lock_guard lock(mailbox_->mutex);
        mailbox_->progress.insert_or_assign(name_, std::move(text));
    }

 private:
    contracts::DeploymentName name_;
    std::shared_ptr<Mailbox> mailbox_;
    std::function<void()> wake_;
};

Reconciler::Reconciler(ReconcilerOptions options, RuntimeFactory runtimes, Executor executor, StateBook& book,
                       const Clock& clock)
    : options_(std::move(options)),
      owned_labels_(owned_labels(options_.device)),
      runtimes_(std::move(runtimes)),
      executor_(std::move(executor)),
      book_(book),
      clock_(clock) {}

void Reconciler::set_desired(const HeldDesired& held) {
    desired_known_ = true;
    for (auto& [name, deployment] : deployments_) {
        if (held.contains(name) || deployment.removing) continue;
        deployment.removing = true;
        deployment.desired.reset();
        deployment.invalid.clear();
        start_over(deployment);
    }
    for (const auto& [name, value] : held) {
        Deployment& deployment = deployments_[name];
        const std::string hash = contracts::value_hash(value);
        if (!deployment.removing && deployment.score_hash == hash) continue;
        deployment.removing = false;
        deployment.score_hash = hash;
        set_score(deployment, name, value);
        start_over(deployment);
    }
    // What the last life told of deployments that went while the agent was down.
    std::vector<DeploymentName> gone;
    for (const auto& [name, state] : book_.states()) {
        if (!deployments_.contains(name)) gone.push_back(name);
    }
    for (const DeploymentName& name : gone) {
        Deployment& deployment = deployments_[name];
        deployment.removing = true;
    }
}

void Reconciler::set_score(Deployment& deployment, const DeploymentName& name, const std::string& value) {
    deployment.desired.reset();
    deployment.invalid.clear();
    auto score = contracts::Score::decode(value).and_then(contracts::PodmanV0::from_score);
    if (!score) {
        deployment.invalid = "score: " + score.error().text();
        return;
    }
    deployment.desired = containers_of(options_.device, name, *score);
}

void Reconciler::start_over(Deployment& deployment) {
    deployment.stop.request_stop();
    deployment.backoff.reset();
    deployment.next_attempt = {};
    deployment.last_attempt.reset();
    deployment.failure.reset();
    deployment.initialized = false;
}

void Reconciler::collect_finished() {
    std::vector<Finished> finished;
    {
        const std::lock_guard lock(mailbox_->mutex);
        finished.swap(mailbox_->finished);
    }
    for (const Finished& work : finished) {
        const auto found = deployments_.find(work.name);
        if (found != deployments_.end()) take_result(found->second, work.name, work.performed);
    }
}

void Reconciler::take_result(Deployment& deployment, const DeploymentName& name, const Performed& performed) {
    deployment.at_work = false;
    // Somebody may have looked while the work went on.
    for (const std::string& id : deployment.started_here) {
        started_at_.erase(id);
        restarted_.erase(id);
    }
    if (deployment.stop.stop_requested()) return;  // it was for an earlier score
    deployment.initialized = deployment.initialized || performed.initialized;
    deployment.next_attempt = clock_.steady() + deployment.backoff.next();
    if (performed.outcome) {
        deployment.failure.reset();
        return;
    }
    deployment.failure = performed.outcome.error().text();
    kLog.warning("an attempt failed", {{"deployment", name.str()}, {"error", *deployment.failure}});
}

void Reconciler::tick() {
    next_due_.reset();
    collect_finished();
    if (!options_.runtime_enabled) return disable_all();
    auto observed = observe();
    if (!observed) return;
    if (desired_known_) {
        for (const auto& [name, containers] : *observed) {
            if (deployments_.contains(name)) continue;
            deployments_[name].removing = true;
        }
    }
    for (auto entry = deployments_.begin(); entry != deployments_.end();) {
        const bool gone = step(entry->first, entry->second, (*observed)[entry->first]);
        entry = gone ? deployments_.erase(entry) : std::next(entry);
    }
}

void Reconciler::disable_all() {
    for (auto entry = deployments_.begin(); entry != deployments_.end();) {
        if (entry->second.removing) {
            book_.remove(entry->first);
            entry = deployments_.erase(entry);
            continue;
        }
        report(entry->first, entry->second,
               {Phase::Failed, "this device runs no containers (agent.runtime_enabled = false)", {}});
        ++entry;
    }
}

std::optional<std::map<DeploymentName, Reconciler::Containers>> Reconciler::observe() {
    if (!runtime_) runtime_ = runtimes_();
    auto listed = runtime_->list(owned_labels_);
    if (!listed) {
        report_unavailable(listed.error());
        return std::nullopt;
    }
    if (unavailable_since_) kLog.info("the container runtime answers again");
    unavailable_since_.reset();
    unavailable_backoff_.reset();
    if (!runtime_info_) {
        if (auto info = runtime_->info()) runtime_info_ = *std::move(info);
    }
    notice_restarts(*listed);
    std::map<DeploymentName, Containers> grouped;
    for (podman::Container& container : *listed) {
        auto name = DeploymentName::parse(label_of(container, contracts::kDeploymentLabel));
        if (name) grouped[*name].push_back(std::move(container));
    }
    return grouped;
}

void Reconciler::report_unavailable(const Error& error) {
    const SteadyTime now = clock_.steady();
    if (!unavailable_since_) {
        unavailable_since_ = now;
        kLog.warning("the container runtime does not answer", {{"error", error.text()}});
    }
    unavailable_reason_ = "RuntimeUnavailable: " + error.text();
    runtime_info_.reset();
    wake_at(now + unavailable_backoff_.next());
    for (auto& [name, deployment] : deployments_) {
        if (deployment.removing) continue;
        const contracts::DeploymentState* known = book_.find(name);
        const bool current = known && known->score_hash == deployment.score_hash;
        if (now - *unavailable_since_ < kRuntimeGrace) {
            if (!current) report(name, deployment, {Phase::Pending, unavailable_reason_, {}});
        } else {
            report(name, deployment,
                   {Phase::Failed, unavailable_reason_,
                    known ? known->containers : decltype(known->containers){}});
        }
    }
}

void Reconciler::notice_restarts(const Containers& containers) {
    std::map<std::string, std::int64_t> seen;
    std::map<std::string, SteadyTime> restarted;
    for (const podman::Container& container : containers) {
        const auto before = started_at_.find(container.id);
        const bool again =
            before != started_at_.end() && before->second != 0 && container.started_at != before->second;
        if (again) {
            restarted.emplace(container.id, clock_.steady());
        } else if (const auto noticed = restarted_.find(container.id); noticed != restarted_.end()) {
            restarted.insert(*noticed);
        }
        seen.emplace(container.id, container.started_at);
    }
    started_at_ = std::move(seen);
    restarted_ = std::move(restarted);
}

bool Reconciler::step(const DeploymentName& name, Deployment& deployment, const Containers& containers) {
    if (deployment.at_work) {
        report_progress(name, deployment, containers);
        return false;
    }
    if (!deployment.invalid.empty()) {
        Assessment assessment = assess({}, containers, {});
        assessment.phase = Phase::Failed;
        assessment.problem = deployment.invalid;
        report(name, deployment, std::move(assessment));
        return false;
    }
    ContainerPlan wanted = plan(deployment.desired, containers);
    if (wanted.empty() && deployment.removing) {
        book_.remove(name);
        kLog.info("deployment removed", {{"deployment", name.str()}});
        return true;
    }
    if (wanted.empty()) {
        deployment.failure.reset();
        deployment.initialized = false;
        settle(name, deployment, containers);
        return false;
    }
    if (deployment.initialized) wanted.init.clear();
    const bool only_starts = wanted.create.empty() && wanted.remove.empty();
    report_wanted(name, deployment, containers, only_starts);
    if (deployment.next_attempt > clock_.steady()) {
        wake_at(deployment.next_attempt);
    } else {
        start_work(name, deployment, std::move(wanted));
    }
    return false;
}

void Reconciler::report_wanted(const DeploymentName& name, const Deployment& deployment,
                               const Containers& containers, bool only_starts) {
    if (deployment.removing) {
        const contracts::DeploymentState* known = book_.find(name);
        if (known && deployment.failure) {
            book_.set(name, {Phase::Failed, deployment.failure, known->score_hash, known->containers});
        }
        return;
    }
    Assessment assessment = assess(*deployment.desired, containers, {});
    if (deployment.failure) {
        assessment.phase = Phase::Failed;
        assessment.problem = deployment.failure;
    } else if (!only_starts) {
        assessment.phase = Phase::Pending;
        assessment.problem.reset();
    } else if (!deployment.last_attempt) {
        // After a boot everything has ended, and nothing has failed.
        assessment.phase = Phase::Pending;
    }
    report(name, deployment, std::move(assessment));
}

void Reconciler::report_progress(const DeploymentName& name, Deployment& deployment,
                                 const Containers& containers) {
    // What failed before is told until it no longer does.
    if (!deployment.desired || deployment.failure || deployment.stop.stop_requested()) return;
    if (deployment.progress_due > clock_.steady()) return wake_at(deployment.progress_due);
    std::string text;
    {
        const std::lock_guard lock(mailbox_->mutex);
        const auto found = mailbox_->progress.find(name);
        if (found != mailbox_->progress.end()) text = found->second;
    }
    deployment.progress_due = clock_.steady() + (text.empty() ? kProgressAfter : kProgressInterval);
    wake_at(deployment.progress_due);
    if (text.empty()) return;
    Assessment assessment = assess(*deployment.desired, containers, {});
    assessment.phase = Phase::Pending;
    assessment.problem = std::move(text);
    report(name, deployment, std::move(assessment));
}

void Reconciler::settle(const DeploymentName& name, Deployment& deployment, const Containers& containers) {
    // By the steady clock: the wall clock may step while a container settles.
    const SteadyTime now = clock_.steady();
    std::vector<std::string> restarting;
    for (const podman::Container& container : containers) {
        const auto noticed = restarted_.find(container.id);
        if (noticed == restarted_.end()) continue;
        const SteadyTime settled = noticed->second + kSettleTime;
        if (settled <= now) {
            restarted_.erase(noticed);
            continue;
        }
        restarting.push_back(container.id);
        wake_at(settled);
    }
    Assessment assessment = assess(*deployment.desired, containers, restarting);
    const bool stable = deployment.last_attempt && now - *deployment.last_attempt > kStableAfter;
    if (assessment.phase == Phase::Running && stable) deployment.backoff.reset();
    report(name, deployment, std::move(assessment));
}

void Reconciler::report(const DeploymentName& name, const Deployment& deployment, Assessment assessment) {
    const std::string_view phase = contracts::to_string(assessment.phase);
    const std::string problem = assessment.problem.value_or("");
    if (book_.set(name, {assessment.phase, std::move(assessment.problem), deployment.score_hash,
                         std::move(assessment.containers)})) {
        kLog.info("state", {{"deployment", name.str()}, {"phase", phase}, {"reason", problem}});
    }
}

void Reconciler::start_work(const DeploymentName& name, Deployment& deployment, ContainerPlan wanted) {
    {
        const std::lock_guard lock(mailbox_->mutex);
        mailbox_->refused = mailbox_->at_work - mailbox_->waiting >= kMaxDeploymentsAtWork;
        if (mailbox_->refused) return;  // another one's end, or its waiting, wakes us
        ++mailbox_->at_work;
        mailbox_->progress.erase(name);
    }
    deployment.at_work = true;
    deployment.stop = std::stop_source();
    deployment.last_attempt = clock_.steady();
    deployment.progress_due = clock_.steady() + kProgressAfter;
    wake_at(deployment.progress_due);
    deployment.started_here.clear();
    for (const ContainerReference& container : wanted.start)
        deployment.started_here.push_back(container.id);
    try {
        executor_(work_of(name, deployment, std::move(wanted)));
    } catch (const std::system_error& error) {
        // No further thread now; the attempt has failed like any other.
        const std::lock_guard lock(mailbox_->mutex);
        --mailbox_->at_work;
        mailbox_->finished.push_back({name, {fail(ErrorKind::Unavailable, error.what())}});
        wake_at(clock_.steady());
    }
}

std::function<void()> Reconciler::work_of(const DeploymentName& name, const Deployment& deployment,
                                          ContainerPlan wanted) const {
    return [name, wanted = std::move(wanted), stop = deployment.stop.get_token(), runtimes = runtimes_,
            mailbox = mailbox_, wake = options_.wake, path_check = options_.path_check] {
        Performed performed;
        try {
            const auto runtime = runtimes();
            Pace pace(name, mailbox, wake);
            performed = perform(wanted, {*runtime, pace, path_check, stop});
        } catch (const std::exception& error) {
            performed.outcome = fail(ErrorKind::Internal, error.what());
        }
        {
            const std::lock_guard lock(mailbox->mutex);
            mailbox->finished.push_back({name, std::move(performed)});
            mailbox->progress.erase(name);
            --mailbox->at_work;
        }
        if (wake) wake();
    };
}

void Reconciler::wake_at(SteadyTime when) {
    if (!next_due_ || when < *next_due_) next_due_ = when;
}

Result<void> Reconciler::runtime_state() const {
    if (options_.runtime_enabled && unavailable_since_)
        return fail(ErrorKind::Unavailable, unavailable_reason_);
    return {};
}

void Reconciler::cancel_work() {
    for (auto& [name, deployment] : deployments_)
        deployment.stop.request_stop();
}

bool Reconciler::idle() const {
    const std::lock_guard lock(mailbox_->mutex);
    return mailbox_->at_work == 0;
}

}  // namespace harmony::agent
