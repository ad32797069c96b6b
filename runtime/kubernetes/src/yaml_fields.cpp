#include "yaml_fields.hpp"

namespace harmony::runtime::kubernetes {

YAML::Node YamlFields::find(const char* key) const {
    if (!node_.IsDefined() || !node_.IsMap()) return YAML::Node(YAML::NodeType::Undefined);
    // A const node: operator[] of the other kind would add the key.
    const YAML::Node& map = node_;
    YAML::Node found = map[key];
    if (!found.IsDefined() || found.IsNull()) return YAML::Node(YAML::NodeType::Undefined);
    return found;
}

tl::unexpected<Failure> YamlFields::wrong(const char* key, const YAML::Node& found,
                                          const char* expected) const {
    const char* type = found.IsMap() ? "a map" : found.IsSequence() ? "a list" : "another text";
    return refuse(Reason::Configuration, name_ + "." + key + ": found " + type + ", expected " + expected);
}

Answer<std::string> YamlFields::text(const char* key) const {
    const YAML::Node found = find(key);
    if (!found) return std::string{};
    if (!found.IsScalar()) return wrong(key, found, "a text");
    return found.Scalar();
}

Answer<bool> YamlFields::flag(const char* key) const {
    const YAML::Node found = find(key);
    if (!found) return false;
    if (found.IsScalar() && found.Scalar() == "true") return true;
    if (found.IsScalar() && found.Scalar() == "false") return false;
    return wrong(key, found, "true or false");
}

Answer<std::vector<std::string>> YamlFields::texts(const char* key) const {
    std::vector<std::string> items;
    const YAML::Node found = find(key);
    if (!found) return items;
    if (!found.IsSequence()) return wrong(key, found, "a list of texts");
    for (const auto& item : found) {
        if (!item.IsScalar()) return wrong(key, item, "texts only");
        items.push_back(item.Scalar());
    }
    return items;
}

Answer<YamlFields> YamlFields::map(const char* key) const {
    const YAML::Node found = find(key);
    if (found && !found.IsMap()) return wrong(key, found, "a map");
    return YamlFields(found, name_ + "." + key);
}

Answer<std::vector<YamlFields>> YamlFields::maps(const char* key) const {
    std::vector<YamlFields> items;
    const YAML::Node found = find(key);
    if (!found) return items;
    if (!found.IsSequence()) return wrong(key, found, "a list of maps");
    for (const auto& item : found) {
        if (!item.IsMap()) return wrong(key, item, "maps only");
        items.emplace_back(item, name_ + "." + key + "[" + std::to_string(items.size()) + "]");
    }
    return items;
}

}  // namespace harmony::runtime::kubernetes
