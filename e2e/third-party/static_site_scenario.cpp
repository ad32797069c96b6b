#include "static_site_scenario.hpp"

#include "http_get.hpp"
#include "static_site_score.hpp"

namespace acme {

using namespace harmony::plugin;

namespace {

Result<void> applied(StaticSiteScenario::Run& run, const SiteParameters& params,
                     std::int64_t expected_steps) {
    auto steps = run.apply_score("StaticSiteScore", params);
    if (!steps) return failure(steps.error());
    if (*steps == expected_steps) return {};
    return failure("site.steps", "apply took " + std::to_string(*steps) + " steps, expected " +
                                     std::to_string(expected_steps));
}

Result<void> serves(StaticSiteScenario::Run& run, const std::string& site, const std::string& text) {
    auto daemon = run.use<ProcessHost>().inspect(daemon_name(site));
    if (!daemon) return failure(daemon.error());
    if (!*daemon) return failure("site.missing", "the site does not run");
    auto page = http_get(run.call(), (*daemon)->ports["http"], "/");
    if (!page) return failure(page.error());
    if (page->find(text) != std::string::npos) return {};
    return failure("site.wrong-page", "the page does not say \"" + text + "\"");
}

Result<void> removed(StaticSiteScenario::Run& run, const SiteParameters& params) {
    if (auto steps = run.destroy_score("StaticSiteScore", params); !steps) return failure(steps.error());
    auto daemon = run.use<ProcessHost>().inspect(daemon_name(params.name));
    if (!daemon) return failure(daemon.error());
    if (*daemon) return failure("site.left-over", "the site still exists");
    return {};
}

Result<void> lifecycle(StaticSiteScenario::Run& run, SiteParameters& params) {
    auto done = run.step("a site is applied", [&] { return applied(run, params, 1); });
    if (!done) return done;
    done = run.step("it serves its page", [&] { return serves(run, params.name, params.forecast); });
    if (!done) return done;
    done = run.step("applying again changes nothing", [&] { return applied(run, params, 0); });
    if (!done) return done;
    params.forecast = "Rain from the west.";
    done = run.step("a new forecast is applied", [&] { return applied(run, params, 1); });
    if (!done) return done;
    return run.step("the new page is served", [&] { return serves(run, params.name, params.forecast); });
}

}  // namespace

Result<void> StaticSiteScenario::run(Run& run) {
    SiteParameters params;
    params.name = "scenario";
    auto outcome = lifecycle(run, params);
    if (run.keep()) return outcome;
    auto cleaned = run.step("the site is destroyed", [&] { return removed(run, params); });
    return outcome ? cleaned : outcome;
}

}  // namespace acme
