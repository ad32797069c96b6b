// What the fleet's Scores share: each has its verbs twice, for the processes of one machine and for a
// cluster.
#pragma once

#include <harmony/capability/kubernetes.hpp>
#include <harmony/capability/process_host.hpp>
#include <harmony/plugin/score.hpp>
#include <vector>

namespace harmony::fleet_access {

template <class Run>
struct Verbs {
    plugin::Result<std::vector<plugin::Object>> (*read)(Run&);
    plugin::Result<plugin::Plan> (*plan)(Run&, const plugin::PlanRequest&);
    plugin::Result<void> (*apply)(Run&, const plugin::Step&);
    plugin::Result<std::vector<plugin::Check>> (*verify)(Run&);
    plugin::Result<void> (*destroy)(Run&, const plugin::Step&);
};

// A Topology that offers both is a cluster.
template <class Params, class... Capabilities>
class FleetScore
    : public plugin::Score<Params, plugin::AnyOf<plugin::ProcessHost, plugin::Kubernetes>, Capabilities...> {
    using Base =
        plugin::Score<Params, plugin::AnyOf<plugin::ProcessHost, plugin::Kubernetes>, Capabilities...>;

 public:
    using Run = typename Base::Run;

    [[nodiscard]] static bool on_cluster(const Run& run) { return run.template offers<plugin::Kubernetes>(); }

    plugin::Result<std::vector<plugin::Object>> read(Run& run) final { return verbs(run).read(run); }
    plugin::Result<plugin::Plan> plan(Run& run, const plugin::PlanRequest& request) final {
        return verbs(run).plan(run, request);
    }
    plugin::Result<void> apply(Run& run, const plugin::Step& step) final {
        return verbs(run).apply(run, step);
    }
    plugin::Result<std::vector<plugin::Check>> verify(Run& run) final { return verbs(run).verify(run); }
    plugin::Result<void> destroy(Run& run, const plugin::Step& step) final {
        return verbs(run).destroy(run, step);
    }

 private:
    [[nodiscard]] virtual Verbs<Run> process_verbs() const = 0;
    [[nodiscard]] virtual Verbs<Run> cluster_verbs() const = 0;
    [[nodiscard]] Verbs<Run> verbs(const Run& run) const {
        return on_cluster(run) ? cluster_verbs() : process_verbs();
    }
};

}  // namespace harmony::fleet_access
