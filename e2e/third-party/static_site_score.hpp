#pragma once

#include <harmony/capability/process_host.hpp>
#include <harmony/plugin.hpp>
#include <map>
#include <string>

namespace acme {

struct SiteParameters {
    std::string name = "weather";
    std::string title = "Weather";
    std::string forecast = "Sunny, with a light breeze.";
    std::map<std::string, std::string> pages;
    int port = 0;

    static auto fields() {
        using P = SiteParameters;
        using harmony::plugin::field;
        return harmony::plugin::fields(
            field("name", &P::name, "Names the site, and its daemon site-<name>")
                .flag("site")
                .pattern("^[a-z0-9]([a-z0-9-]{0,40}[a-z0-9])?$"),
            field("title", &P::title, "Heading of the front page").example("Weather in Quimper"),
            field("forecast", &P::forecast, "What the front page says").flag("forecast"),
            field("pages", &P::pages, "More pages: file name to HTML").max_items(50),
            field("port", &P::port, "Where it listens; 0 takes a free port").range(0, 65535));
    }
};

[[nodiscard]] std::string daemon_name(const std::string& site);
[[nodiscard]] std::string front_page(const SiteParameters& params);

// A small web site: its pages as files, served by busybox httpd under the topology's supervision.
class StaticSiteScore final : public harmony::plugin::Score<SiteParameters, harmony::plugin::ProcessHost> {
 public:
    static inline const harmony::plugin::ScoreInfo info{.name = "StaticSiteScore",
                                                        .summary = "A small web site on this machine"};

    harmony::plugin::Result<void> validate(Run& run) override;
    harmony::plugin::Result<std::vector<harmony::plugin::Object>> read(Run& run) override;
    harmony::plugin::Result<harmony::plugin::Plan> plan(Run& run,
                                                        const harmony::plugin::PlanRequest& request) override;
    harmony::plugin::Result<void> apply(Run& run, const harmony::plugin::Step& step) override;
    harmony::plugin::Result<std::vector<harmony::plugin::Check>> verify(Run& run) override;
    harmony::plugin::Result<void> destroy(Run& run, const harmony::plugin::Step& step) override;
};

}  // namespace acme
