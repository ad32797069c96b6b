#include "deployment_file.hpp"

#include <yaml-cpp/yaml.h>

#include <charconv>
#include <cmath>
#include <harmony/plugin/json.hpp>
#include <optional>
#include <regex>
#include <set>

namespace harmony::fleet {

using plugin::Json;

namespace {

// An alias stands for a copy, so a small file could ask for an enormous document.
constexpr int kMaxNodes = 200'000;
constexpr int kMaxDepth = 64;
constexpr const char* kQuoted = "!";  // yaml-cpp's tag of a quoted scalar

std::string at(const YAML::Mark& mark) {
    return mark.is_null() ? "" : "line " + std::to_string(mark.line + 1) + ": ";
}

tl::unexpected<Error> refused(const YAML::Node& node, const std::string& what) {
    return fail(ErrorKind::InvalidInput, at(node.Mark()) + what);
}

std::optional<Json> integer_of(const std::string& text) {
    const char* begin = text.c_str() + (text.front() == '+' ? 1 : 0);
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(begin, text.c_str() + text.size(), value);
    if (error != std::errc() || end != text.c_str() + text.size()) return std::nullopt;
    return Json(value);
}

// The core schema of YAML 1.2: `yes` and `on` are texts.
Json plain_scalar(const std::string& text) {
    static const std::regex integer("[-+]?[0-9]+");
    static const std::regex number("[-+]?(\\.[0-9]+|[0-9]+(\\.[0-9]*)?)([eE][-+]?[0-9]+)?");
    constexpr std::size_t kMaxNumberBytes = 64;
    if (text.empty() || text == "~" || text == "null" || text == "Null" || text == "NULL") return {};
    if (text == "true" || text == "True" || text == "TRUE") return Json(true);
    if (text == "false" || text == "False" || text == "FALSE") return Json(false);
    if (text.size() > kMaxNumberBytes) return Json(text);
    if (std::regex_match(text, integer)) {
        if (auto value = integer_of(text)) return std::move(*value);
    }
    if (std::regex_match(text, number)) {
        const double value = std::strtod(text.c_str(), nullptr);
        if (std::isfinite(value)) return Json(value);
    }
    return Json(text);
}

class Converter {
 public:
    Result<Json> convert(const YAML::Node& node, int depth = 0) {
        if (++nodes_ > kMaxNodes)
            return refused(node, "too much: more than " + std::to_string(kMaxNodes) + " values");
        if (depth > kMaxDepth)
            return refused(node, "nested deeper than " + std::to_string(kMaxDepth) + " levels");
        switch (node.Type()) {
            case YAML::NodeType::Scalar:
                return node.Tag() == kQuoted || node.Tag() == "tag:yaml.org,2002:str"
                           ? Json(node.Scalar())
                           : plain_scalar(node.Scalar());
            case YAML::NodeType::Sequence:
                return sequence(node, depth);
            case YAML::NodeType::Map:
                return map(node, depth);
            default:
                return Json();
        }
    }

 private:
    Result<Json> sequence(const YAML::Node& node, int depth) {
        Json items = Json::array();
        for (const auto& item : node) {
            auto value = convert(item, depth + 1);
            if (!value) return value;
            items.push_back(std::move(*value));
        }
        return items;
    }
    Result<Json> map(const YAML::Node& node, int depth) {
        Json members = Json::object();
        for (const auto& entry : node) {
            if (!entry.first.IsScalar()) return refused(entry.first, "a key that is no text");
            const std::string& key = entry.first.Scalar();
            if (members.find(key) != nullptr)
                return refused(entry.first, "the key " + key + " is there twice");
            auto value = convert(entry.second, depth + 1);
            if (!value) return value;
            members[key] = std::move(*value);
        }
        return members;
    }

    int nodes_ = 0;
};

Result<std::vector<YAML::Node>> load_all(const std::string& content) {
    try {
        return YAML::LoadAll(content);
    } catch (const YAML::Exception& error) {
        return fail(ErrorKind::InvalidInput, at(error.mark) + error.msg);
    }
}

}  // namespace

Result<std::vector<contracts::Deployment>> read_deployments(const std::string& path,
                                                            const std::string& content) {
    if (content.size() > kMaxFileBytes) {
        return fail(ErrorKind::InvalidInput, path + ": found " + std::to_string(content.size()) +
                                                 " bytes, expected at most " + std::to_string(kMaxFileBytes));
    }
    const auto documents = load_all(content);
    if (!documents) return fail(documents.error().wrap(path));
    std::vector<contracts::Deployment> deployments;
    std::set<std::string> names;
    for (std::size_t i = 0; i < documents->size(); ++i) {
        const auto& node = (*documents)[i];
        if (!node.IsDefined() || node.IsNull()) continue;
        const std::string where = path + ": document " + std::to_string(i + 1);
        const auto json = Converter().convert(node);
        if (!json) return fail(json.error().wrap(where));
        auto deployment = contracts::Deployment::decode(json->dump());
        if (!deployment) return fail(deployment.error().wrap(where));
        if (!names.insert(deployment->metadata.name).second) {
            return fail(ErrorKind::InvalidInput,
                        where + ": the Deployment " + deployment->metadata.name + " is there twice");
        }
        deployments.push_back(std::move(*deployment));
    }
    if (deployments.empty())
        return fail(ErrorKind::InvalidInput, path + ": found no document, expected a Deployment");
    return deployments;
}

}  // namespace harmony::fleet
