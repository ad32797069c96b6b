// E2eNamespaceScore: the namespace of one run of a scenario on a cluster. A Score, so that the host takes it
// away as it does everything else of the run, also after a failure. Its name sorts before those of the
// fleet's Scores: it is made first and goes last.
#pragma once

#include <harmony/capability/kubernetes.hpp>
#include <harmony/plugin/score.hpp>
#include <string>
#include <vector>

namespace harmony::fleet_e2e {

// Whoever prunes a cluster finds the namespaces of such runs by this label.
inline constexpr const char* kE2eLabel = "harmony.io/managed-by";
inline constexpr const char* kE2eLabelValue = "fleet-e2e";

struct NamespaceParameters {
    std::string name_space;

    static auto fields() {
        using plugin::field;
        return plugin::fields(field("namespace", &NamespaceParameters::name_space,
                                    "The namespace, e2e-<8 hexadecimal digits>; empty: none")
                                  .pattern("^$|^e2e-[a-z0-9]{1,32}$"));
    }
};

class E2eNamespaceScore final : public plugin::Score<NamespaceParameters, plugin::Kubernetes> {
 public:
    static inline const plugin::ScoreInfo info{
        .name = "E2eNamespaceScore",
        .summary = "The namespace of an end-to-end run on a cluster, removed with all that is in it"};

    plugin::Result<std::vector<plugin::Object>> read(Run& run) override;
    plugin::Result<plugin::Plan> plan(Run& run, const plugin::PlanRequest& request) override;
    plugin::Result<void> apply(Run& run, const plugin::Step& step) override;
    plugin::Result<std::vector<plugin::Check>> verify(Run& run) override;
    plugin::Result<void> destroy(Run& run, const plugin::Step& step) override;
};

}  // namespace harmony::fleet_e2e
