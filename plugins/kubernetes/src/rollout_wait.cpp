#include "rollout_wait.hpp"

#include <algorithm>
#include <set>

#include "batch.hpp"
#include "inventory.hpp"
#include "object_fields.hpp"
#include "rollout.hpp"

namespace harmony::cluster {
namespace {

using plugin::Result;
using Clock = std::chrono::steady_clock;

// A pod answers about 1.5 s after apply on an idle cluster.
constexpr std::chrono::milliseconds kPollInterval{100};
// Pods are asked less often than their workload.
constexpr int kPollsBetweenLooks = 10;
// Left of a call's deadline for saying what is wrong.
constexpr std::chrono::seconds kTimeToExplain{3};
constexpr int kLogLines = 20;

struct Watched {
    plugin::KubernetesRef ref;
    api::ObjectRef target;
    json object;
    RolloutState state;
};

api::ResourceType pods_type() {
    return {"", "v1", "pods", "Pod", true};
}

// Pods, logs and events only explain: without the permission to read them the explanation is shorter.
std::vector<json> list_or_nothing(ClusterSession& session, const api::ResourceType& type,
                                  const std::string& name_space, const api::ListOptions& options) {
    auto connected = session.connection();
    if (!connected) return {};
    auto found = api::list_all(*(*connected)->client, type, name_space, options, session.limits());
    return found ? std::move(*found) : std::vector<json>();
}

std::vector<json> pods_of(ClusterSession& session, const Watched& watched) {
    if (watched.ref.kind == "Pod") return {watched.object};
    const auto selector = pod_selector(watched.object);
    if (!selector) return {};
    return list_or_nothing(session, pods_type(), watched.target.name_space, {.label_selector = *selector});
}

std::optional<PodTrouble> trouble_of(ClusterSession& session, const Watched& watched) {
    std::optional<PodTrouble> first;
    for (const json& pod : pods_of(session, watched)) {
        auto trouble = pod_trouble(pod);
        if (trouble && (!first || trouble->hopeless)) first = std::move(trouble);
    }
    return first;
}

// The newest about any of these. One request, however many they are: little of the call's time is left.
std::string warning_about(ClusterSession& session, const std::string& name_space, const std::string& kind,
                          const std::set<std::string>& names) {
    if (names.empty()) return {};
    const api::ResourceType events{"", "v1", "events", "Event", true};
    std::string selector = "type=Warning,involvedObject.kind=" + kind;
    if (names.size() == 1) selector += ",involvedObject.name=" + *names.begin();
    auto found = list_or_nothing(session, events, name_space.empty() ? "default" : name_space,
                                 {.field_selector = selector});
    std::erase_if(found, [&](const json& event) {
        return text_at(event, {"involvedObject", "kind"}) != kind ||
               !names.contains(text_at(event, {"involvedObject", "name"}));
    });
    return last_warning(found);
}

// That of a pod, such as a volume that is missing, is closer to the cause than its workload's. One that is
// ready by now has left its warnings behind.
std::string warning_of(ClusterSession& session, const Watched& watched) {
    std::set<std::string> pods;
    for (const json& pod : pods_of(session, watched)) {
        if (rollout_state(pod).phase != RolloutPhase::Ready) pods.insert(text_at(pod, {"metadata", "name"}));
    }
    std::string warning = warning_about(session, watched.target.name_space, "Pod", pods);
    if (!warning.empty()) return warning;
    return warning_about(session, watched.target.name_space, watched.ref.kind, {watched.ref.name});
}

std::string log_of(ClusterSession& session, const Watched& watched, const PodTrouble& trouble) {
    auto connected = session.connection();
    if (!connected || trouble.pod.empty()) return {};
    const api::LogOptions options{
        .container = trouble.container, .tail_lines = kLogLines, .previous = trouble.previous};
    auto log =
        (*connected)->client->logs({watched.target.name_space, trouble.pod}, options, session.limits());
    return log ? *log : "its log can't be read: " + log.error().text();
}

plugin::Diagnostic explain(ClusterSession& session, const Watched& watched, const std::string& after) {
    std::string why = watched.state.detail;
    std::string log;
    if (const auto trouble = trouble_of(session, watched)) {
        why += "; " + trouble->text;
        log = log_of(session, watched, *trouble);
    } else if (const std::string warning = warning_of(session, watched); !warning.empty()) {
        why += "; " + warning;
    }
    std::string look = "kubectl describe " + watched.target.type.qualified() + " " + watched.ref.name;
    if (!watched.target.name_space.empty()) look += " -n " + watched.target.name_space;
    return {.code = std::string(plugin::Kubernetes::kNotRolledOut),
            .summary = describe(watched.ref) + " is not rolled out" + after + ": " + why,
            .detail = log,
            .hint = "look closer with: " + look,
            .retryable = true};
}

Result<void> look(ClusterSession& session, Watched& watched) {
    auto object = session.read(watched.target);
    if (!object) return plugin::failure(std::move(object.error()));
    if (!*object) {
        watched.state = {RolloutPhase::Waiting, "it does not exist"};
        return {};
    }
    watched.object = std::move(**object);
    watched.state = rollout_state(watched.object);
    return {};
}

Result<std::vector<Watched>> watched_objects(ClusterSession& session,
                                             const std::vector<plugin::KubernetesRef>& refs) {
    std::vector<Watched> all;
    for (const auto& given : refs) {
        auto ref = session.ref(given.api_version, given.kind, given.name_space, given.name);
        if (!ref) return plugin::failure(std::move(ref.error()));
        Watched watched{given, std::move(*ref), {}, {}};
        watched.ref.name_space = watched.target.name_space;
        all.push_back(std::move(watched));
    }
    return all;
}

}  // namespace

Result<std::vector<plugin::KubernetesReady>> await_rollout(ClusterSession& session,
                                                           const plugin::KubernetesRollout& rollout) {
    auto all = watched_objects(session, rollout.objects);
    if (!all) return plugin::failure(std::move(all.error()));
    auto end = Clock::now() + std::chrono::seconds(rollout.timeout_s);
    if (const auto last = session.call().deadline()) end = std::min(end, *last - kTimeToExplain);
    std::string said;
    for (int poll = 0;; ++poll) {
        Watched* waiting = nullptr;
        for (Watched& watched : *all) {
            if (watched.state.phase == RolloutPhase::Ready) continue;
            if (auto looked = look(session, watched); !looked) return plugin::failure(looked.error());
            if (watched.state.phase == RolloutPhase::Failed)
                return plugin::failure(explain(session, watched, ""));
            if (watched.state.phase != RolloutPhase::Ready && waiting == nullptr) waiting = &watched;
        }
        if (waiting == nullptr) break;
        std::string line = describe(waiting->ref) + ": " + waiting->state.detail;
        if (line != said) session.call().progress(said = std::move(line));
        if (Clock::now() >= end) {
            return plugin::failure(
                explain(session, *waiting, " within " + std::to_string(rollout.timeout_s) + " s"));
        }
        if (poll % kPollsBetweenLooks == kPollsBetweenLooks - 1) {
            const auto trouble = trouble_of(session, *waiting);
            if (trouble && trouble->hopeless) return plugin::failure(explain(session, *waiting, ""));
        }
        if (!session.call().wait(kPollInterval)) return plugin::cancelled_failure();
    }
    std::vector<plugin::KubernetesReady> ready;
    for (const Watched& watched : *all)
        ready.push_back({watched.ref, watched.state.detail});
    return ready;
}

}  // namespace harmony::cluster
