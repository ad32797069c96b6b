// Contexts: a user's named choice of Topology with its settings, in contexts.yaml.
//
// `local` on LocalTopology exists without being configured.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "host/config/environment.hpp"
#include "host/config/paths.hpp"
#include "host/output/problem.hpp"

namespace harmony::host {

struct Context {
    std::string name;
    std::string topology;
    nlohmann::json settings = nlohmann::json::object();
};

// What a context is called becomes a folder's name: lowercase letters, digits and '-', at most 63.
[[nodiscard]] bool valid_context_name(const std::string& name);

class Contexts {
 public:
    // Codes config.yaml, config.contexts.
    [[nodiscard]] static Outcome<Contexts> load(const std::string& file);
    [[nodiscard]] Outcome<void> save(const std::string& file) const;

    [[nodiscard]] std::vector<Context> all() const;
    [[nodiscard]] Outcome<Context> find(const std::string& name) const;
    [[nodiscard]] const std::string& current() const { return current_; }

    [[nodiscard]] Outcome<void> use(const std::string& name);
    [[nodiscard]] Outcome<void> create(Context context);
    [[nodiscard]] Outcome<void> remove(const std::string& name);

 private:
    Contexts();
    std::string current_;
    std::map<std::string, Context> contexts_;
};

struct ChosenContext {
    Context context;
    std::string source;  // "--context", "HARMONY_CONTEXT", "harmony.yaml", "current context"
};

// The context of a run: --context, else HARMONY_CONTEXT, else the composition's, else the current one.
[[nodiscard]] Outcome<ChosenContext> choose_context(const Contexts& contexts, const Environment& environment,
                                                    const std::optional<std::string>& flag,
                                                    const std::optional<std::string>& composition);

}  // namespace harmony::host
