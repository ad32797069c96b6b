// What the two resource definitions share. Private to contracts.
#pragma once

#include <string_view>
#include <vector>

#include "structural_schema.hpp"

namespace harmony::contracts {

// Of a device id or a deployment name, and of a container.
inline constexpr std::string_view kNamePattern = "^[a-z0-9]([a-z0-9-]*[a-z0-9])?$";
inline constexpr std::string_view kLabelKeyPattern =
    "^([a-z0-9]([a-z0-9.-]*[a-z0-9])?/)?[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?$";
inline constexpr std::string_view kLabelValuePattern = "^([A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9])?)?$";

struct PrinterColumn {
    std::string_view name;
    std::string_view type;
    std::string_view path;
    std::string_view description;
    bool wide = false;  // shown with -o wide only
};

struct DefinitionNames {
    std::string_view kind;
    std::string_view plural;
    std::string_view singular;
    std::string_view short_name;
    bool namespaced = true;
};

// The members are those of a Deployment or Device beside apiVersion, kind and metadata.
[[nodiscard]] structural::Json make_definition(const DefinitionNames& names, std::string_view description,
                                               std::vector<structural::Member> members,
                                               const std::vector<PrinterColumn>& columns);

[[nodiscard]] structural::Json conditions_schema(std::string_view description);
[[nodiscard]] structural::Json podman_v0_schema(std::string_view description);

}  // namespace harmony::contracts
