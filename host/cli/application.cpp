#include "host/cli/application.hpp"

#include <cstdlib>
#include <filesystem>
#include <ostream>

#include "host/cli/process_factory.hpp"
#include "host/output/document.hpp"

namespace harmony::host {

Application::Application(Setup setup)
    : setup_(std::move(setup)),
      paths_(Paths::from(setup_.environment)),
      out_style_(setup_.environment, setup_.streams.out_terminal),
      err_style_(setup_.environment, setup_.streams.err_terminal) {}

void Application::configure(const ParsedArguments& arguments) {
    json_ = arguments.text("output") == "json";
    verbose_ = arguments.has("verbose");
    context_flag_ = arguments.text("context");
    plugin_paths_ = arguments.list("plugin");
    if (arguments.text("isolation") == "none") isolation_ = Isolation::None;
    if (const auto text = arguments.text("timeout")) timeout_seconds_ = std::strtod(text->c_str(), nullptr);
}

bool Application::interactive() const {
    return setup_.streams.in_terminal && setup_.streams.err_terminal && !json_;
}

CatalogOptions Application::catalog_options() const {
    CatalogOptions options;
    options.explicit_paths = plugin_paths_;
    std::error_code ignored;
    options.project_folder = std::filesystem::current_path(ignored).string();
    options.path_variable = setup_.environment.get("HARMONY_PLUGIN_PATH").value_or("");
    options.user_folder = paths_.data + "/plugins";
    options.installed_folder =
        std::filesystem::path(setup_.program_folder + "/../lib/harmony/plugins").lexically_normal().string();
    options.cache_folder = paths_.cache;
    return options;
}

const Catalog& Application::catalog() {
    if (!catalog_) catalog_ = Catalog::scan(catalog_options());
    return *catalog_;
}

Contributions& Application::contributions() {
    if (!contributions_) contributions_.emplace(catalog());
    return *contributions_;
}

void Application::warn_about_plugins() {
    for (const auto& entry : catalog().entries()) {
        if (entry.usable()) continue;
        setup_.streams.err << err_style_.yellow("warning:") << " plugin " << printable(entry.file)
                           << " cannot be used: " << printable(entry.problem->summary) << "\n";
    }
}

Outcome<ChosenContext> Application::context(const std::optional<Composition>& composition) const {
    auto known = contexts();
    if (!known) return tl::unexpected(known.error());
    return choose_context(*known, setup_.environment, context_flag_,
                          composition ? composition->context : std::nullopt);
}

PluginPool& Application::pool(PoolListener* listener) {
    if (!pool_) {
        PoolOptions options;
        options.factory = setup_.process_factory ? setup_.process_factory : real_process_factory();
        options.isolation = isolation_;
        options.cancellation = setup_.cancellation;
        options.timeout = std::chrono::milliseconds(static_cast<long>(timeout_seconds_ * 1000));
        pool_ = std::make_unique<PluginPool>(std::move(options));
    }
    pool_->listen(listener);
    return *pool_;
}

Outcome<Workspace> Application::workspace(const Context& context, const std::string& run_id,
                                          PoolListener* listener) {
    WorkspaceOptions options;
    options.context = context;
    options.state_folder = paths_.context_state(context.name);
    options.program_dirs = {setup_.program_folder};
    options.run_id = run_id;
    return Workspace::open(pool(listener), contributions(), std::move(options));
}

bool Application::print_json(const std::string& schema, const nlohmann::json& members) {
    if (!json_) return false;
    print_document(setup_.streams.out, schema, members);
    return true;
}

}  // namespace harmony::host
