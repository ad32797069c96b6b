#include "host/config/yaml_document.hpp"

#include <yaml-cpp/yaml.h>

#include <nlohmann/json.hpp>
#include <set>

namespace harmony::host {
namespace {

using nlohmann::json;

constexpr int kMaxDepth = 64;
constexpr int kMaxNodes = 100000;  // aliases could otherwise multiply a small file into a huge tree

struct Refused {
    YAML::Mark mark;
    std::string message;
};

class Converter {
 public:
    YamlNode convert(const YAML::Node& source, int depth) {
        if (depth > kMaxDepth) throw Refused{source.Mark(), "nested deeper than 64 levels"};
        if (++nodes_ > kMaxNodes) throw Refused{source.Mark(), "more than 100000 values"};
        YamlNode node;
        node.line = source.Mark().line + 1;
        node.column = source.Mark().column + 1;
        switch (source.Type()) {
            case YAML::NodeType::Scalar:
                node.kind = YamlNode::Kind::Scalar;
                node.scalar = source.Scalar();
                node.quoted = source.Tag() == "!";
                break;
            case YAML::NodeType::Sequence:
                node.kind = YamlNode::Kind::List;
                for (const auto& item : source)
                    node.items.push_back(convert(item, depth + 1));
                break;
            case YAML::NodeType::Map:
                node.kind = YamlNode::Kind::Map;
                convert_entries(source, node, depth);
                break;
            default:
                break;
        }
        return node;
    }

 private:
    void convert_entries(const YAML::Node& source, YamlNode& node, int depth) {
        std::set<std::string> seen;
        for (const auto& entry : source) {
            if (!entry.first.IsScalar()) throw Refused{entry.first.Mark(), "a key has to be plain text"};
            if (!seen.insert(entry.first.Scalar()).second)
                throw Refused{entry.first.Mark(), "the key \"" + entry.first.Scalar() + "\" is given twice"};
            node.entries.push_back({convert(entry.first, depth + 1), convert(entry.second, depth + 1)});
        }
    }

    int nodes_ = 0;
};

json plain_scalar(const YamlNode& node) {
    if (node.quoted) return node.scalar;
    const auto& text = node.scalar;
    if (text.empty() || text == "~" || text == "null" || text == "Null" || text == "NULL") return nullptr;
    if (text == "true" || text == "True" || text == "TRUE") return true;
    if (text == "false" || text == "False" || text == "FALSE") return false;
    const json number = json::parse(text, nullptr, false);
    if (number.is_number()) return number;
    return text;
}

void emit(YAML::Emitter& out, const json& value) {
    if (value.is_object()) {
        out << YAML::BeginMap;
        for (const auto& [name, member] : value.items()) {
            out << YAML::Key << name << YAML::Value;
            emit(out, member);
        }
        out << YAML::EndMap;
    } else if (value.is_array()) {
        out << YAML::BeginSeq;
        for (const auto& item : value)
            emit(out, item);
        out << YAML::EndSeq;
    } else if (value.is_string()) {
        YamlNode plain;
        plain.scalar = value.get<std::string>();
        if (plain_scalar(plain).is_string()) {
            out << plain.scalar;
        } else {
            out << YAML::DoubleQuoted << plain.scalar;
        }
    } else if (value.is_null()) {
        out << YAML::Null;
    } else {
        out << value.dump();
    }
}

}  // namespace

const YamlNode* YamlNode::find(std::string_view key) const {
    for (const auto& [name, value] : entries)
        if (name.scalar == key) return &value;
    return nullptr;
}

const YamlNode& YamlNode::nearest(const ValuePath& path) const {
    const YamlNode* current = this;
    for (const auto& segment : path.segments()) {
        const YamlNode* next = nullptr;
        if (const auto* index = std::get_if<std::size_t>(&segment)) {
            if (*index < current->items.size()) next = &current->items[*index];
        } else {
            next = current->find(std::get<std::string>(segment));
        }
        if (next == nullptr) return *current;
        current = next;
    }
    return *current;
}

std::string YamlDocument::position(const YamlNode& node) const {
    return file + ":" + std::to_string(node.line) + ":" + std::to_string(node.column);
}

Outcome<YamlDocument> parse_yaml(std::string_view text, std::string file) {
    auto refused = [&](const YAML::Mark& mark, const std::string& message) {
        const int line = mark.is_null() ? 1 : mark.line + 1;
        const int column = mark.is_null() ? 1 : mark.column + 1;
        return usage_problem(
            "config.yaml", file + ":" + std::to_string(line) + ":" + std::to_string(column) + ": " + message);
    };
    try {
        const YAML::Node source = YAML::Load(std::string(text));
        YamlDocument document{file, {}};
        if (source.IsDefined()) document.root = Converter().convert(source, 0);
        return document;
    } catch (const Refused& problem) {
        return refused(problem.mark, problem.message);
    } catch (const YAML::Exception& problem) {
        return refused(problem.mark, problem.msg);
    }
}

json yaml_to_json(const YamlNode& node) {
    static const json nothing = json::object();
    const Schema schema(nothing);
    return yaml_to_json(node, schema, nothing);
}

json yaml_to_json(const YamlNode& node, const Schema& schema, const json& governing) {
    static const json anything = json::object();
    auto inner = [&](const PathSegment& segment) -> const json& {
        const json* found = schema.child(governing, segment);
        return found == nullptr ? anything : *found;
    };
    switch (node.kind) {
        case YamlNode::Kind::Null:
            return nullptr;
        case YamlNode::Kind::Scalar: {
            const json& wanted = schema.resolve(governing);
            const bool asks_text = wanted.is_object() && wanted.value("type", json()) == "string";
            if (asks_text && !node.scalar.empty()) return node.scalar;
            return plain_scalar(node);
        }
        case YamlNode::Kind::List: {
            json list = json::array();
            for (std::size_t i = 0; i < node.items.size(); ++i)
                list.push_back(yaml_to_json(node.items[i], schema, inner(i)));
            return list;
        }
        case YamlNode::Kind::Map: {
            json object = json::object();
            for (const auto& [key, value] : node.entries)
                object[key.scalar] = yaml_to_json(value, schema, inner(key.scalar));
            return object;
        }
    }
    return nullptr;
}

std::string json_to_yaml(const json& value) {
    YAML::Emitter out;
    emit(out, value);
    return std::string(out.c_str()) + "\n";
}

}  // namespace harmony::host
