#pragma once

#include <harmony/capability/process_host.hpp>
#include <harmony/plugin.hpp>

namespace acme {

// `harmony site url [NAME]`
class SiteUrlCommand final : public harmony::plugin::Command<harmony::plugin::ProcessHost> {
 public:
    static inline const harmony::plugin::CommandInfo info{
        .path = {"site", "url"},
        .summary = "Show where a site of this context is",
        .arguments =
            {{.name = "name", .positional = true, .summary = "The site's name", .default_value = "weather"}},
        .examples = {{.command = "harmony site url", .explanation = "The address of the site \"weather\""}}};

    harmony::plugin::Result<harmony::plugin::CommandResult> run(Run& run) override;
};

}  // namespace acme
