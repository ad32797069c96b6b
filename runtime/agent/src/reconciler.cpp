#include "harmony/agent/reconciler.hpp"

#include <algorithm>

#include "harmony/agent/deployment_work.hpp"
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

Reconciler::Reconciler(ReconcilerOptions options, RuntimeFactory runtimes, Executor executor, StateBook& book,
                       const Clock& clock)
    : options_(std::move(options)),
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
        deployment.grace = contracts::kDefaultGracePeriod;
    }
}

void Reconciler::set_score(Deployment& deployment, const DeploymentName& name, const std::string& value) {
    deployment.desired.reset();
    deployment.invalid.clear();
    auto score = contracts::Score::decode(value).and_then(contracts::PodmanV0::from_score);
    if (!score) {
        deployment.grace = contracts::kDefaultGracePeriod;
        deployment.invalid = "score: " + score.error().text();
        return;
    }
    deployment.grace = score->lifecycle.grace_period;
    deployment.desired = containers_of(options_.device, name, *score);
}

void Reconciler::start_over(Deployment& deployment) {
    deployment.stop.request_stop();
    deployment.backoff.reset();
    deployment.next_attempt = {};
    deployment.last_attempt.reset();
    deployment.failure.reset();
}

void Reconciler::collect_finished() {
    std::vector<Finished> finished;
    {
        const std::lock_guard lock(mailbox_->mutex);
        finished.swap(mailbox_->finished);
    }
    for (const Finished& work : finished) {
        const auto found = deployments_.find(work.name);
        if (found == deployments_.end()) continue;
        Deployment& deployment = found->second;
        deployment.at_work = false;
        for (const std::string& id : deployment.started_here)
            started_at_.erase(id);
        if (deployment.stop.stop_requested()) continue;  // it was for an earlier score
        deployment.next_attempt = clock_.steady() + deployment.backoff.next();
        if (work.outcome) {
            deployment.failure.reset();
            continue;
        }
        deployment.failure = work.outcome.error().text();
        kLog.warning("an attempt failed", {{"deployment", work.name.str()}, {"error", *deployment.failure}});
    }
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
            deployments_[name].grace = contracts::kDefaultGracePeriod;
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
    auto listed = runtime_->list(owned_labels(options_.device));
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
    std::set<std::string> restarted;
    for (const podman::Container& container : containers) {
        const auto before = started_at_.find(container.id);
        const bool again =
            before != started_at_.end() && before->second != 0 && container.started_at != before->second;
        if (again || restarted_.contains(container.id)) restarted.insert(container.id);
        seen.emplace(container.id, container.started_at);
    }
    started_at_ = std::move(seen);
    restarted_ = std::move(restarted);
}

bool Reconciler::step(const DeploymentName& name, Deployment& deployment, const Containers& containers) {
    if (deployment.at_work) return false;
    if (!deployment.invalid.empty()) {
        Assessment assessment = assess({}, containers, {}, 0);
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
        settle(name, deployment, containers);
        return false;
    }
    const bool only_starts = wanted.create.empty() && wanted.remove.empty();
    const bool waits = deployment.next_attempt > clock_.steady();
    if (waits) {
        wake_at(deployment.next_attempt);
    } else {
        start_work(name, deployment, std::move(wanted));
    }
    if (deployment.removing) {
        const contracts::DeploymentState* known = book_.find(name);
        if (known && deployment.failure) {
            book_.set(name, {Phase::Failed, deployment.failure, known->score_hash, known->containers});
        }
        return false;
    }
    Assessment assessment = assess(*deployment.desired, containers, {}, 0);
    if (deployment.failure) {
        assessment.phase = Phase::Failed;
        assessment.problem = deployment.failure;
    } else if (!only_starts) {
        assessment.phase = Phase::Pending;
        assessment.problem.reset();
    }
    report(name, deployment, std::move(assessment));
    return false;
}

void Reconciler::settle(const DeploymentName& name, Deployment& deployment, const Containers& containers) {
    const std::int64_t now = clock_.wall().seconds();
    const std::vector<std::string> restarted(restarted_.begin(), restarted_.end());
    Assessment assessment = assess(*deployment.desired, containers, restarted, now);
    for (const podman::Container& container : containers) {
        if (!restarted_.contains(container.id)) continue;
        if (now - container.started_at < kSettleSeconds) {
            wake_at(clock_.steady() + std::chrono::seconds(kSettleSeconds - (now - container.started_at)));
        } else {
            restarted_.erase(container.id);
        }
    }
    const bool stable = deployment.last_attempt && clock_.steady() - *deployment.last_attempt > kStableAfter;
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
        if (mailbox_->at_work >= kMaxDeploymentsAtWork) return;  // the end of another one's work wakes us
        ++mailbox_->at_work;
    }
    deployment.at_work = true;
    deployment.stop = std::stop_source();
    deployment.last_attempt = clock_.steady();
    deployment.started_here.clear();
    for (const ContainerReference& container : wanted.start)
        deployment.started_here.push_back(container.id);
    executor_([name, wanted = std::move(wanted), grace = deployment.grace, stop = deployment.stop.get_token(),
               runtimes = runtimes_, mailbox = mailbox_, wake = options_.wake] {
        Result<void> outcome;
        try {
            const auto runtime = runtimes();
            outcome = perform(wanted, grace, *runtime, stop);
        } catch (const std::exception& error) {
            outcome = fail(ErrorKind::Internal, error.what());
        }
        {
            const std::lock_guard lock(mailbox->mutex);
            mailbox->finished.push_back({name, std::move(outcome)});
            --mailbox->at_work;
        }
        if (wake) wake();
    });
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
