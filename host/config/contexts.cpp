#include "host/config/contexts.hpp"

#include <algorithm>

#include "host/config/files.hpp"
#include "host/config/suggestion.hpp"
#include "host/config/yaml_document.hpp"

namespace harmony::host {
namespace {

using nlohmann::json;

constexpr const char* kLocalContext = "local";
constexpr const char* kLocalTopology = "LocalTopology";

tl::unexpected<Problem> bad_file(const YamlDocument& document, const YamlNode& node,
                                 const std::string& message) {
    return usage_problem("config.contexts", document.position(node) + ": " + message);
}

Outcome<Context> read_context(const YamlDocument& document, const YamlNode& key, const YamlNode& value) {
    if (!valid_context_name(key.scalar))
        return bad_file(document, key, "\"" + key.scalar + "\" is no context name");
    Context context{key.scalar, {}, json::object()};
    for (const auto& [name, member] : value.entries) {
        if (name.scalar == "topology") {
            context.topology = member.scalar;
        } else if (name.scalar == "settings") {
            context.settings = yaml_to_json(member);
            if (context.settings.is_null()) context.settings = json::object();
            if (!context.settings.is_object()) return bad_file(document, member, "settings have to be a map");
        } else {
            return bad_file(document, name,
                            "unknown field \"" + name.scalar + "\", " +
                                suggestion_hint(name.scalar, {"topology", "settings"}));
        }
    }
    if (context.topology.empty()) return bad_file(document, value, "a context needs a topology");
    return context;
}

}  // namespace

bool valid_context_name(const std::string& name) {
    auto word = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
    return !name.empty() && name.size() <= 63 && word(name.front()) && word(name.back()) &&
           std::ranges::all_of(name, [&](char c) { return word(c) || c == '-'; });
}

Contexts::Contexts() : current_(kLocalContext) {
    contexts_[kLocalContext] = Context{kLocalContext, kLocalTopology, json::object()};
}

Outcome<Contexts> Contexts::load(const std::string& file) {
    Contexts contexts;
    auto text = read_file(file);
    if (!text) return tl::unexpected(text.error());
    if (!*text) return contexts;
    auto document = parse_yaml(**text, file);
    if (!document) return tl::unexpected(document.error());
    for (const auto& [key, value] : document->root.entries) {
        if (key.scalar == "current") {
            contexts.current_ = value.scalar;
        } else if (key.scalar == "contexts") {
            for (const auto& [name, member] : value.entries) {
                auto context = read_context(*document, name, member);
                if (!context) return tl::unexpected(context.error());
                contexts.contexts_[name.scalar] = std::move(*context);
            }
        } else {
            return bad_file(*document, key,
                            "unknown field \"" + key.scalar + "\", " +
                                suggestion_hint(key.scalar, {"current", "contexts"}));
        }
    }
    return contexts;
}

Outcome<void> Contexts::save(const std::string& file) const {
    json document = {{"current", current_}, {"contexts", json::object()}};
    for (const auto& [name, context] : contexts_) {
        document["contexts"][name]["topology"] = context.topology;
        if (!context.settings.empty()) document["contexts"][name]["settings"] = context.settings;
    }
    return write_file(file, json_to_yaml(document));
}

std::vector<Context> Contexts::all() const {
    std::vector<Context> list;
    for (const auto& [name, context] : contexts_)
        list.push_back(context);
    return list;
}

Outcome<Context> Contexts::find(const std::string& name) const {
    const auto found = contexts_.find(name);
    if (found != contexts_.end()) return found->second;
    std::vector<std::string> names;
    for (const auto& [known, ignored] : contexts_)
        names.push_back(known);
    return usage_problem("config.unknown-context", "there is no context \"" + name + "\"",
                         suggestion_hint(name, names));
}

Outcome<void> Contexts::use(const std::string& name) {
    auto context = find(name);
    if (!context) return tl::unexpected(context.error());
    current_ = name;
    return {};
}

Outcome<void> Contexts::create(Context context) {
    if (!valid_context_name(context.name))
        return usage_problem(
            "config.context-name",
            "\"" + context.name +
                "\" is no context name: expected lowercase letters, digits and '-', at most 63");
    if (contexts_.contains(context.name))
        return usage_problem("config.context-exists", "the context \"" + context.name + "\" exists already",
                             "delete it first, or choose another name");
    const std::string name = context.name;
    contexts_[name] = std::move(context);
    return {};
}

Outcome<void> Contexts::remove(const std::string& name) {
    auto context = find(name);
    if (!context) return tl::unexpected(context.error());
    if (name == kLocalContext)
        return usage_problem("config.context-builtin", "the context \"local\" is built in and always there");
    contexts_.erase(name);
    if (current_ == name) current_ = kLocalContext;
    return {};
}

Outcome<ChosenContext> choose_context(const Contexts& contexts, const Environment& environment,
                                      const std::optional<std::string>& flag,
                                      const std::optional<std::string>& composition) {
    std::string name = contexts.current();
    std::string source = "current context";
    if (flag) {
        name = *flag;
        source = "--context";
    } else if (auto variable = environment.get("HARMONY_CONTEXT")) {
        name = *variable;
        source = "HARMONY_CONTEXT";
    } else if (composition) {
        name = *composition;
        source = "composition";
    }
    auto context = contexts.find(name);
    if (!context) {
        Problem problem = context.error();
        problem.diagnostic.summary += " (named by " + source + ")";
        return tl::unexpected(std::move(problem));
    }
    return ChosenContext{std::move(*context), source};
}

}  // namespace harmony::host
