// Reading fields of a kubeconfig with errors that name them. The only place where yaml-cpp appears here.
#pragma once

#include <yaml-cpp/yaml.h>

#include <string>

#include "harmony/kubernetes/failure.hpp"

namespace harmony::runtime::kubernetes {

// A map in the document and its name for errors.
class YamlFields {
 public:
    YamlFields(YAML::Node node, std::string name) : node_(std::move(node)), name_(std::move(name)) {}

    // Absent fields are empty. The values of wrong ones are not shown: they may be secrets.
    [[nodiscard]] Answer<std::string> text(const char* key) const;
    [[nodiscard]] Answer<bool> flag(const char* key) const;
    [[nodiscard]] Answer<std::vector<std::string>> texts(const char* key) const;
    [[nodiscard]] Answer<YamlFields> map(const char* key) const;
    // The items of a list, each a map.
    [[nodiscard]] Answer<std::vector<YamlFields>> maps(const char* key) const;
    [[nodiscard]] bool has(const char* key) const { return static_cast<bool>(find(key)); }
    [[nodiscard]] const std::string& name() const { return name_; }

 private:
    [[nodiscard]] YAML::Node find(const char* key) const;
    [[nodiscard]] tl::unexpected<Failure> wrong(const char* key, const YAML::Node& found,
                                                const char* expected) const;

    YAML::Node node_;
    std::string name_;
};

}  // namespace harmony::runtime::kubernetes
