#include "site_url_command.hpp"

#include "static_site_score.hpp"

namespace acme {

using namespace harmony::plugin;

Result<CommandResult> SiteUrlCommand::run(Run& run) {
    const std::string name = run.arguments().text("name");
    auto daemon = run.use<ProcessHost>().inspect(daemon_name(name));
    if (!daemon) return failure(daemon.error());
    if (!*daemon || !(*daemon)->ports.contains("http")) {
        return failure("site.not-found", "this context has no site \"" + name + "\"",
                       "harmony apply --filter StaticSiteScore --site " + name);
    }
    const std::string url = "http://127.0.0.1:" + std::to_string((*daemon)->ports.at("http")) + "/";
    return CommandResult{.data = Json::object({{"name", name}, {"url", url}}), .text = url + "\n"};
}

}  // namespace acme
