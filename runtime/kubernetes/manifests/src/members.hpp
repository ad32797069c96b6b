// Writing members of objects: what is empty is left out.
#pragma once

#include <nlohmann/json.hpp>

#include "harmony/kubernetes_manifests/metadata.hpp"

namespace harmony::kubernetes_manifests {

template <class Value>
void put_filled(Json& object, const char* name, const Value& value) {
    if (!value.empty()) object[name] = value;
}

[[nodiscard]] inline Json object_of(const char* api_version, const char* kind, const Metadata& metadata) {
    return {{"apiVersion", api_version}, {"kind", kind}, {"metadata", to_json(metadata)}};
}

}  // namespace harmony::kubernetes_manifests
