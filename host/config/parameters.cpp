#include "host/config/parameters.hpp"

#include <algorithm>
#include <cctype>

namespace harmony::host {
namespace {

using nlohmann::json;

constexpr const char* kPrefix = "HARMONY_CONFIG_";

std::string upper(std::string text) {
    std::ranges::transform(text, text.begin(),
                           [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    return text;
}

// Collects the layers of one Score, lowest first.
class Layers {
 public:
    Layers(const std::string& score, const json& schema) : score_(score), schema_(schema) {
        result_.settings = schema_.defaults();
    }

    Outcome<void> assign(ValuePath path, json value, const std::string& origin) {
        if (!put_value(result_.settings, path, std::move(value)))
            return usage_problem("config.parameters",
                                 score_ + ": " + path.text() + " (" + origin +
                                     "): the path leaves a gap or runs through a plain value",
                                 "list items are set in order, from [0]");
        std::erase_if(result_.origins, [&](const auto& entry) { return entry.first.begins_with(path); });
        result_.origins[path] = origin;
        return {};
    }

    // Objects are merged member by member, everything else is replaced.
    Outcome<void> merge(const json& layer, const ValuePath& path, const std::string& origin) {
        if (!layer.is_object() || (layer.empty() && !path.empty())) return assign(path, layer, origin);
        const json* present = find_value(result_.settings, path);
        if (present != nullptr && !present->is_object()) return assign(path, layer, origin);
        for (const auto& [name, member] : layer.items()) {
            if (auto merged = merge(member, path.child(name), origin); !merged) return merged;
        }
        return {};
    }

    Outcome<void> merge_root(const json& layer, const std::string& origin) {
        if (layer.is_null()) return {};
        if (!layer.is_object())
            return usage_problem("config.parameters",
                                 score_ + ": " + origin + " holds no object with parameters");
        return merge(layer, {}, origin);
    }

    // A value as text; the schema says which type it has.
    Outcome<void> assign_text(ValuePath path, const std::string& text, const std::string& origin) {
        if (auto problem = schema_.normalise(path)) {
            Diagnostic what =
                diagnostic("config.unknown-parameter",
                           score_ + " has no parameter " + path.text() + " (" + origin + ")", problem->hint);
            what.path = path.text();
            return stop(ExitCode::Usage, std::move(what));
        }
        json value = schema_.typed(path, text);
        return assign(std::move(path), std::move(value), origin);
    }

    [[nodiscard]] const Schema& schema() const { return schema_; }
    ResolvedParameters& result() { return result_; }

 private:
    const std::string& score_;
    Schema schema_;
    ResolvedParameters result_;
};

// `DEVICES__0__ID` as the schema spells it; what it does not know keeps its letters in lower case.
ValuePath path_of_variable(const Schema& schema, std::string_view rest) {
    ValuePath path;
    while (!rest.empty()) {
        const auto stop_at = std::min(rest.find("__"), rest.size());
        const std::string word(rest.substr(0, stop_at));
        rest.remove_prefix(std::min(stop_at + 2, rest.size()));
        std::string spelled = word;
        std::ranges::transform(spelled, spelled.begin(),
                               [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
        const json* governing = schema.at(path);
        if (governing != nullptr && governing->is_object() && governing->contains("properties")) {
            for (const auto& [name, ignored] : (*governing)["properties"].items())
                if (upper(name) == upper(word)) spelled = name;
        }
        ValuePath next = path.child(spelled);
        if (!schema.normalise(next)) {
            path = next;
        } else {
            path = path.child(spelled);
        }
    }
    return path;
}

Outcome<void> add_environment(Layers& layers, const std::string& score, const Environment& environment) {
    for (const auto& [variable, path] : layers.schema().variables()) {
        const auto value = environment.get(variable);
        if (!value) continue;
        if (auto added = layers.assign_text(path, *value, variable); !added) return added;
    }
    const std::string own = kPrefix + score;
    if (const auto text = environment.get(own)) {
        const json parsed = json::parse(*text, nullptr, false);
        if (parsed.is_discarded())
            return usage_problem("config.parameters", score + ": " + own + " holds no JSON",
                                 "write it as {\"parameter\": value}");
        if (auto merged = layers.merge_root(parsed, own); !merged) return merged;
    }
    const std::string field_prefix = own + "__";
    for (const auto& [variable, value] : environment.all()) {
        if (!variable.starts_with(field_prefix) || value.empty()) continue;
        const ValuePath path = path_of_variable(layers.schema(), variable.substr(field_prefix.size()));
        if (path.empty()) continue;
        if (auto added = layers.assign_text(path, value, variable); !added) return added;
    }
    return {};
}

Outcome<void> add_composition(Layers& layers, const std::string& score, const json& schema,
                              const Composition& composition) {
    const ComposedScore* entry = composition.find(score);
    if (entry == nullptr || entry->with.kind == YamlNode::Kind::Null) return {};
    return layers.merge_root(yaml_to_json(entry->with, Schema(schema), schema), composition.document.file);
}

Outcome<void> add_assignments(Layers& layers, const std::string& score,
                              const std::vector<Assignment>& assignments) {
    for (const auto& assignment : assignments) {
        if (!assignment.score.empty() && assignment.score != score) continue;
        ValuePath path = assignment.path;
        // An unqualified value is for the Scores that know it; the caller checks that at least one does.
        if (assignment.score.empty() && layers.schema().normalise(path)) continue;
        if (auto added = layers.assign_text(path, assignment.text, assignment.origin); !added) return added;
    }
    return {};
}

std::string explained(const SchemaProblem& problem, const std::string& score, const ParameterInputs& inputs,
                      const ResolvedParameters& resolved) {
    std::string where;
    const std::string origin = resolved.origin(problem.path);
    if (inputs.composition != nullptr) {
        const ComposedScore* entry = inputs.composition->find(score);
        const bool from_file = origin == inputs.composition->document.file;
        if (entry != nullptr && (from_file || problem.missing))
            where = inputs.composition->position(*entry, problem.path) + ": ";
    }
    if (where.empty() && origin != "default" && !problem.missing) where = origin + ": ";
    return where + score + "." + problem.text();
}

Outcome<ResolvedParameters> report(const std::vector<SchemaProblem>& problems, const std::string& score,
                                   const ParameterInputs& inputs, const ResolvedParameters& resolved) {
    const auto& first = problems.front();
    Diagnostic what = diagnostic("config.parameters", explained(first, score, inputs, resolved), first.hint);
    if (first.missing && what.hint.empty())
        what.hint = "give it with --set " + score + "." + first.path.text() + "=VALUE, in " +
                    variable_for(score, first.path) + " or in " + kCompositionFile;
    for (std::size_t i = 1; i < problems.size(); ++i) {
        if (i > 1) what.detail += "\n";
        what.detail += explained(problems[i], score, inputs, resolved);
        if (!problems[i].hint.empty()) what.detail += " (" + problems[i].hint + ")";
    }
    what.path = first.path.text();
    return stop(ExitCode::Usage, std::move(what));
}

Outcome<void> ask_for_missing(Layers& layers, const std::string& score, const Question& ask,
                              const std::vector<SchemaProblem>& problems) {
    for (const auto& problem : problems) {
        if (!problem.missing) continue;
        const auto answer =
            ask(score, problem.path, problem.expected, layers.schema().sensitive(problem.path));
        if (!answer) continue;
        if (auto added = layers.assign_text(problem.path, *answer, "prompt"); !added) return added;
    }
    return {};
}

}  // namespace

std::string ResolvedParameters::origin(const ValuePath& path) const {
    std::string nearest = "default";
    std::size_t longest = 0;
    for (const auto& [known, source] : origins) {
        if (!path.begins_with(known) || known.segments().size() < longest) continue;
        nearest = source;
        longest = known.segments().size();
    }
    return nearest;
}

std::string variable_for(const std::string& score, const ValuePath& path) {
    std::string name = kPrefix + score;
    for (const auto& segment : path.segments()) {
        name += "__";
        const auto* index = std::get_if<std::size_t>(&segment);
        name += index != nullptr ? std::to_string(*index) : upper(std::get<std::string>(segment));
    }
    return name;
}

Outcome<Assignment> parse_assignment(const std::string& text, const std::vector<std::string>& score_names) {
    const auto equals = text.find('=');
    const std::string left = text.substr(0, equals);
    auto path = ValuePath::parse(left);
    if (equals == std::string::npos || !path)
        return usage_problem("usage.set", "--set found \"" + left + "\", expected path=value",
                             "for example --set FleetNatsScore.port=4222 or --set devices[0].id=device-01");
    Assignment assignment{{}, *path, text.substr(equals + 1), "--set"};
    const auto& segments = path->segments();
    const auto* first = std::get_if<std::string>(&segments.front());
    if (first != nullptr && segments.size() > 1 &&
        std::ranges::find(score_names, *first) != score_names.end()) {
        assignment.score = *first;
        assignment.path = ValuePath({segments.begin() + 1, segments.end()});
    }
    return assignment;
}

Outcome<ResolvedParameters> resolve_parameters(const std::string& score, const json& schema,
                                               const ParameterInputs& inputs) {
    Layers layers(score, schema);
    Outcome<void> done;
    auto then = [&](auto&& layer) {
        if (done) done = layer();
    };
    const auto recorded = [&] { return layers.merge_root(*inputs.recorded, "record"); };
    if (inputs.composition != nullptr)
        then([&] { return add_composition(layers, score, schema, *inputs.composition); });
    if (inputs.environment != nullptr)
        then([&] { return add_environment(layers, score, *inputs.environment); });
    // What was applied is what has to be found again, whatever the files say by now.
    if (inputs.recorded != nullptr && !inputs.recorded_first) then(recorded);
    if (inputs.assignments != nullptr)
        then([&] { return add_assignments(layers, score, *inputs.assignments); });
    if (inputs.recorded != nullptr && inputs.recorded_first) then(recorded);
    if (!done) return tl::unexpected(done.error());

    auto fill = [&] { layers.schema().fill_defaults(layers.result().settings, [](const ValuePath&) {}); };
    fill();
    auto problems = layers.schema().check(layers.result().settings);
    if (!problems.empty() && inputs.ask) {
        if (auto asked = ask_for_missing(layers, score, inputs.ask, problems); !asked)
            return tl::unexpected(asked.error());
        fill();
        problems = layers.schema().check(layers.result().settings);
    }
    if (!problems.empty()) return report(problems, score, inputs, layers.result());
    return layers.result();
}

}  // namespace harmony::host
