#include "host/config/composition.hpp"

#include <set>

#include "host/config/files.hpp"
#include "host/config/suggestion.hpp"

namespace harmony::host {
namespace {

tl::unexpected<Problem> wrong(const YamlDocument& document, const YamlNode& node, const std::string& message,
                              std::string hint = {}) {
    return usage_problem("config.composition", document.position(node) + ": " + message, std::move(hint));
}

Outcome<ComposedScore> read_score(const YamlDocument& document, const YamlNode& item) {
    if (item.kind != YamlNode::Kind::Map)
        return wrong(document, item, "found something else, expected an entry with score: NAME");
    ComposedScore score{{}, {}, item};
    for (const auto& [key, value] : item.entries) {
        if (key.scalar == "score") {
            score.name = value.scalar;
        } else if (key.scalar == "with") {
            if (value.kind != YamlNode::Kind::Map && value.kind != YamlNode::Kind::Null)
                return wrong(document, value, "found something else, expected the parameters as a map");
            score.with = value;
        } else {
            return wrong(document, key, "unknown field \"" + key.scalar + "\"",
                         suggestion_hint(key.scalar, {"score", "with"}));
        }
    }
    if (score.name.empty()) return wrong(document, item, "the entry names no Score", "write score: NAME");
    return score;
}

Outcome<void> read_scores(Composition& composition, const YamlNode& list) {
    if (list.kind != YamlNode::Kind::List)
        return wrong(composition.document, list, "found something else, expected a list of Scores");
    std::set<std::string> seen;
    for (const auto& item : list.items) {
        auto score = read_score(composition.document, item);
        if (!score) return tl::unexpected(score.error());
        if (!seen.insert(score->name).second)
            return wrong(composition.document, item, score->name + " is listed twice, expected once");
        composition.scores.push_back(std::move(*score));
    }
    return {};
}

}  // namespace

const ComposedScore* Composition::find(const std::string& name) const {
    for (const auto& score : scores)
        if (score.name == name) return &score;
    return nullptr;
}

std::string Composition::position(const ComposedScore& score, const ValuePath& path) const {
    const bool inside = score.with.kind == YamlNode::Kind::Map;
    return document.position(inside ? score.with.nearest(path) : score.place);
}

Outcome<Composition> parse_composition(std::string_view text, const std::string& file) {
    auto document = parse_yaml(text, file);
    if (!document) return tl::unexpected(document.error());
    Composition composition{std::move(*document), std::nullopt, {}};
    const YamlNode root = composition.document.root;
    if (root.kind != YamlNode::Kind::Map)
        return wrong(composition.document, root, "found something else, expected a map with scores");
    for (const auto& [key, value] : root.entries) {
        if (key.scalar == "context") {
            if (value.kind != YamlNode::Kind::Scalar || value.scalar.empty())
                return wrong(composition.document, value, "expected the name of a context");
            composition.context = value.scalar;
        } else if (key.scalar == "scores") {
            if (auto read = read_scores(composition, value); !read) return tl::unexpected(read.error());
        } else {
            return wrong(composition.document, key, "unknown field \"" + key.scalar + "\"",
                         suggestion_hint(key.scalar, {"context", "scores"}));
        }
    }
    return composition;
}

Outcome<std::optional<Composition>> load_composition(const std::optional<std::string>& named) {
    const std::string file = named.value_or(kCompositionFile);
    auto text = read_file(file);
    if (!text) return tl::unexpected(text.error());
    if (!*text) {
        if (!named) return std::optional<Composition>();
        return usage_problem(
            "config.composition", "there is no file " + file,
            "--file names the composition; without it ./harmony.yaml is used when it exists");
    }
    auto composition = parse_composition(**text, file);
    if (!composition) return tl::unexpected(composition.error());
    return std::optional<Composition>(std::move(*composition));
}

}  // namespace harmony::host
