// What every command works with. Everything is made when it is first asked for, so that a command which needs
// no plugin reads none.
#pragma once

#include <harmony/host/catalog.hpp>
#include <memory>
#include <optional>
#include <string>

#include "host/cli/command_spec.hpp"
#include "host/config/composition.hpp"
#include "host/config/contexts.hpp"
#include "host/config/environment.hpp"
#include "host/config/paths.hpp"
#include "host/engine/contributions.hpp"
#include "host/engine/plugin_pool.hpp"
#include "host/engine/workspace.hpp"
#include "host/output/streams.hpp"
#include "host/output/style.hpp"

namespace harmony::host {

// What a run is given by main() or by a test. Borrowed for the run.
struct Setup {
    Streams& streams;
    const Environment& environment;
    std::string program_folder;      // with this executable; plugins are in ../lib/harmony/plugins
    ProcessFactory process_factory;  // empty: real runners
    Cancellation* cancellation = nullptr;
};

class Application {
 public:
    explicit Application(Setup setup);

    // Takes over what the global arguments say.
    void configure(const ParsedArguments& arguments);

    [[nodiscard]] Streams& streams() { return setup_.streams; }
    [[nodiscard]] const Cancellation* cancellation() const { return setup_.cancellation; }  // may be null
    [[nodiscard]] const Environment& environment() const { return setup_.environment; }
    [[nodiscard]] const Paths& paths() const { return paths_; }
    [[nodiscard]] const Style& out_style() const { return out_style_; }
    [[nodiscard]] const Style& err_style() const { return err_style_; }
    [[nodiscard]] bool json() const { return json_; }
    [[nodiscard]] bool verbose() const { return verbose_; }
    // A person can be asked: stdin and stderr are terminals and the output is for people.
    [[nodiscard]] bool interactive() const;

    [[nodiscard]] CatalogOptions catalog_options() const;
    [[nodiscard]] const Catalog& catalog();
    [[nodiscard]] Contributions& contributions();
    // One line on stderr for each plugin that cannot be used.
    void warn_about_plugins();

    [[nodiscard]] Outcome<Contexts> contexts() const { return Contexts::load(paths_.contexts_file()); }
    [[nodiscard]] Outcome<ChosenContext> context(const std::optional<Composition>& composition) const;

    // The plugins of this run. listener may be null.
    [[nodiscard]] PluginPool& pool(PoolListener* listener);
    [[nodiscard]] Outcome<Workspace> workspace(const Context& context, const std::string& run_id,
                                               PoolListener* listener);

    // Prints a JSON document when JSON is asked for; tells whether it did.
    bool print_json(const std::string& schema, const nlohmann::json& members);

 private:
    Setup setup_;
    Paths paths_;
    Style out_style_;
    Style err_style_;
    bool json_ = false;
    bool verbose_ = false;
    Isolation isolation_ = Isolation::Process;
    double timeout_seconds_ = 300;  // longer than any step of ours takes
    std::optional<std::string> context_flag_;
    std::vector<std::string> plugin_paths_;
    std::optional<Catalog> catalog_;
    std::optional<Contributions> contributions_;
    std::unique_ptr<PluginPool> pool_;
};

}  // namespace harmony::host
