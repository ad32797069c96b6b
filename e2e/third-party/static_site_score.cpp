#include "static_site_score.hpp"

#include "http_get.hpp"

namespace acme {

using namespace harmony::plugin;

namespace {

constexpr const char* kPort = "http";

std::string escaped(const std::string& text) {
    std::string out;
    for (char c : text) {
        switch (c) {
            case '<':
                out += "&lt;";
                break;
            case '>':
                out += "&gt;";
                break;
            case '&':
                out += "&amp;";
                break;
            default:
                out += c;
        }
    }
    return out;
}

DaemonSpec spec_of(const SiteParameters& params) {
    DaemonSpec spec{
        .name = daemon_name(params.name),
        .program = "busybox",
        .args = {"httpd", "-f", "-p", "127.0.0.1:@{port:http}", "-h", "@{config}/www"},
        .files = {{.path = "www/index.html", .content = front_page(params), .mode = "0644"}},
        .ports = {{.name = kPort, .port = params.port}},
        .readiness = {.kind = ReadinessKind::Http, .port = kPort, .path = "/", .timeout_s = 10},
    };
    for (const auto& [name, html] : params.pages) {
        spec.files.push_back({.path = "www/" + name, .content = html, .mode = "0644"});
    }
    return spec;
}

Object object_of(const Daemon& daemon) {
    Object object{.kind = "site", .name = daemon.name};
    auto port = daemon.ports.find(kPort);
    if (port != daemon.ports.end()) object.detail = "http://127.0.0.1:" + std::to_string(port->second) + "/";
    return object;
}

}  // namespace

std::string daemon_name(const std::string& site) {
    return "site-" + site;
}

std::string front_page(const SiteParameters& params) {
    return "<!doctype html>\n<title>" + escaped(params.title) + "</title>\n<h1>" + escaped(params.title) +
           "</h1>\n<p>" + escaped(params.forecast) + "</p>\n";
}

Result<void> StaticSiteScore::validate(Run& run) {
    for (const auto& [name, html] : run.params().pages) {
        if (name.empty() || name.front() == '.' || name.find('/') != std::string::npos ||
            name == "index.html") {
            return invalid_parameter("pages." + name,
                                     "pages." + name + " is not a file name of a page other than index.html");
        }
    }
    return {};
}

Result<std::vector<Object>> StaticSiteScore::read(Run& run) {
    auto daemon = run.use<ProcessHost>().inspect(daemon_name(run.params().name));
    if (!daemon) return failure(daemon.error());
    std::vector<Object> objects;
    if (*daemon) objects.push_back(object_of(**daemon));
    return objects;
}

Result<Plan> StaticSiteScore::plan(Run& run, const PlanRequest& request) {
    Plan plan;
    const Object object{.kind = "site", .name = daemon_name(run.params().name)};
    if (request.purpose == Purpose::Destroy) {
        auto existing = read(run);
        if (!existing) return failure(existing.error());
        if (!existing->empty())
            plan.steps.push_back({.id = "site", .action = Action::Delete, .object = object});
        return plan;
    }
    auto found = run.use<ProcessHost>().plan(spec_of(run.params()));
    if (!found) return failure(found.error());
    if (auto action = step_action(found->action)) {
        plan.steps.push_back({.id = "site", .action = *action, .object = object, .diff = found->diff});
    }
    return plan;
}

Result<void> StaticSiteScore::apply(Run& run, const Step& /*step*/) {
    run.progress("starting the site " + run.params().name);
    auto ensured = run.use<ProcessHost>().ensure(spec_of(run.params()));
    if (!ensured) return failure(ensured.error());
    return {};
}

Result<std::vector<Check>> StaticSiteScore::verify(Run& run) {
    auto daemon = run.use<ProcessHost>().inspect(daemon_name(run.params().name));
    if (!daemon) return failure(daemon.error());
    Check check{.name = "the front page is served as written"};
    if (!*daemon) {
        check.detail = "the site does not run";
        return std::vector<Check>{check};
    }
    auto port = (*daemon)->ports.find(kPort);
    auto page = http_get(run.call(), port == (*daemon)->ports.end() ? 0 : port->second, "/");
    check.ok = page && *page == front_page(run.params());
    if (!page) {
        check.detail = page.error().summary;
    } else if (!check.ok) {
        check.detail = "another page was served";
    }
    return std::vector<Check>{check};
}

Result<void> StaticSiteScore::destroy(Run& run, const Step& /*step*/) {
    // The pages come from the parameters, so there is no data to keep.
    auto removed = run.use<ProcessHost>().remove(daemon_name(run.params().name), true);
    if (!removed) return failure(removed.error());
    return {};
}

}  // namespace acme
