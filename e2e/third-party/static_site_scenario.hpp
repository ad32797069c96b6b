#pragma once

#include <harmony/capability/process_host.hpp>
#include <harmony/plugin.hpp>

namespace acme {

// Brings a site of its own up, reads a page over TCP, changes it, and takes it down again.
class StaticSiteScenario final
    : public harmony::plugin::Scenario<harmony::plugin::NoParameters, harmony::plugin::ProcessHost> {
 public:
    static inline const harmony::plugin::ScenarioInfo info{
        .name = "static-site", .summary = "A site comes up, serves what it was told to, and goes away"};

    harmony::plugin::Result<void> run(Run& run) override;
};

}  // namespace acme
