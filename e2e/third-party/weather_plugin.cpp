#include <harmony/plugin.hpp>

#include "site_url_command.hpp"
#include "static_site_scenario.hpp"
#include "static_site_score.hpp"

HARMONY_PLUGIN((harmony::plugin::PluginInfo{.id = "acme/weather",
                                            .version = "1.0.0",
                                            .summary = "A weather page for everyone on this machine",
                                            .permissions = {.network = {"loopback"}, .programs = {"busybox"}},
                                            .license = "MIT",
                                            .homepage = "https://weather.example",
                                            .install_hint = "needs busybox with httpd"}),
               scores<acme::StaticSiteScore>(), commands<acme::SiteUrlCommand>(),
               scenarios<acme::StaticSiteScenario>());
